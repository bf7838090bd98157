import { type KubeCause, KubeError } from '../../../src/kube/error.ts';
import { requiredValue } from '../../../src/kube/field-cause.ts';
import type { Served } from '../resource.ts';
import { badRequest } from '../status-errors.ts';
import {
  equalJson,
  isMembers,
  type ManagedFieldsEntry,
  type Members,
  type StoredObject,
} from '../stored-object.ts';
import {
  difference,
  type FieldSet,
  intersection,
  isEmpty,
  NOTHING,
  outside,
  pathsOf,
  union,
} from './field-set.ts';
import {
  isManager,
  type Manager,
  type Owned,
  ownable,
  ownedBy,
  ownershipSchema,
  readStoredOwners,
  typedSchema,
  withinReach,
  writeOwners,
} from './managed-fields.ts';
import { typedErrors } from './typed-errors.ts';
import { compare, fieldsOf, mergeTyped, removeFields } from './typed-value.ts';

export interface Applied {
  readonly object: Members;
  readonly managedFields: readonly ManagedFieldsEntry[];
}

export interface ApplyRequest {
  readonly fieldManager: string | undefined;
  readonly force: boolean;
  readonly subresource: string | undefined;
  readonly time: string;
}

/**
 * Server-side apply: what the object becomes when `config` is applied to `live`, and who owns what then.
 *
 * The applier sets every field of `config` and drops those that it alone owned before and no longer
 * names. Throws Conflict, naming each field and owner, when it would change what others own, unless
 * forced. Source: Kubernetes documentation, "Server-Side Apply"; structured-merge-diff v4, merge/update.go.
 */
export function serverSideApply(
  served: Served,
  live: StoredObject | undefined,
  config: unknown,
  request: ApplyRequest,
): Applied {
  const { fieldManager } = request;
  if (fieldManager === undefined) throw managerMissing();
  checkConfig(served, config);
  const manager: Manager = { name: fieldManager, operation: 'Apply', subresource: request.subresource };
  const schema = ownershipSchema(served);
  const before = live === undefined ? {} : ownable(live);
  const owners = ownersOf(served, live, before, request);
  const mine = owners.find((owner) => isManager(owner, manager, served.apiVersion));
  const others = owners.filter((owner) => owner !== mine);

  const wanted = withinReach(fieldsOf(ownable(config), schema), served, request.subresource);
  const merged = mergeTyped(before, settable(served, ownable(config)), schema);
  const { changed } = compare(before, merged, schema);
  const disputed = intersection(changed, wanted);
  const conflicts = others
    .map((owner) => ({ owner, fields: intersection(owner.fields, disputed) }))
    .filter(({ fields }) => !isEmpty(fields));
  if (conflicts.length > 0 && !request.force) throw applyConflict(conflicts);

  const kept = others.map(({ entry, fields }) => ({ entry, fields: difference(fields, disputed) }));
  const stillOwned = kept.reduce<FieldSet>((all, { fields }) => union(all, fields), wanted);
  const dropped = outside(difference(mine?.fields ?? NOTHING, wanted), stillOwned);
  const result = removeFields(merged, dropped, schema);
  const object = { ...withIdentity(live, config), ...(isMembers(result) ? result : {}) };
  return {
    object: { ...object, metadata: { ...identityOf(live, config), ...metadataOf(result) } },
    managedFields: timed(
      writeOwners([...kept, ownedBy(manager, served.apiVersion, wanted, request.time)]),
      live,
    ),
  };
}

