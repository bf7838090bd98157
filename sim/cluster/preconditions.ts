import type { KubeError } from '../../src/kube/error.ts';
import type { Origin } from './decode-errors.ts';
import type { DeleteRequest } from './requests.ts';
import type { Served } from './resource.ts';
import * as refuse from './status-errors.ts';
import { type Draft, isMembers, type Members, type StoredObject } from './stored-object.ts';

/** Where an object is; the namespace is empty for cluster-scoped kinds. */
export interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** Throws unless an update is meant for the object that is there, in the version that is there. */
export function checkProposed(
  { resource }: Served,
  place: Place,
  proposed: Draft,
  current: StoredObject,
  origin: Origin,
): void {
  const { name, namespace, uid, resourceVersion } = proposed.metadata;
  if (name !== '' && name !== place.name)
    throw refuse.badRequest(
      `the name of the object (${name}) does not match the name on the URL (${place.name})`,
    );
  if (namespace !== undefined && namespace !== place.namespace)
    throw refuse.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  if (origin === 'body' && uid !== undefined && uid !== current.metadata.uid)
    throw refuse.conflict(
      resource,
      place.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
    );
  if (resourceVersion !== undefined && !/^\d+$/.test(resourceVersion))
    throw refuse.unparsableVersion(resourceVersion);
  if (resourceVersion === undefined || resourceVersion === '0') {
    if (!resource.allowsUnconditionalUpdate) throw refuse.versionMissing(resource, place.name);
  } else if (resourceVersion !== current.metadata.resourceVersion)
    throw refuse.conflict(resource, place.name, refuse.OBJECT_HAS_MOVED_ON);
}

/** Throws Conflict unless a deletion is meant for the object that is there. */
export function checkPreconditions(
  { resource }: Served,
  { metadata }: StoredObject,
  request: DeleteRequest,
): void {
  const { uid, resourceVersion } = request.preconditions ?? {};
  if (uid !== undefined && uid !== metadata.uid)
    throw refuse.preconditionFailed(
      resource,
      metadata.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw refuse.preconditionFailed(
      resource,
      metadata.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
}

/** Throws unless an apply that finds nothing may create what it says, at the place that it says. */
export function checkNewlyApplied({ resource }: Served, { name: wanted }: Place, object: Members): void {
  const { name, uid } = isMembers(object.metadata) ? object.metadata : {};
  if (name === undefined)
    throw refuse.badRequest(
      `the name of the object (${wanted} based on URL) was undeterminable: name must be provided`,
    );
  if (typeof uid === 'string' && uid !== '')
    throw refuse.conflict(
      resource,
      wanted,
      `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
    );
  if (name !== wanted)
    throw refuse.badRequest(
      `the name of the object (${name}) does not match the name on the URL (${wanted})`,
    );
}

/** Nothing is there to replace; to one who says which object was meant, that is a conflict. */
export function nothingToReplace({ resource }: Served, { name }: Place, input: unknown): KubeError {
  const metadata = isMembers(input) && isMembers(input.metadata) ? input.metadata : {};
  if (typeof metadata.uid !== 'string' || metadata.uid === '') return refuse.notFound(resource, name);
  const why = `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: `;
  return refuse.conflict(resource, name, why);
}
