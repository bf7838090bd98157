import type { Condition } from './object.ts';

export type NewCondition = Omit<Condition, 'lastTransitionTime'>;

/**
 * The list with one condition set; the very same list when nothing changes, so that callers can skip the write.
 *
 * `lastTransitionTime` becomes `now` (RFC 3339) only when the status changes. Source: API conventions, "Typical status properties".
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  wanted: NewCondition,
  now: string,
): readonly Condition[] {
  const list = conditions ?? [];
  const place = list.findIndex(({ type }) => type === wanted.type);
  const before = list[place];
  if (before === undefined) return [...list, { ...wanted, lastTransitionTime: now }];
  const same =
    before.status === wanted.status &&
    before.reason === wanted.reason &&
    before.message === wanted.message &&
    before.observedGeneration === wanted.observedGeneration;
  if (same) return list;
  const lastTransitionTime = before.status === wanted.status ? before.lastTransitionTime : now;
  return list.with(place, { ...wanted, lastTransitionTime });
}

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** A code as a condition's reason: `bad-signature` as `BadSignature`. Source: API conventions, reasons are CamelCase. */
export function reasonOfCode(code: string): string {
  return code.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The code that a reason was made of. */
export function codeOfReason(reason: string): string {
  return reason.replace(/(?<!^)[A-Z]/g, '-$&').toLowerCase();
}
