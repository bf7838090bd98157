import { conform } from '../../src/kube/crd-schema-conform.ts';
import { validate } from '../../src/kube/crd-schema-validate.ts';
import type { KubeCause, KubeError } from '../../src/kube/error.ts';
import { invalidValue } from '../../src/kube/field-cause.ts';
import { type Origin, undecodable, unmarshalError, unrecognized } from './decode-errors.ts';
import { checkEmbedded, tidyEmbedded } from './embedded-resource.ts';
import { readMeta, validateMeta } from './object-meta.ts';
import type { WriteRequest } from './requests.ts';
import type { Served } from './resource.ts';
import { badRequest, invalid } from './status-errors.ts';
import { type Draft, equalJson, graft, isMembers, type Members, type StoredObject } from './stored-object.ts';
import { repeatedKeysError } from './yaml-body.ts';

/**
 * Reads a client's object into a draft of the served version: copied, pruned, defaulted, metadata put in
 * order. Parts equal to `previous` (seen through the same version) are shared with it.
 * Throws BadRequest when it is not an object of this kind, or has unknown or repeated fields and validation is strict.
 */
export function readDraft(
  served: Served,
  input: unknown,
  previous: StoredObject | undefined,
  request: WriteRequest,
  origin: Origin,
): Draft {
  const grafted = graft(input, previous);
  if (!isMembers(grafted))
    throw unrecognized(
      served.resource.kind,
      `couldn't get version/kind; json parse error: ${unmarshalError(grafted, 'value', 'struct')}`,
    );
  checkTypeMeta(served, grafted, origin);
  const given = membersOfMeta(served, grafted, origin);
  const unknown: string[] | undefined =
    request.fieldValidation === undefined || request.fieldValidation === 'Ignore' ? undefined : [];
  const metadata = readMeta(given, (why) => undecodable(served, grafted, origin, why), unknown);
  const { schema } = served.version;
  const known = conform(schema, grafted, unknown) as Members;
  const { tidy } = served.resource;
  const conformed = (tidy === undefined ? tidyEmbedded(schema, known) : tidy(known, unknown)) as Members;
  if (unknown !== undefined) {
    const { duplicates = [], repeatedKeys = [] } = request;
    const isStrict = request.fieldValidation === 'Strict' && repeatedKeys.length > 0;
    const complaints = [
      ...duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`),
      ...(isStrict ? [repeatedKeysError(repeatedKeys)] : repeatedKeys),
      ...unknown.map((field) => `unknown field ${JSON.stringify(field)}`),
    ];
    if (complaints.length > 0) report(served, grafted, complaints, request, origin);
  }
  return { ...conformed, apiVersion: served.apiVersion, kind: served.resource.kind, metadata };
}

/** Throws unless the object says that it is of this kind; those of built-in kinds may leave it out. */
function checkTypeMeta(served: Served, object: Members, origin: Origin): void {
  const { resource, apiVersion: wantedVersion } = served;
  const { apiVersion, kind } = object;
  const wrongVersion = apiVersion !== wantedVersion && (resource.custom || apiVersion !== undefined);
  if (resource.custom) {
    if (kind === undefined)
      throw unrecognized(resource.kind, `Object 'Kind' is missing in '${JSON.stringify(object)}'`);
    if (wrongVersion && origin === 'patch')
      throw wrongType(served, object, invalidValue('apiVersion', apiVersion, `must be ${wantedVersion}`));
    if (!wrongVersion && kind !== resource.kind)
      throw wrongType(served, object, invalidValue('kind', kind, `must be ${resource.kind}`));
  } else if (kind !== undefined && kind !== resource.kind)
    throw undecodable(
      served,
      object,
      origin,
      `no kind ${JSON.stringify(kind)} is registered here for version ${JSON.stringify(served.version.name)}`,
      String(kind),
    );
  if (!wrongVersion) return;
  if (origin === 'patch')
    throw undecodable(served, object, origin, `no kind ${resource.kind} is registered for ${apiVersion}`);
  throw badRequest(
    `the API version in the data (${apiVersion ?? ''}) does not match the expected API version (${wantedVersion})`,
  );
}

/** A custom object of the wrong type is an invalid object of the type that it says. */
function wrongType({ resource }: Served, object: Members, cause: KubeCause): KubeError {
  const { name } = isMembers(object.metadata) ? object.metadata : {};
  return invalid({ ...resource, kind: String(object.kind) }, String(name ?? ''), [cause]);
}

function membersOfMeta(served: Served, { metadata }: Members, origin: Origin): Members {
  if (metadata === undefined || metadata === null) return {};
  if (isMembers(metadata)) return metadata;
  throw undecodable(served, metadata, origin, unmarshalError(metadata, 'value', 'v1.ObjectMeta'));
}

function report(
  served: Served,
  object: Members,
  complaints: readonly string[],
  request: WriteRequest,
  origin: Origin,
): void {
  if (request.fieldValidation === 'Strict')
    throw undecodable(served, object, origin, `strict decoding error: ${complaints.join(', ')}`);
  for (const complaint of complaints) request.warn?.(complaint);
}

/** Throws Invalid with every complaint about a draft of the served version. */
export function checkDraft(
  served: Served,
  draft: Draft,
  previous: StoredObject | undefined,
  origin: Origin,
): void {
  const { resource, version } = served;
  const causes: KubeCause[] = [];
  // Questions have no names.
  if (resource.answer === undefined)
    causes.push(...validateMeta(resource, draft.metadata, previous?.metadata));
  validate(version.schema, draft, previous, '', causes);
  if (!resource.custom) refuseWrongTypes(served, draft, causes, origin);
  checkEmbedded(version.schema, draft, '', causes);
  if (resource.validate !== undefined) causes.push(...resource.validate(draft, previous));
  if (causes.length > 0) throw invalid(resource, draft.metadata.name, causes);
}

/** A built-in kind is a Go struct: what has the wrong type there cannot even be read. */
function refuseWrongTypes(served: Served, draft: Draft, causes: readonly KubeCause[], origin: Origin): void {
  const wrong = causes.find(({ reason }) => reason === 'FieldValueTypeInvalid');
  if (wrong !== undefined) throw undecodable(served, draft, origin, `${wrong.field}: ${wrong.message}`);
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

/** True when anything but metadata, and a status that does not count, differs: what `metadata.generation` counts. */
export function hasNewSpec(draft: Draft, current: StoredObject, countsStatus: boolean): boolean {
  for (const name of new Set([...Object.keys(draft), ...Object.keys(current)]))
    if (name !== 'metadata' && (countsStatus || name !== 'status') && !equalJson(draft[name], current[name]))
      return true;
  return false;
}
