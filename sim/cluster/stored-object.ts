import { KubeError } from '../../src/kube/error.ts';
import type { KubeObject, ObjectMeta } from '../../src/kube/object.ts';

export { equalJson } from '../../src/kube/json-equal.ts';

export type Members = Readonly<Record<string, unknown>>;

/** Source: metav1.ManagedFieldsEntry. */
export interface ManagedFieldsEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly time?: string;
  readonly fieldsType: 'FieldsV1';
  readonly fieldsV1: Members;
  readonly subresource?: string;
}

export interface StoredMeta extends ObjectMeta {
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

/** An object in the store: never changed after it is committed, shared by every reader. */
export interface StoredObject extends KubeObject {
  readonly metadata: StoredMeta;
  readonly [member: string]: unknown;
}

/** Metadata on its way into the store. */
export type DraftMeta = { -readonly [Member in keyof StoredMeta]: StoredMeta[Member] };

/** An object on its way into the store: top level and metadata may be assigned, the rest is shared. */
export interface Draft {
  apiVersion: string;
  kind: string;
  metadata: DraftMeta;
  [member: string]: unknown;
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * `input` as JSON would carry it, sharing every part that equals the same part of `previous`.
 *
 * The one place where foreign objects are copied: nothing of `input` is kept unless it came from the
 * store. An input equal to `previous` gives `previous` itself, so a write that changes nothing is seen
 * by `===`. Throws BadRequest on what JSON cannot say.
 */
export function graft(input: unknown, previous: unknown): unknown {
  if (input === previous) return input;
  switch (typeof input) {
    case 'string':
    case 'boolean':
      return input;
    case 'number':
      if (!Number.isFinite(input)) throw new KubeError('BadRequest', `${input} is not a JSON number`);
      return input;
    case 'object':
      if (input === null) return null;
      return Array.isArray(input)
        ? graftList(input, Array.isArray(previous) ? previous : undefined)
        : graftMembers(input as Members, isMembers(previous) ? previous : undefined);
    default:
      throw new KubeError('BadRequest', `a ${typeof input} is not JSON`);
  }
}

function graftList(input: readonly unknown[], previous: readonly unknown[] | undefined): readonly unknown[] {
  const copy = new Array<unknown>(input.length);
  let same = previous !== undefined && previous.length === input.length;
  for (let index = 0; index < input.length; index++) {
    const old = previous?.[index];
    const item = graft(input[index], old);
    copy[index] = item;
    if (item !== old) same = false;
  }
  return same ? (previous as readonly unknown[]) : copy;
}

function graftMembers(input: Members, previous: Members | undefined): Members {
  if (input instanceof Date || ArrayBuffer.isView(input))
    throw new KubeError('BadRequest', `a ${input.constructor.name} is not JSON`);
  // Copied whole and not member by member: such a copy takes no more room than its members need.
  const copy: Record<string, unknown> = Object.values(input).includes(undefined)
    ? Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
    : { ...input };
  const names = Object.keys(copy);
  let same = previous !== undefined && Object.keys(previous).length === names.length;
  for (const name of names) {
    const value = copy[name];
    const old = previous?.[name];
    const member = graft(value, old);
    if (member !== value) copy[name] = member;
    if (member !== old) same = false;
  }
  return same ? (previous as Members) : copy;
}

/** Freezes everything below; a test's proof that nobody writes to shared objects. */
export function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
}
