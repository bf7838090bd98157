import { KubeError } from '../../src/kube/error.ts';
import { invalidValue, joinCauses } from '../../src/kube/field-cause.ts';
import type { ScalePaths, Served } from './resource.ts';
import { badRequest, notServed } from './status-errors.ts';
import { isMembers, type Members, type StoredObject } from './stored-object.ts';

const API_VERSION = 'autoscaling/v1';

/** An object's scale. Throws NotFound when its kind has none. Source: autoscaling/v1 Scale. */
export function scaleOfObject(served: Served, object: StoredObject): StoredObject {
  const { specReplicas, statusReplicas, selectorOf } = pathsOf(served);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = memberAt(object, specReplicas);
  if (typeof replicas !== 'number')
    throw new KubeError(
      'InternalError',
      `Internal error occurred: the spec replicas field ".${specReplicas.join('.')}" does not exist`,
    );
  const selector = selectorOf?.(object);
  return {
    apiVersion: API_VERSION,
    kind: 'Scale',
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      uid,
      resourceVersion,
      creationTimestamp,
    },
    spec: { replicas },
    status: {
      replicas: memberAt(object, statusReplicas) ?? 0,
      ...(selector !== undefined && selector !== '' && { selector }),
    },
  };
}

/** The object as a scale wants it. Throws BadRequest or Invalid on what is no scale. */
export function rescaled(served: Served, object: StoredObject, scale: unknown): Members {
  const { specReplicas } = pathsOf(served);
  if (!isMembers(scale)) throw badRequest('the body must be a Scale object');
  if (scale.kind !== undefined && scale.kind !== 'Scale')
    throw badRequest(`the kind in the data (${scale.kind}) does not match the expected kind (Scale)`);
  const { replicas = 0 } = isMembers(scale.spec) ? scale.spec : {};
  if (!Number.isInteger(replicas)) throw badRequest('spec.replicas of a Scale must be a whole number');
  const {
    name = object.metadata.name,
    uid,
    resourceVersion,
  } = isMembers(scale.metadata) ? scale.metadata : {};
  if ((replicas as number) < 0) {
    const cause = invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0');
    throw new KubeError('Invalid', `Scale.autoscaling "${name}" is invalid: ${joinCauses([cause])}`, {
      name: String(name),
      group: 'autoscaling',
      kind: 'Scale',
      causes: [cause],
    });
  }
  const metadata = {
    ...object.metadata,
    name,
    uid: uid ?? object.metadata.uid,
    resourceVersion: resourceVersion ?? object.metadata.resourceVersion,
  };
  return { ...withMember(object, specReplicas, replicas), metadata };
}

/** An apply of a scale as an apply of the object that it is the scale of. */
export function scaleConfig(served: Served, config: unknown): Members {
  const { specReplicas } = pathsOf(served);
  if (!isMembers(config) || config.apiVersion !== API_VERSION || config.kind !== 'Scale')
    throw badRequest(`an apply patch names its apiVersion (${API_VERSION}) and kind (Scale)`);
  const { apiVersion, resource } = served;
  const bare = { apiVersion, kind: resource.kind, metadata: config.metadata ?? {} };
  const { replicas } = isMembers(config.spec) ? config.spec : {};
  return replicas === undefined ? bare : withMember(bare, specReplicas, replicas);
}

function pathsOf({ version }: Served): ScalePaths {
  if (version.scale === undefined) throw notServed();
  return version.scale;
}

function memberAt(object: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (isMembers(value) ? value[name] : undefined), object);
}

function withMember(object: Members, [first = '', ...rest]: readonly string[], value: unknown): Members {
  const below = isMembers(object[first]) ? object[first] : {};
  return { ...object, [first]: rest.length === 0 ? value : withMember(below, rest, value) };
}
