import { conform } from '../../src/kube/crd-schema-conform.ts';
import { validate } from '../../src/kube/crd-schema-validate.ts';
import type { KubeCause } from '../../src/kube/error.ts';
import { readMeta, validateMeta } from './object-meta.ts';
import type { WriteRequest } from './requests.ts';
import type { Served } from './resource.ts';
import { badRequest, invalid } from './status-errors.ts';
import { type Draft, equalJson, graft, isMembers, type Members, type StoredObject } from './stored-object.ts';

/**
 * Reads a client's object into a draft of the served version: copied, pruned, defaulted, metadata put in
 * order. Parts equal to `previous` (seen through the same version) are shared with it.
 * Throws BadRequest when it is not an object of this kind, or has unknown fields and validation is strict.
 */
export function readDraft(
  served: Served,
  input: unknown,
  previous: StoredObject | undefined,
  request: WriteRequest,
): Draft {
  const grafted = graft(input, previous);
  if (!isMembers(grafted)) throw badRequest(`the body must be a ${served.resource.kind} object`);
  checkTypeMeta(served, grafted);
  const unknown: string[] | undefined =
    request.fieldValidation === undefined || request.fieldValidation === 'Ignore' ? undefined : [];
  const conformed = conform(served.version.schema, grafted, unknown) as Members;
  const metadata = readMeta(conformed.metadata, unknown);
  if (unknown !== undefined && unknown.length > 0) reportUnknown(served, unknown, request);
  return { ...conformed, apiVersion: served.apiVersion, kind: served.resource.kind, metadata };
}

function checkTypeMeta(served: Served, object: Members): void {
  const { apiVersion, kind } = object;
  if (apiVersion !== undefined && apiVersion !== served.apiVersion)
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${served.apiVersion})`,
    );
  if (kind !== undefined && kind !== served.resource.kind)
    throw badRequest(
      `the kind in the data (${kind}) does not match the expected kind (${served.resource.kind})`,
    );
}

function reportUnknown(served: Served, unknown: readonly string[], request: WriteRequest): void {
  const fields = unknown.map((field) => `unknown field ${JSON.stringify(field)}`);
  const { kind } = served.resource;
  if (request.fieldValidation === 'Strict')
    throw badRequest(
      `${kind} in version "${served.version.name}" cannot be handled as a ${kind}: strict decoding error: ${fields.join(', ')}`,
    );
  for (const field of fields) request.warn?.(field);
}

/** Throws Invalid with every complaint about a draft of the served version. */
export function checkDraft(served: Served, draft: Draft, previous: StoredObject | undefined): void {
  const { resource, version } = served;
  const causes: KubeCause[] = [];
  validate(version.schema, draft, previous, '', causes);
  // Questions have no names.
  if (resource.answer === undefined)
    causes.push(...validateMeta(resource, draft.metadata, previous?.metadata));
  if (resource.validate !== undefined) causes.push(...resource.validate(draft, previous));
  if (causes.length > 0) throw invalid(resource, draft.metadata.name, causes);
}

/** A draft as it is stored; `current` is the stored object that it replaces. */
export function toStorage(served: Served, draft: Draft, current: StoredObject | undefined): Draft {
  const { resource } = served;
  if (served.apiVersion === resource.storageVersion) return draft;
  if (resource.fromVersion === undefined) return { ...draft, apiVersion: resource.storageVersion };
  const { metadata, ...rest } = resource.fromVersion(served.version.name, draft);
  const { metadata: _, ...before } = current ?? {};
  return { ...(graft(rest, before) as Members), metadata: draft.metadata } as Draft;
}

/** True when a write would change nothing. */
export function isUnchanged(draft: Draft, current: StoredObject): boolean {
  return equalJson(draft, current);
}

/** True when anything but metadata and status differs: what `metadata.generation` counts. */
export function hasNewSpec(draft: Draft, current: StoredObject): boolean {
  for (const name of new Set([...Object.keys(draft), ...Object.keys(current)]))
    if (name !== 'metadata' && name !== 'status' && !equalJson(draft[name], current[name])) return true;
  return false;
}
