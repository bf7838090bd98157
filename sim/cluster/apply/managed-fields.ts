import { ANYTHING, type CompiledSchema, compileSchema } from '../../../src/kube/crd-schema.ts';
import type { Served } from '../resource.ts';
import type { Draft, ManagedFieldsEntry, Members, StoredObject } from '../stored-object.ts';
import { difference, type FieldSet, fromFieldsV1, isEmpty, select, toFieldsV1, union } from './field-set.ts';
import { compare } from './typed-value.ts';

/** Who writes, as managed fields name writers. */
export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly subresource: string | undefined;
}

/** One manager and what it owns. */
export interface Owned {
  readonly entry: Omit<ManagedFieldsEntry, 'fieldsV1' | 'fieldsType'>;
  readonly fields: FieldSet;
}

const text = { type: 'string' };
const META_SCHEMA = compileSchema(
  {
    type: 'object',
    properties: {
      generateName: text,
      labels: { type: 'object', additionalProperties: text },
      annotations: { type: 'object', additionalProperties: text },
      finalizers: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
      ownerReferences: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['uid'],
        items: { type: 'object', additionalProperties: true, 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
  'metadata',
  [],
);

const ownershipSchemas = new WeakMap<CompiledSchema, CompiledSchema>();

/** The schema of whole objects, metadata included, that ownership goes by. */
export function ownershipSchema({ version: { schema } }: Served): CompiledSchema {
  const known = ownershipSchemas.get(schema);
  if (known !== undefined) return known;
  const properties = new Map([...schema.properties, ['metadata', META_SCHEMA] as const]);
  const made = { ...ANYTHING, properties };
  ownershipSchemas.set(schema, made);
  return made;
}

const UNOWNED_META = Object.fromEntries(
  ['name', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation']
    .concat(['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'managedFields'])
    .map((name) => [name, ANYTHING]),
);

/** The schema that an applied object must be of, identity and all. */
export function typedSchema(served: Served): CompiledSchema {
  const { schema } = served.version;
  const metadata = new Map([...META_SCHEMA.properties, ...Object.entries(UNOWNED_META)]);
  const identity = [
    ['apiVersion', ANYTHING],
    ['kind', ANYTHING],
    ['metadata', { ...META_SCHEMA, properties: metadata }],
  ] as const;
  return { ...schema, type: 'object', properties: new Map([...schema.properties, ...identity]) };
}

const OWNABLE_META = ['generateName', 'labels', 'annotations', 'finalizers', 'ownerReferences'];

/** The part of an object that someone can own: no names, no versions, nothing the server sets. */
export function ownable(object: Members): Members {
  const { apiVersion: _a, kind: _k, metadata, ...rest } = object;
  const owned = Object.entries((metadata ?? {}) as Members).filter(
    ([name, value]) => OWNABLE_META.includes(name) && value !== undefined,
  );
  return owned.length === 0 ? rest : { metadata: Object.fromEntries(owned), ...rest };
}

export function readOwners(entries: readonly ManagedFieldsEntry[] | undefined): Owned[] {
  return (entries ?? []).map(({ fieldsV1, fieldsType: _, ...entry }) => ({
    entry,
    fields: fromFieldsV1(fieldsV1),
  }));
}

/** Owners as they are stored: those whose fields stay the same are written back as they were. */
export function readStoredOwners(entries: readonly ManagedFieldsEntry[] | undefined): Owned[] {
  const owners = readOwners(entries);
  for (const [index, { entry, fields }] of owners.entries())
    stored.set(entry, { fields, written: entries?.[index] as ManagedFieldsEntry });
  return owners;
}

const stored = new WeakMap<
  Owned['entry'],
  { readonly fields: FieldSet; readonly written: ManagedFieldsEntry }
>();

/** Without owners of nothing, in the order that a server keeps. Source: apimachinery, managedfields/internal/managedfields.go. */
export function writeOwners(owners: readonly Owned[]): readonly ManagedFieldsEntry[] {
  return owners
    .filter(({ fields }) => !isEmpty(fields))
    .toSorted((left, right) => (rankOf(left) < rankOf(right) ? -1 : 1))
    .map(({ entry, fields }) => {
      const before = stored.get(entry);
      if (before?.fields === fields) return before.written;
      return { ...entry, fieldsType: 'FieldsV1', fieldsV1: toFieldsV1(fields) };
    });
}

function rankOf({ entry }: Owned): string {
  const { operation, time = '', manager, apiVersion, subresource = '' } = entry;
  return [operation, time, manager, apiVersion, subresource].join('\0');
}

/** True of the list by which a client asks to forget all owners. */
export function isReset(entries: readonly object[]): boolean {
  return entries.length === 1 && Object.keys(entries[0] ?? {}).length === 0;
}

export function isManager({ entry }: Owned, manager: Manager, apiVersion: string): boolean {
  return (
    entry.manager === manager.name &&
    entry.operation === manager.operation &&
    (manager.operation === 'Apply' || entry.apiVersion === apiVersion) &&
    entry.subresource === manager.subresource
  );
}

export function ownedBy(manager: Manager, apiVersion: string, fields: FieldSet, time: string): Owned {
  const { name, operation, subresource } = manager;
  return {
    entry: { manager: name, operation, apiVersion, time, ...(subresource && { subresource }) },
    fields,
  };
}

/** Status belongs to its subresource, everything else to the object itself. */
export function withinReach(fields: FieldSet, served: Served, subresource: string | undefined): FieldSet {
  if (!served.version.hasStatus) return fields;
  return select(fields, ['f:status'], subresource === 'status');
}

/**
 * Managed fields after a write that is not an apply: the writer owns what it changed, nobody owns what is
 * gone. `declared` are the owners that the writer says there were; absent: those of `before`.
 */
export function ownersAfterUpdate(
  served: Served,
  before: StoredObject | undefined,
  after: Draft,
  manager: Manager,
  time: string,
  declared = before?.metadata.managedFields,
): readonly ManagedFieldsEntry[] {
  // Every object has metadata; only what is in it is anybody's.
  const whole = (object: Members): Members => ({ metadata: {}, ...ownable(object) });
  const { changed, removed } = compare(whole(before ?? {}), whole(after), ownershipSchema(served));
  const taken = union(changed, removed);
  const known = before?.metadata.managedFields;
  const owners = declared === known ? readStoredOwners(known) : readOwners(declared);
  const mine = owners.find((owner) => isManager(owner, manager, served.apiVersion));
  const others = owners
    .filter((owner) => owner !== mine)
    .map(({ entry, fields }) => ({ entry, fields: difference(fields, taken) }));
  const fields = union(difference(mine?.fields ?? { member: false, children: new Map() }, removed), changed);
  return writeOwners([...others, ownedBy(manager, served.apiVersion, fields, time)]);
}
