import { ANYTHING, type CompiledSchema } from '../../../src/kube/crd-schema.ts';
import { equalJson, isMembers, type Members } from '../stored-object.ts';
import { type FieldSet, LEAF, NOTHING, node } from './field-set.ts';

/*
 * Values as server-side apply sees them: a schema says which objects and lists are owned member by
 * member and which as a whole. Where it says nothing, objects are granular and lists are atomic.
 * Source: structured-merge-diff v4, typed; Kubernetes documentation, "Server-Side Apply", merge strategy.
 */

type Children = readonly (readonly [string, unknown, CompiledSchema])[];

/** The parts of a value that are owned one by one; undefined when it is owned as a whole. */
function childrenOf(value: unknown, schema: CompiledSchema): Children | undefined {
  if (isMembers(value)) {
    if (schema.mapType === 'atomic') return undefined;
    return Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => [`f:${name}`, member, memberSchema(schema, name)] as const);
  }
  if (!Array.isArray(value)) return undefined;
  const items = schema.items ?? ANYTHING;
  if (schema.listType === 'set') return value.map((item) => [setElement(item), item, ANYTHING]);
  if (schema.listType !== 'map') return undefined;
  return value.map((item) => [keyElement(item, schema), item, items] as const);
}

function memberSchema(schema: CompiledSchema, name: string): CompiledSchema {
  return schema.properties.get(name) ?? schema.additional ?? ANYTHING;
}

export function setElement(item: unknown): string {
  return `v:${JSON.stringify(item)}`;
}

export function keyElement(item: unknown, schema: CompiledSchema): string {
  const members = isMembers(item) ? item : {};
  const keys = schema.listKeys.toSorted().map((key): [string, unknown] => {
    const value = members[key] ?? schema.items?.properties.get(key)?.defaultValue;
    return [key, value];
  });
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}

/**
 * Every place that `value` sets. Nothing is set by an empty list whose items are owned one by one; items, and
 * members that the schema does not name, are places themselves.
 */
export function fieldsOf(value: unknown, schema: CompiledSchema, isPlace = false): FieldSet {
  const children = childrenOf(value, schema);
  if (children === undefined) return LEAF;
  if (children.length === 0) return Array.isArray(value) ? NOTHING : LEAF;
  const isNamed = (element: string): boolean =>
    element.startsWith('f:') && schema.properties.has(element.slice(2));
  return node(
    isPlace,
    children.map(([element, child, below]) => [element, fieldsOf(child, below, !isNamed(element))]),
  );
}

export interface Comparison {
  /** Places whose value differs, or is new. */
  readonly changed: FieldSet;
  /** Places that are no more. */
  readonly removed: FieldSet;
}

/** Every place in `value`, containers included: what is new when all of it is new. */
function placesOf(value: unknown, schema: CompiledSchema): FieldSet {
  const children = childrenOf(value, schema) ?? [];
  return node(
    true,
    children.map(([element, child, below]) => [element, placesOf(child, below)]),
  );
}

/** What a write from `before` to `after` did, place by place. */
export function compare(before: unknown, after: unknown, schema: CompiledSchema): Comparison {
  if (before === after) return { changed: NOTHING, removed: NOTHING };
  if (before === undefined) return { changed: placesOf(after, schema), removed: NOTHING };
  if (after === undefined) return { changed: NOTHING, removed: placesOf(before, schema) };
  const [old, next] = [childrenOf(before, schema), childrenOf(after, schema)];
  if (old === undefined || next === undefined)
    return { changed: equalJson(before, after) ? NOTHING : LEAF, removed: NOTHING };
  const known = new Map(old.map(([element, child]) => [element, child]));
  const changed: [string, FieldSet][] = [];
  const removed: [string, FieldSet][] = [];
  for (const [element, child, below] of next) {
    const inner = compare(known.get(element), child, below);
    changed.push([element, inner.changed]);
    removed.push([element, inner.removed]);
  }
  const kept = new Set(next.map(([element]) => element));
  for (const [element, child, below] of old)
    if (!kept.has(element)) removed.push([element, placesOf(child, below)]);
  return { changed: node(false, changed), removed: node(false, removed) };
}

/** `live` with everything that `config` sets; items new to a list go to its end. */
export function mergeTyped(live: unknown, config: unknown, schema: CompiledSchema): unknown {
  if (isMembers(config) && isMembers(live) && schema.mapType !== 'atomic') {
    const out: Record<string, unknown> = { ...live };
    for (const [name, value] of Object.entries(config))
      if (value !== undefined) out[name] = mergeTyped(live[name], value, memberSchema(schema, name));
    return out;
  }
  if (!Array.isArray(config) || !Array.isArray(live) || schema.listType === undefined) return config;
  if (schema.listType === 'atomic') return config;
  const elementOf = (item: unknown): string =>
    schema.listType === 'set' ? setElement(item) : keyElement(item, schema);
  return mergeItems(live, config, elementOf, (old, next) => mergeTyped(old, next, schema.items ?? ANYTHING));
}

/**
 * The items of both lists: what both have comes in the order of `config`, what only one has keeps its place
 * among its neighbours. Source: structured-merge-diff v4, typed/merge.go, visitListItems.
 */
function mergeItems(
  live: readonly unknown[],
  config: readonly unknown[],
  elementOf: (item: unknown) => string,
  merge: (old: unknown, next: unknown) => unknown,
): readonly unknown[] {
  const [lefts, rights] = [live.map(elementOf), config.map(elementOf)];
  const known = new Map(live.map((item, index) => [lefts[index], item]));
  const wanted = new Set(rights);
  const shared = rights.filter((element) => known.has(element));
  const merged = new Set<string | undefined>();
  const out: unknown[] = [];
  for (let left = 0, right = 0; left < lefts.length || right < rights.length; ) {
    const [ours, theirs] = [lefts[left], rights[right]];
    if (ours !== undefined && theirs !== undefined && ours !== theirs && wanted.has(ours))
      if (shared[0] !== undefined && shared[0] !== ours) {
        // One that both have, but another one's turn.
        left++;
        continue;
      }
    if (ours !== undefined && ours !== theirs) {
      if (!wanted.has(ours)) {
        out.push(live[left++]);
        continue;
      }
      if (merged.has(ours)) {
        left++;
        continue;
      }
    }
    if (theirs === undefined) continue;
    merged.add(theirs);
    const item = config[right++];
    out.push(known.has(theirs) ? merge(known.get(theirs), item) : item);
    if (ours === theirs) left++;
    if (shared[0] === theirs) shared.shift();
  }
  return out;
}

/** `value` without the places in `gone`; undefined when nothing is left of it. */
export function removeFields(value: unknown, gone: FieldSet, schema: CompiledSchema): unknown {
  if (gone.member) return undefined;
  const children = childrenOf(value, schema);
  if (children === undefined || gone.children.size === 0) return value;
  if (Array.isArray(value)) {
    const kept = children.flatMap(([element, child, below]) => {
      const rest = removeFields(child, gone.children.get(element) ?? NOTHING, below);
      return rest === undefined ? [] : [rest];
    });
    return kept.length === 0 ? undefined : kept;
  }
  const out: Record<string, unknown> = { ...(value as Members) };
  for (const [element, child, below] of children) {
    const rest = removeFields(child, gone.children.get(element) ?? NOTHING, below);
    if (rest === undefined) delete out[element.slice(2)];
    else out[element.slice(2)] = rest;
  }
  return Object.keys(out).length === 0 ? undefined : out;
}
