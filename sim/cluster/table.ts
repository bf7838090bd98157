import type { Change, ChangeHistory } from './change-history.ts';
import type { Resource } from './resource.ts';
import type { StoredObject } from './stored-object.ts';

interface Row {
  object: StoredObject;
}

interface Partition {
  readonly rows: Map<string, Row>;
  /** By name; built by the first list, kept in order after that. */
  sorted: Row[] | undefined;
}

/** Hears every change that its filter lets through, in order, during the write. */
export type Listener = (change: Change) => void;

/** The objects of one resource, by namespace and name; cluster-scoped ones live in the empty namespace. */
export class Table {
  /** Replaced when the definition of a custom resource is. */
  resource: Resource;
  readonly history: ChangeHistory;
  readonly #partitions = new Map<string, Partition>();
  readonly #listeners = new Map<Listener, () => void>();
  #count = 0;

  constructor(resource: Resource, history: ChangeHistory) {
    this.resource = resource;
    this.history = history;
  }

  get count(): number {
    return this.#count;
  }

  get(namespace: string, name: string): StoredObject | undefined {
    return this.#partitions.get(namespace)?.rows.get(name)?.object;
  }

  /** Objects by their keys in etcd, `namespace/name`; of one namespace when it is given. */
  list(namespace?: string): StoredObject[] {
    if (namespace !== undefined) return this.#listIn(namespace);
    return [...this.#partitions.keys()].sort(byPrefix).flatMap((one) => this.#listIn(one));
  }

  #listIn(namespace: string): StoredObject[] {
    const partition = this.#partitions.get(namespace);
    if (partition === undefined) return [];
    partition.sorted ??= [...partition.rows.values()].sort(byName);
    return partition.sorted.map((row) => row.object);
  }

  /** Returns what stops it; `closed` is called when the resource ceases to exist. */
  listen(listener: Listener, closed: () => void): () => void {
    this.#listeners.set(listener, closed);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const closed of [...this.#listeners.values()]) closed();
    this.#listeners.clear();
  }

  /** Commits a change and tells everyone; the caller has checked it and given it a version. */
  commit(change: Change): void {
    const { namespace = '', name } = change.object.metadata;
    const partition = this.#partition(namespace);
    if (change.type === 'DELETED') this.#remove(partition, namespace, name);
    else this.#put(partition, name, change.object);
    this.history.push(change);
    for (const listener of this.#listeners.keys()) listener(change);
  }

  /** Takes back an object of an earlier life, which is no change. */
  restore(object: StoredObject): void {
    this.#put(this.#partition(object.metadata.namespace ?? ''), object.metadata.name, object);
  }

  #partition(namespace: string): Partition {
    const known = this.#partitions.get(namespace);
    if (known !== undefined) return known;
    const made: Partition = { rows: new Map(), sorted: undefined };
    this.#partitions.set(namespace, made);
    return made;
  }

  #put(partition: Partition, name: string, object: StoredObject): void {
    const row = partition.rows.get(name);
    if (row !== undefined) {
      row.object = object;
      return;
    }
    const added = { object };
    partition.rows.set(name, added);
    this.#count++;
    const { sorted } = partition;
    if (sorted !== undefined) sorted.splice(position(sorted, name), 0, added);
  }

  #remove(partition: Partition, namespace: string, name: string): void {
    if (!partition.rows.delete(name)) return;
    this.#count--;
    const { sorted } = partition;
    if (sorted !== undefined) sorted.splice(position(sorted, name), 1);
    if (partition.rows.size === 0) this.#partitions.delete(namespace);
  }
}

/** A `-` sorts before the slash that ends a namespace's name in a key. */
function byPrefix(left: string, right: string): number {
  return `${left}/` < `${right}/` ? -1 : 1;
}

function byName(left: Row, right: Row): number {
  return left.object.metadata.name < right.object.metadata.name ? -1 : 1;
}

/** The first index whose name is not before `name`. */
function position(sorted: readonly Row[], name: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as Row).object.metadata.name < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
