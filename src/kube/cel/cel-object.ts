import { equalJson } from '../json-equal.ts';
import type { ValueSize } from './value-size.ts';

/** How the values of one schema node are seen by rules. */
export interface DeclaredType {
  /** As type checking names it: `int`, `list<object3>`, `map<string, double>`. */
  readonly name: string;
  /** Turns JSON that has passed the schema into what rules calculate with. */
  readonly read: (value: unknown) => unknown;
  readonly size: ValueSize;
  /** Of the items of a list, or of the values of a map. */
  readonly elements?: DeclaredType;
  /** Of an object. */
  readonly fields?: Fields;
}

/** Where a rule finds a member of an object, and how it reads it. */
export interface DeclaredField {
  readonly property: string;
  readonly type: DeclaredType;
}

export type Fields = ReadonlyMap<string, DeclaredField>;

/** An object as rules see it: members by their escaped names, read when a rule first asks for them; null is absent. */
export class CelObject extends Map<string, unknown> {
  readonly json: Readonly<Record<string, unknown>>;
  readonly fields: Fields;

  constructor(json: Readonly<Record<string, unknown>>, fields: Fields) {
    super();
    this.json = json;
    this.fields = fields;
  }

  override get(name: string): unknown {
    const known = super.get(name);
    if (known !== undefined) return known;
    const field = this.fields.get(name);
    const value = field === undefined ? undefined : this.json[field.property];
    if (field === undefined || value === undefined || value === null) return undefined;
    const read = field.type.read(value);
    super.set(name, read);
    return read;
  }
}

/** The order of a set does not count, nor that of a list whose items have keys. */
export type ListIdentity =
  | { readonly type: 'set' }
  | { readonly type: 'map'; readonly keys: readonly string[] };

const identities = new WeakMap<readonly unknown[], ListIdentity>();

export function markList(list: readonly unknown[], identity: ListIdentity | undefined): void {
  if (identity !== undefined) identities.set(list, identity);
}

/** Equality of two values of a rule. Source: k8s.io/apiserver v0.32, pkg/cel/common/values.go. */
export function equalValues(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (isNumber(left) && isNumber(right)) return left <= right && left >= right;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (left instanceof CelObject) return right instanceof CelObject && equalObjects(left, right);
  if (Array.isArray(left)) return Array.isArray(right) && equalLists(left, right);
  const maps = [asMap(left), asMap(right)] as const;
  if (maps[0] !== undefined) return maps[1] !== undefined && equalMaps(maps[0], maps[1]);
  if (left instanceof Uint8Array) return right instanceof Uint8Array && Buffer.compare(left, right) === 0;
  if (left instanceof Date) return right instanceof Date && left.getTime() === right.getTime();
  return left.constructor === right.constructor && String(left) === String(right);
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function equalObjects(left: CelObject, right: CelObject): boolean {
  if (left.json === right.json) return true;
  const names = Object.keys(left.json);
  if (names.length !== Object.keys(right.json).length) return false;
  const declared = new Map([...left.fields].map(([name, { property }]) => [property, name]));
  return names.every((property) => {
    if (!Object.hasOwn(right.json, property)) return false;
    const name = declared.get(property);
    return name === undefined
      ? equalJson(left.json[property], right.json[property])
      : equalValues(left.get(name), right.get(name));
  });
}

/** Maps of data are Maps, those written in a rule are plain objects. */
function asMap(value: object): ReadonlyMap<unknown, unknown> | undefined {
  if (value instanceof CelObject) return undefined;
  if (value instanceof Map) return value;
  return value.constructor === Object ? new Map(Object.entries(value)) : undefined;
}

function equalMaps(left: ReadonlyMap<unknown, unknown>, right: ReadonlyMap<unknown, unknown>): boolean {
  return (
    left.size === right.size &&
    [...left].every(([key, value]) => right.has(key) && equalValues(value, right.get(key)))
  );
}

function equalLists(left: readonly unknown[], right: readonly unknown[]): boolean {
  if (left.length !== right.length) return false;
  if (identities.has(left) || identities.has(right))
    return left.every((item) => right.some((other) => equalValues(item, other)));
  return left.every((item, index) => equalValues(item, right[index]));
}

/**
 * Two lists as one: of sets, what the second adds to the first; of lists with keys, items of the second
 * take the places of those with equal keys.
 */
export function joinLists(left: readonly unknown[], right: readonly unknown[]): unknown[] {
  const identity = identities.get(left);
  if (identity === undefined) return [...left, ...right];
  const joined = [...left];
  const same = (one: unknown, other: unknown): boolean =>
    identity.type === 'set' || !(one instanceof CelObject) || !(other instanceof CelObject)
      ? equalValues(one, other)
      : identity.keys.every((key) => equalJson(one.json[key], other.json[key]));
  for (const item of right) {
    const at = joined.findIndex((one) => same(one, item));
    if (at < 0) joined.push(item);
    else joined[at] = item;
  }
  markList(joined, identity);
  return joined;
}
