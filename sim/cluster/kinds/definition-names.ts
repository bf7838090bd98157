import { equalJson } from '../../../src/kube/json-equal.ts';
import { type JsonRecord, recordOf } from '../../../src/kube/json-record.ts';

/** What a definition may be called by, and the first name that another of its group has already. */
export interface NameDecision {
  readonly accepted: JsonRecord;
  readonly conflict?: { readonly reason: string; readonly message: string };
}

/**
 * Decides which of the names that a definition asks for it gets: those that no other definition of its
 * group has, and those that it has had. Source: apiextensions-apiserver v0.32, naming_controller.go.
 */
export function decideNames(
  requested: JsonRecord,
  had: JsonRecord,
  others: readonly JsonRecord[],
): NameDecision {
  const resources = new Set(
    others.flatMap(({ plural, singular, shortNames }) => [plural, singular, ...textsOf(shortNames)]),
  );
  const kinds = new Set(others.flatMap(({ kind, listKind }) => [kind, listKind]));
  const accepted: Record<string, unknown> = { ...had };
  let conflict: NameDecision['conflict'];
  const decide = (member: string, reason: string, taken: ReadonlySet<unknown>): void => {
    const name = requested[member];
    if (name !== had[member] && taken.has(name))
      conflict = { reason, message: `${JSON.stringify(name)} is already in use` };
    else accepted[member] = name;
  };
  decide('plural', 'PluralConflict', resources);
  decide('singular', 'SingularConflict', resources);
  if (!equalJson(requested.shortNames, had.shortNames)) {
    const old = textsOf(had.shortNames);
    const taken = textsOf(requested.shortNames).filter((name) => !old.includes(name) && resources.has(name));
    const messages = taken.map((name) => `${JSON.stringify(name)} is already in use`);
    if (messages.length > 0)
      conflict = {
        reason: 'ShortNamesConflict',
        message: messages.length === 1 ? `${messages[0]}` : `[${messages.join(', ')}]`,
      };
    else if (requested.shortNames === undefined) delete accepted.shortNames;
    else accepted.shortNames = requested.shortNames;
  }
  decide('kind', 'KindConflict', kinds);
  decide('listKind', 'ListKindConflict', kinds);
  if (requested.categories === undefined) delete accepted.categories;
  else accepted.categories = requested.categories;
  return conflict === undefined ? { accepted } : { accepted, conflict };
}

/** The names that a stored definition has. */
export function acceptedNamesOf(definition: JsonRecord): JsonRecord {
  return recordOf(recordOf(definition.status).acceptedNames);
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
