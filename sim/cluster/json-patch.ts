import { KubeError } from '../../src/kube/error.ts';
import { unmarshalError } from './decode-errors.ts';
import { badRequest } from './status-errors.ts';
import { equalJson, isMembers, type Members } from './stored-object.ts';

/**
 * JSON patch: applies the operations to `target`, which stays as it is; what no operation touches is shared.
 *
 * Throws BadRequest when the patch is not a list, Invalid when an operation does not fit the object (a
 * failed `test` included), without saying which, as an API server does. Source: RFC 6902, RFC 6901, and
 * where it is more lenient than these, github.com/evanphx/json-patch v4.12: a member that is not there reads
 * as null, and indexes may count from the end.
 */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw badRequest(`error decoding patch: ${unmarshalError(patch, 'value', '[]handlers.jsonPatchOp')}`);
  if (patch.length > OPERATIONS_MAX)
    throw new KubeError(
      'RequestEntityTooLarge',
      `Request entity too large: The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${patch.length}`,
    );
  // The document as a member of an outer one, so that the empty pointer is a path like any other.
  const outer: unknown = patch.reduce(applyOperation, { '': target });
  const patched = (outer as Members)[''];
  if (patched === undefined) throw refusal();
  return patched;
}

/** Source: apiserver, endpoints/handlers/patch.go, maxJSONPatchOperations. */
const OPERATIONS_MAX = 10_000;

function applyOperation(target: unknown, operation: unknown): unknown {
  if (!isMembers(operation)) throw refusal();
  const path = pointer(operation.path);
  const value = operation.value ?? null;
  switch (operation.op) {
    case 'add':
      return edit(target, path, insert(value));
    case 'remove':
      return edit(target, path, remove);
    case 'replace':
      return edit(target, path, assign(value));
    case 'move': {
      const from = pointer(operation.from);
      return edit(edit(target, from, remove), path, insert(read(target, from)));
    }
    case 'copy':
      return edit(target, path, insert(read(target, pointer(operation.from))));
    case 'test':
      if (!equalJson(read(target, path), value)) throw refusal();
      return target;
    default:
      throw refusal();
  }
}

type Edit = (parent: unknown, token: string) => unknown;

const insert =
  (value: unknown): Edit =>
  (parent, token) => {
    if (!Array.isArray(parent)) return { ...(parent as Members), [token]: value };
    const index = token === '-' ? parent.length : indexOf(token, parent.length);
    return parent.toSpliced(index, 0, value);
  };

const assign =
  (value: unknown): Edit =>
  (parent, token) =>
    Array.isArray(parent)
      ? parent.with(indexOf(token, parent.length - 1), value)
      : { ...(parent as Members), [token]: value };

const remove: Edit = (parent, token) => {
  if (Array.isArray(parent)) return parent.toSpliced(indexOf(token, parent.length - 1), 1);
  const { [token]: gone, ...rest } = parent as Members;
  if (gone === undefined) throw refusal();
  return rest;
};

/** Copies the containers on the way to `path` and applies `change` to the last of them. */
function edit(target: unknown, path: readonly string[], change: Edit): unknown {
  const [token = '', ...rest] = path;
  if (typeof target !== 'object' || target === null) throw refusal();
  if (rest.length === 0) return change(target, token);
  const child = edit(memberOf(target, token), rest, change);
  return Array.isArray(target)
    ? target.with(indexOf(token, target.length - 1), child)
    : { ...target, [token]: child };
}

/** The value at a path; null where the last container has no such member. */
function read(target: unknown, path: readonly string[]): unknown {
  const last = path.length - 1;
  return path.reduce((value, token, index) => {
    const child = memberOf(value, token);
    if (child === undefined && index < last) throw refusal();
    return child ?? null;
  }, target);
}

function memberOf(parent: unknown, token: string): unknown {
  if (Array.isArray(parent)) return parent[indexOf(token, parent.length - 1)];
  if (isMembers(parent)) return parent[token];
  throw refusal();
}

/** Negative indexes count from the end. */
function indexOf(token: string, last: number): number {
  const asked = /^-?(0|[1-9]\d*)$/.test(token) ? Number(token) : Number.NaN;
  const index = asked < 0 ? asked + last + 1 : asked;
  if (!(index >= 0 && index <= last)) throw refusal();
  return index;
}

function pointer(text: unknown): string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) throw refusal();
  return text.split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function refusal(): KubeError {
  return new KubeError('Invalid', 'the server rejected our request due to an error in our request');
}
