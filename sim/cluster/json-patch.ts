import { KubeError } from '../../src/kube/error.ts';
import { badRequest } from './status-errors.ts';
import { equalJson, isMembers, type Members } from './stored-object.ts';

/**
 * JSON patch: applies the operations to `target`, which stays as it is; what no operation touches is shared.
 *
 * Throws BadRequest when the patch is not one, Invalid when an operation does not fit the object (a
 * failed `test` included), as an API server does. Source: RFC 6902, RFC 6901.
 */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch is an array of operations');
  // The document as a member of an outer one, so that the empty pointer is a path like any other.
  const outer: unknown = patch.reduce(applyOperation, { '': target });
  return (outer as Members)[''];
}

function applyOperation(target: unknown, operation: unknown): unknown {
  if (!isMembers(operation)) throw badRequest('a JSON patch operation is an object');
  const path = pointer(operation.path, 'path');
  switch (operation.op) {
    case 'add':
      return edit(target, path, insert(givenValue(operation)));
    case 'remove':
      return edit(target, path, remove);
    case 'replace':
      read(target, path);
      return edit(target, path, assign(givenValue(operation)));
    case 'move': {
      const from = pointer(operation.from, 'from');
      return edit(edit(target, from, remove), path, insert(read(target, from)));
    }
    case 'copy':
      return edit(target, path, insert(read(target, pointer(operation.from, 'from'))));
    case 'test': {
      if (!equalJson(read(target, path), givenValue(operation)))
        throw refusal(`testing value ${operation.path} failed`);
      return target;
    }
    default:
      throw badRequest(`unknown JSON patch operation ${JSON.stringify(operation.op)}`);
  }
}

type Edit = (parent: unknown, token: string) => unknown;

const insert =
  (value: unknown): Edit =>
  (parent, token) => {
    if (!Array.isArray(parent)) return { ...(parent as Members), [token]: value };
    const index = token === '-' ? parent.length : indexOf(parent, token, parent.length);
    return parent.toSpliced(index, 0, value);
  };

const assign =
  (value: unknown): Edit =>
  (parent, token) =>
    Array.isArray(parent)
      ? parent.with(indexOf(parent, token, parent.length - 1), value)
      : { ...(parent as Members), [token]: value };

const remove: Edit = (parent, token) => {
  if (Array.isArray(parent)) return parent.toSpliced(indexOf(parent, token, parent.length - 1), 1);
  const { [token]: gone, ...rest } = parent as Members;
  if (gone === undefined) throw refusal(`unable to remove nonexistent key: ${token}`);
  return rest;
};

/** Copies the containers on the way to `path` and applies `change` to the last of them. */
function edit(target: unknown, path: readonly string[], change: Edit): unknown {
  const [token = '', ...rest] = path;
  if (typeof target !== 'object' || target === null) throw refusal(`path ${path.join('/')} does not exist`);
  if (rest.length === 0) return change(target, token);
  const child = edit(memberOf(target, token), rest, change);
  return Array.isArray(target) ? target.with(Number(token), child) : { ...target, [token]: child };
}

function read(target: unknown, path: readonly string[]): unknown {
  return path.reduce((value, token) => memberOf(value, token), target);
}

function memberOf(parent: unknown, token: string): unknown {
  const child = Array.isArray(parent)
    ? parent[indexOf(parent, token, parent.length - 1)]
    : isMembers(parent)
      ? parent[token]
      : undefined;
  if (child === undefined) throw refusal(`path element ${JSON.stringify(token)} does not exist`);
  return child;
}

function indexOf(list: readonly unknown[], token: string, last: number): number {
  const index = /^(0|[1-9]\d*)$/.test(token) ? Number(token) : Number.NaN;
  if (!(index <= last)) throw refusal(`invalid index ${JSON.stringify(token)} in a list of ${list.length}`);
  return index;
}

function pointer(text: unknown, member: string): string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/')))
    throw badRequest(`${member} of a JSON patch operation must be a JSON pointer`);
  return text.split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function givenValue(operation: Members): unknown {
  if (operation.value === undefined) throw badRequest(`operation ${operation.op} needs a value`);
  return operation.value;
}

function refusal(why: string): KubeError {
  return new KubeError('Invalid', `the server rejected our request due to an error in our request: ${why}`);
}
