import type { KubeError } from '../../src/kube/error.ts';
import { invalidValue } from '../../src/kube/field-cause.ts';
import type { Served } from './resource.ts';
import { badRequest, invalidRequest } from './status-errors.ts';

/** How a client's object got here: as the body of a request, or as what a patch made of the stored one. */
export type Origin = 'body' | 'patch';

/**
 * The refusal of an object that cannot be read as its kind. A patch that leads to such an object is
 * itself what is wrong. Source: apiserver, endpoints/handlers create.go and patch.go (v0.32).
 */
export function undecodable(
  { resource, version }: Served,
  object: unknown,
  origin: Origin,
  why: string,
  kind = resource.kind,
): KubeError {
  if (origin === 'patch') return invalidRequest('', [invalidValue('patch', JSON.stringify(object), why)]);
  return badRequest(
    `${kind} in version ${JSON.stringify(version.name)} cannot be handled as a ${resource.kind}: ${why}`,
  );
}

/** The body is JSON, and yet no object that names its kind. */
export function unrecognized(kind: string, why: string): KubeError {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why}`);
}

/** As Go's encoding/json words it. */
export function unmarshalError(value: unknown, where: string, type: string): string {
  return `json: cannot unmarshal ${jsonTypeOf(value)} into Go ${where} of type ${type}`;
}

function jsonTypeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