function checkConfig(served: Served, config: unknown): asserts config is Members {
  if (!isMembers(config)) throw badRequest('an apply patch is an object');
  if (config.apiVersion !== served.apiVersion || config.kind !== served.resource.kind)
    throw badRequest(`invalid object type: ${config.apiVersion ?? ''}, Kind=${config.kind ?? ''}`);
  const { managedFields, namespace = '', name = '' } = metadataOf(config);
  if (managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  const each = typedErrors(config, typedSchema(served));
  if (each.length === 0) return;
  const why = each.length === 1 ? each[0] : `errors:\n${each.map((line) => `  ${line}`).join('\n')}`;
  const { group, kind } = served.resource;
  throw new KubeError(
    'InternalError',
    `failed to create typed patch object (${namespace}/${name}; ${group}/${served.version.name}, Kind=${kind}): ${why}`,
  );
}

/** Built-in kinds cannot keep a null. */
function settable({ resource }: Served, config: Members): Members {
  return resource.custom ? config : (withoutNulls(config) as Members);
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMembers(value)) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutNulls(member)]));
}

/** An object that nobody applied yet is owned, as a whole, by whoever made it. */
function ownersOf(
  served: Served,
  live: StoredObject | undefined,
  before: Members,
  { time }: ApplyRequest,
): readonly Owned[] {
  if (live === undefined) return [];
  const owners = readStoredOwners(live.metadata.managedFields);
  if (owners.length > 0) return owners;
  const manager: Manager = { name: 'before-first-apply', operation: 'Update', subresource: undefined };
  const fields = fieldsOf(before, ownershipSchema(served));
  return [ownedBy(manager, served.apiVersion, fields, time)];
}

function metadataOf(object: unknown): Members {
  const metadata = isMembers(object) ? object.metadata : undefined;
  return isMembers(metadata) ? metadata : {};
}

/** The metadata that nobody owns; a version or uid in `config` is a precondition. */
function identityOf(live: StoredObject | undefined, config: Members): Members {
  const asked = metadataOf(config);
  const {
    labels: _l,
    annotations: _a,
    finalizers: _f,
    ownerReferences: _o,
    ...identity
  } = live?.metadata ?? asked;
  const { uid = identity.uid, resourceVersion = identity.resourceVersion } = asked;
  // What is new has no version that could be the wrong one.
  return { ...identity, uid, resourceVersion: live === undefined ? undefined : resourceVersion };
}

function withIdentity(live: StoredObject | undefined, config: Members): Members {
  const { apiVersion, kind } = live ?? config;
  return { apiVersion, kind };
}

/** An entry whose fields stay the same keeps its time, so that applying twice is no write. */
function timed(
  entries: readonly ManagedFieldsEntry[],
  live: StoredObject | undefined,
): readonly ManagedFieldsEntry[] {
  const before = live?.metadata.managedFields ?? [];
  return entries.map((entry) => {
    const same = before.find((old) => equalJson({ ...old, time: entry.time }, entry));
    return same ?? entry;
  });
}

function managerMissing(): KubeError {
  const cause = requiredValue('fieldManager', 'is required for apply patch');
  const message = `PatchOptions.meta.k8s.io "" is invalid: ${cause.field}: ${cause.message}`;
  return new KubeError('Invalid', message, { group: 'meta.k8s.io', kind: 'PatchOptions', causes: [cause] });
}

function applyConflict(
  conflicts: readonly { readonly owner: Owned; readonly fields: FieldSet }[],
): KubeError {
  const causes: KubeCause[] = conflicts.flatMap(({ owner: { entry }, fields }) => {
    const message = `conflict with ${ownerText(entry)}`;
    return pathsOf(fields).map((field) => ({ reason: 'FieldManagerConflict', message, field }));
  });
  const [only] = causes;
  const list = conflicts.flatMap(({ owner: { entry }, fields }) => [
    `conflicts with ${ownerText(entry)}:`,
    ...pathsOf(fields).map((field) => `- ${field}`),
  ]);
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${only?.message}: ${only?.field}`
      : `Apply failed with ${causes.length} conflicts: ${list.join('\n')}`;
  return new KubeError('Conflict', message, { causes });
}

/** Source: apimachinery, util/managedfields/internal/conflict.go. */
function ownerText({ manager, subresource, operation, apiVersion }: Owned['entry']): string {
  const how = subresource === undefined ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  return `${JSON.stringify(manager)}${how}${operation === 'Update' ? ` using ${apiVersion}` : ''}`;
}
