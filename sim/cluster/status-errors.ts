import { type KubeCause, KubeError } from '../../src/kube/error.ts';
import { joinCauses } from '../../src/kube/field-cause.ts';
import { kindName, type Resource, resourceName } from './resource.ts';

/*
 * The refusals of an API server in its own words; people search for these.
 * Source: k8s.io/apimachinery, api/errors (v0.32).
 */

export function notFound(resource: Resource, name: string): KubeError {
  return new KubeError(
    'NotFound',
    `${resourceName(resource)} ${quote(name)} not found`,
    detailsOf(resource, name),
  );
}

/** A path or kind that nobody serves. */
export function notServed(): KubeError {
  return new KubeError('NotFound', 'the server could not find the requested resource');
}

export function alreadyExists(resource: Resource, name: string, deleting: boolean): KubeError {
  const prefix = deleting ? 'object is being deleted: ' : '';
  const message = `${prefix}${resourceName(resource)} ${quote(name)} already exists`;
  return new KubeError('AlreadyExists', message, detailsOf(resource, name));
}

/** A deletion that was meant for another object; unlike other conflicts it names the kind. */
export function preconditionFailed(resource: Resource, name: string, why: string): KubeError {
  const message = `Operation cannot be fulfilled on ${kindName(resource)} ${quote(name)}: ${why}`;
  return new KubeError('Conflict', message, { name, group: resource.group, kind: resource.kind });
}

export function conflict(resource: Resource, name: string, why: string): KubeError {
  const message = `Operation cannot be fulfilled on ${resourceName(resource)} ${quote(name)}: ${why}`;
  return new KubeError('Conflict', message, detailsOf(resource, name));
}

export const OBJECT_HAS_MOVED_ON =
  'the object has been modified; please apply your changes to the latest version and try again';

/** A PUT without a version, on a kind that insists on one. */
export function versionMissing(resource: Resource, name: string): KubeError {
  const field = 'metadata.resourceVersion';
  const message = 'Invalid value: 0x0: must be specified for an update';
  const cause: KubeCause = { reason: 'FieldValueInvalid', message, field };
  const text = `${resourceName(resource)} ${quote(name)} is invalid: ${joinCauses([cause])}`;
  return new KubeError('Invalid', text, { ...detailsOf(resource, name), causes: [cause] });
}

/** What is wrong with a request's options (`CreateOptions`, `PatchOptions` …), or, without a kind, with its patch. */
export function invalidRequest(kind: string, causes: readonly KubeCause[]): KubeError {
  const name = kind === '' ? '' : `${kind}.meta.k8s.io`;
  const details = kind === '' ? {} : { group: 'meta.k8s.io', kind };
  return new KubeError('Invalid', `${name} "" is invalid: ${joinCauses(causes)}`, { ...details, causes });
}

export function invalid(resource: Resource, name: string, causes: readonly KubeCause[]): KubeError {
  const message = `${kindName(resource)} ${quote(name)} is invalid: ${joinCauses(causes)}`;
  return new KubeError('Invalid', message, { name, group: resource.group, kind: resource.kind, causes });
}

export function forbidden(resource: Resource, name: string, why: string): KubeError {
  const message = `${resourceName(resource)} ${quote(name)} is forbidden: ${why}`;
  return new KubeError('Forbidden', message, detailsOf(resource, name));
}

/** A path of a group that has only custom kinds, or none: not the API's own refusal, but that of the HTTP server behind it. */
export function pageNotFound(): KubeError {
  return new KubeError('NotFound', PAGE_NOT_FOUND);
}

export const PAGE_NOT_FOUND = '404 page not found';

/** A path that is served, but not with this method. */
export function methodNotOffered(): KubeError {
  return new KubeError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

/** An object larger than etcd takes in one request, by default 1.5 MiB. */
export function tooLargeToStore(): KubeError {
  return new KubeError('InternalError', 'etcdserver: request is too large');
}

export function methodNotAllowed(resource: Resource, action: string): KubeError {
  const message = `${action} is not supported on resources of kind ${quote(resourceName(resource))}`;
  return new KubeError('MethodNotAllowed', message, { group: resource.group, kind: resource.plural });
}

/** A version that is no number. */
export function unparsableVersion(text: string, field = ''): KubeError {
  const value = JSON.stringify(text);
  const prefix = field === '' ? '' : `${field}: Invalid value: ${value}: `;
  return new KubeError('InternalError', `${prefix}strconv.ParseUint: parsing ${value}: invalid syntax`);
}

export function expired(version: number, oldest: number): KubeError {
  return new KubeError('Expired', `too old resource version: ${version} (${oldest})`);
}

/** A version that is yet to come; or one of a past that this server has lost. Source: apimachinery, NewTooLargeResourceVersionError. */
export function tooLargeVersion(version: number, current: number): KubeError {
  return new KubeError('Timeout', `Timeout: Too large resource version: ${version}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version', field: '' }],
    retryAfterSeconds: 1,
  });
}

/** A field that no list can be selected by; kinds without fields of their own have other words for it. */
export function notSelectable({ custom, kind, selectableFields }: Resource, path: string): KubeError {
  if (kind === 'Job') return badRequest(`field label ${quote(path)} not supported for Job`);
  if (custom || selectableFields !== undefined) return badRequest(`field label not supported: ${path}`);
  return badRequest(
    `${quote(path)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}

/** Metadata of one object was asked for. Source: apiserver, endpoints/handlers/response.go, as the next. */
export function isAList({ custom, listKind }: Resource): KubeError {
  const type = custom ? '*unstructured.UnstructuredList' : `*core.${listKind}`;
  const why = `you requested PartialObjectMetadata, but the requested object is a list (${type})`;
  return new KubeError('NotAcceptable', why);
}

/** Metadata of a list was asked for. */
export function notAList({ custom, kind }: Resource): KubeError {
  if (custom) return new KubeError('InternalError', 'content is not a list');
  const why = `you requested PartialObjectMetadataList, but the requested object is not a list (*core.${kind})`;
  return new KubeError('NotAcceptable', why);
}

/** A list of exactly a version that etcd has forgotten. Source: apiserver, storage/etcd3/errors.go. */
export function listExpired(): KubeError {
  return new KubeError('Expired', 'The resourceVersion for the provided list is too old.');
}

/** A page of an instant that etcd has forgotten; `token` goes on with the present. Source: apiserver, storage/etcd3/errors.go. */
export function continueExpired(token: string): KubeError {
  return new KubeError(
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    { continue: token },
  );
}

/** A list of exactly a version that is yet to come: here etcd itself refuses. */
export function revisionInFuture(): KubeError {
  return new KubeError('InternalError', 'etcdserver: mvcc: required revision is a future revision');
}

export function badRequest(message: string): KubeError {
  return new KubeError('BadRequest', message);
}

function detailsOf(resource: Resource, name: string): { name: string; group: string; kind: string } {
  return { name, group: resource.group, kind: resource.plural };
}

function quote(text: string): string {
  return JSON.stringify(text);
}
