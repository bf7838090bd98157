import { badRequest } from './status-errors.ts';
import { equalJson, isMembers, type Members } from './stored-object.ts';

/**
 * Strategic merge patch: like a merge patch, but lists whose schema names a merge key are merged item by
 * item. `schema` is the OpenAPI schema of the target; without one, lists are replaced.
 * Throws BadRequest on a directive it does not know.
 * Source: Kubernetes documentation, "Update API Objects in Place Using kubectl patch"; design of
 * strategic merge patch ($patch, $deleteFromPrimitiveList, $setElementOrder, $retainKeys).
 */
export function strategicMergePatch(target: unknown, patch: unknown, schema: unknown): unknown {
  if (!isMembers(patch)) return patch;
  if (patch.$patch === 'replace') return withoutDirectives(patch);
  if (patch.$patch === 'delete') return undefined;
  const out: Record<string, unknown> = isMembers(target) ? { ...target } : {};
  if (Array.isArray(patch.$retainKeys))
    for (const name of Object.keys(out)) if (!patch.$retainKeys.includes(name)) delete out[name];
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) continue;
    if (value === null) {
      delete out[name];
      continue;
    }
    const below = propertySchema(schema, name);
    const merged = Array.isArray(value)
      ? mergeList(out[name], value, below)
      : strategicMergePatch(out[name], value, below);
    if (merged === undefined) delete out[name];
    else out[name] = merged;
  }
  applyListDirectives(out, patch, schema);
  return out;
}

function applyListDirectives(out: Record<string, unknown>, patch: Members, schema: unknown): void {
  for (const [directive, value] of Object.entries(patch)) {
    if (!directive.startsWith('$') || directive === '$patch' || directive === '$retainKeys') continue;
    const [, verb, name = ''] = /^\$(deleteFromPrimitiveList|setElementOrder)\/(.+)$/.exec(directive) ?? [];
    if (verb === undefined || !Array.isArray(value)) throw badRequest(`unknown patch directive ${directive}`);
    const list = out[name];
    if (!Array.isArray(list)) continue;
    out[name] =
      verb === 'setElementOrder'
        ? ordered(list, value, mergeKey(propertySchema(schema, name)))
        : list.filter((item) => !value.some((gone) => equalJson(gone, item)));
  }
}

function mergeList(target: unknown, patch: readonly unknown[], schema: unknown): readonly unknown[] {
  const before = Array.isArray(target) ? target : [];
  const strategy = isMembers(schema) ? schema['x-kubernetes-patch-strategy'] : undefined;
  if (typeof strategy !== 'string' || !strategy.includes('merge')) return patch;
  if (patch.some((item) => isMembers(item) && item.$patch === 'replace'))
    return patch.filter((item) => !(isMembers(item) && item.$patch === 'replace'));
  const key = mergeKey(schema);
  if (key === undefined) {
    const serverOnly = before.filter((old) => !patch.some((item) => equalJson(old, item)));
    return interleaved(serverOnly, patch, (item) => before.findIndex((old) => equalJson(old, item)));
  }
  const items = isMembers(schema) ? schema.items : undefined;
  const out = [...before];
  const patched = new Set<unknown>();
  for (const item of patch) {
    if (!isMembers(item) || item[key] === undefined) throw badRequest(`map does not contain key: ${key}`);
    const index = out.findIndex((old) => isMembers(old) && equalJson(old[key], item[key]));
    if (item.$patch === 'delete') {
      if (index >= 0) out.splice(index, 1);
      continue;
    }
    const merged = index >= 0 ? strategicMergePatch(out[index], item, items) : withoutDirectives(item);
    if (index >= 0) out[index] = merged;
    patched.add(merged);
  }
  const placeOf = (item: unknown): number =>
    before.findIndex((old) => isMembers(old) && isMembers(item) && equalJson(old[key], item[key]));
  const serverOnly = out.filter((item) => !patched.has(item));
  return interleaved(serverOnly, [...patched], placeOf);
}

/**
 * What the patch names in its order, and before it what stood before it on the server; what is new goes
 * first. Source: apimachinery, util/strategicpatch, mergeSortedSlice.
 */
function interleaved(
  serverOnly: readonly unknown[],
  patched: readonly unknown[],
  placeOf: (item: unknown) => number,
): readonly unknown[] {
  const out: unknown[] = [];
  let left = 0;
  for (const item of patched) {
    const place = placeOf(item);
    while (left < serverOnly.length && place >= 0 && placeOf(serverOnly[left]) < place)
      out.push(serverOnly[left++]);
    out.push(item);
  }
  return [...out, ...serverOnly.slice(left)];
}

/** The listed ones in the given order; those that the order does not know keep their place before what follows them. */
function ordered(
  list: readonly unknown[],
  order: readonly unknown[],
  key: string | undefined,
): readonly unknown[] {
  const identify = (item: unknown): unknown => (key !== undefined && isMembers(item) ? item[key] : item);
  const rank = (item: unknown): number =>
    order.findIndex((wanted) => equalJson(identify(wanted), identify(item)));
  const known = list.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b));
  const out: unknown[] = [];
  for (const item of list) out.push(rank(item) < 0 ? item : known.shift());
  return out;
}

function withoutDirectives(value: Members): Members {
  return Object.fromEntries(
    Object.entries(value).filter(([name, member]) => !name.startsWith('$') && member !== null),
  );
}

function mergeKey(schema: unknown): string | undefined {
  const key = isMembers(schema) ? schema['x-kubernetes-patch-merge-key'] : undefined;
  return typeof key === 'string' ? key : undefined;
}

/** Metadata is the same everywhere; of its lists, finalizers merge as a set and owners by uid. */
const META_LISTS: Members = {
  properties: {
    finalizers: { 'x-kubernetes-patch-strategy': 'merge' },
    ownerReferences: { 'x-kubernetes-patch-strategy': 'merge', 'x-kubernetes-patch-merge-key': 'uid' },
  },
};

function propertySchema(schema: unknown, name: string): unknown {
  if (!isMembers(schema)) return undefined;
  const property = isMembers(schema.properties) ? schema.properties[name] : undefined;
  return property ?? (name === 'metadata' ? META_LISTS : schema.additionalProperties);
}
