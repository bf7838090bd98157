import type { KubeObject } from '../../src/kube/object.ts';

/** Values under which an object can be found; none leaves it out of the index. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** Objects of one kind by key (`namespace/name`), with indexes kept up to date on every change. */
export class ObjectStore<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<
    string,
    { readonly of: IndexFunction<T>; readonly keys: Map<string, Set<string>> }
  >();

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>> = {}) {
    for (const [name, of] of Object.entries(indexes)) this.#indexes.set(name, { of, keys: new Map() });
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** Sets or, with undefined, removes the object under `key`; returns what was there. */
  put(key: string, object: T | undefined): T | undefined {
    const before = this.#objects.get(key);
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      const old = before === undefined ? NONE : index.of(before);
      const now = object === undefined ? NONE : index.of(object);
      if (sameTexts(old, now)) continue;
      for (const value of old) {
        const keys = index.keys.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index.keys.delete(value);
      }
      for (const value of now) {
        const keys = index.keys.get(value);
        if (keys === undefined) index.keys.set(value, new Set([key]));
        else keys.add(key);
      }
    }
    return before;
  }

  /** Objects that the index files under `value`, sorted by key. Throws RangeError when there is no such index. */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new RangeError(`no index is named ${name}`);
    const found: T[] = [];
    for (const key of [...(index.keys.get(value) ?? NONE)].sort()) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }
}

const NONE: readonly string[] = [];

function sameTexts(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((text, index) => text === right[index]);
}
