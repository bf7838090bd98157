import { hasNewSpec } from './admission.ts';
import { trustedUser, type UserInfo } from './auth/user.ts';
import type { DeleteRequest, WriteRequest } from './requests.ts';
import type { Resource, Served } from './resource.ts';
import * as refuse from './status-errors.ts';
import { type Draft, equalJson, type StoredObject } from './stored-object.ts';

/** Who asks; a part of the server is trusted by its name. */
export function askerOf({ asker, user }: WriteRequest): UserInfo {
  return asker ?? trustedUser(user);
}

/** Puts the object into the namespace of its request. Throws BadRequest when it names another. */
export function settleNamespace({ resource }: Served, draft: Draft, namespace: string): void {
  const given = draft.metadata.namespace;
  if (given !== undefined && given !== namespace)
    throw refuse.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  if (!resource.namespaced) return;
  if (namespace === '') throw refuse.badRequest(`an object of kind ${resource.kind} needs a namespace`);
  draft.metadata.namespace = namespace;
}

/** What was not stored has no version. */
export function undated(draft: Draft): StoredObject {
  const { resourceVersion: _, ...metadata } = draft.metadata;
  return { ...draft, metadata: metadata as Draft['metadata'] };
}

/** The metadata that an update of the status leads to. */
export function statusMeta(
  resource: Resource,
  { metadata: after }: Draft,
  { metadata: before }: StoredObject,
): Draft['metadata'] {
  if (resource.statusTakesAnnotations !== true) return { ...before };
  const { annotations: _, ...rest } = before;
  return { ...rest, ...(after.annotations !== undefined && { annotations: after.annotations }) };
}

/** The metadata that an update leads to: what the server owns stays as it was. */
export function updatedMeta(proposed: Draft, { metadata: before }: StoredObject): Draft['metadata'] {
  const { metadata: after } = proposed;
  const meta: Draft['metadata'] = { ...before };
  for (const member of ['generateName', 'labels', 'annotations', 'ownerReferences', 'finalizers'] as const) {
    if (after[member] === undefined) delete meta[member];
    else Object.assign(meta, { [member]: after[member] });
  }
  return meta;
}

/** What becomes of dependents. Jobs keep theirs for historical reasons, and say so. */
export function policyOf(
  { resource }: Served,
  { propagationPolicy, warn }: DeleteRequest,
): DeleteRequest['propagationPolicy'] {
  if (propagationPolicy !== undefined || resource.orphansByDefault !== true) return propagationPolicy;
  warn?.(
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  );
  return 'Orphan';
}

export function isNewGeneration(
  { resource, version }: Served,
  stored: Draft,
  current: StoredObject,
): boolean {
  const countsStatus = resource.custom && !version.hasStatus;
  if (hasNewSpec(stored, current, countsStatus)) return true;
  return (
    resource.generationCountsAnnotations === true &&
    !equalJson(stored.metadata.annotations, current.metadata.annotations)
  );
}

/** Source: etcd, --max-request-bytes. */
const STORED_BYTES_MAX = 1.5 * 1024 * 1024;

/** Throws InternalError: only etcd itself notices. */
export function checkSize({ bodyBytes = 0 }: WriteRequest): void {
  if (bodyBytes > STORED_BYTES_MAX) throw refuse.tooLargeToStore();
}

export function copyOf(object: StoredObject): Draft {
  return { ...object, metadata: { ...object.metadata } };
}
