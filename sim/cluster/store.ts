import { type Change, ChangeHistory } from './change-history.ts';
import type { Resource } from './resource.ts';
import { type Draft, deepFreeze, type StoredObject } from './stored-object.ts';
import { Table } from './table.ts';

export interface StoreOptions {
  /** Changes kept per resource for watches that start in the past; at least 1. */
  readonly historyLimit: number;
  /** Freezes what is stored, so that a reader who writes throws; for tests, it costs time. */
  readonly freeze: boolean;
  /** Bookmarks go out whenever so many versions have passed. */
  readonly bookmarkEvery: number;
  /** The version to go on from; nothing before it is known. Default 1. */
  readonly startVersion?: number;
}

/** Everything a store holds at one version; objects never change, so it costs nothing to take. */
export interface Backup {
  readonly version: number;
  readonly tables: readonly { readonly resource: Resource; readonly objects: readonly StoredObject[] }[];
}

/** Hears of a change in a table during the write; may not write itself. */
export type Observer = (change: Change, table: Table) => void;

/**
 * All objects of one cluster under one version counter: what etcd is to a real API server.
 *
 * Knows nothing of verbs, schemas or users. Every write is one synchronous step that ends with every
 * listener told.
 */
export class Store {
  readonly #options: StoreOptions;
  readonly #tables = new Map<Resource, Table>();
  readonly #observers = new Set<Observer>();
  readonly #bookmarkers = new Set<(version: number) => void>();
  #version: number;
  #compactedVersion = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#version = options.startVersion ?? 1;
  }

  /** Of the latest write, of any resource. */
  get version(): number {
    return this.#version;
  }

  /** What was before it is forgotten for good. */
  get compactedVersion(): number {
    return this.#compactedVersion;
  }

  table(shown: Resource): Table {
    const resource = shown.storedAs ?? shown;
    let table = this.#tables.get(resource);
    if (table === undefined) {
      const { historyLimit, startVersion = 0 } = this.#options;
      table = new Table(resource, new ChangeHistory(historyLimit, startVersion));
      this.#tables.set(resource, table);
    }
    return table;
  }

  /** Keeps the rows of a resource whose definition was replaced. */
  redefine(old: Resource, next: Resource): void {
    const table = this.#tables.get(old);
    if (table === undefined) return;
    this.#tables.delete(old);
    table.resource = next;
    this.#tables.set(next, table);
  }

  tables(): readonly Table[] {
    return [...this.#tables.values()];
  }

  /** Forgets a resource that is no longer served, and ends its watches. */
  drop(resource: Resource): void {
    this.#tables.get(resource)?.close();
    this.#tables.delete(resource);
  }

  /** Hears every change of every table, after the table's own listeners. */
  observe(observer: Observer): void {
    this.#observers.add(observer);
  }

  /** Is told the version now and then, so that quiet watchers can move on. */
  onBookmark(bookmarker: (version: number) => void): () => void {
    this.#bookmarkers.add(bookmarker);
    return () => this.#bookmarkers.delete(bookmarker);
  }

  create(resource: Resource, draft: Draft): StoredObject {
    return this.#commit(resource, 'ADDED', draft, undefined);
  }

  update(resource: Resource, draft: Draft, previous: StoredObject): StoredObject {
    return this.#commit(resource, 'MODIFIED', draft, previous);
  }

  /** Removes `previous`; `last` is its final state, which readers of the event see. */
  remove(resource: Resource, last: Draft, previous: StoredObject): StoredObject {
    return this.#commit(resource, 'DELETED', last, previous);
  }

  backup(): Backup {
    const tables = this.tables().map((table) => ({ resource: table.resource, objects: table.list() }));
    return { version: this.#version, tables };
  }

  /** Takes back an object of a backup: observers learn of it, and no watch does. */
  restore(resource: Resource, object: StoredObject): void {
    const table = this.table(resource);
    table.restore(object);
    const version = Number(object.metadata.resourceVersion);
    for (const observer of this.#observers)
      observer({ type: 'ADDED', version, object, previous: undefined }, table);
  }

  /** Forgets the past, so that a watch or list from before now is answered with Expired. */
  compact(): void {
    this.#compactedVersion = this.#version;
    for (const table of this.#tables.values()) table.history.compact(this.#version);
  }

  #commit(
    resource: Resource,
    type: Change['type'],
    draft: Draft,
    previous: StoredObject | undefined,
  ): StoredObject {
    const version = ++this.#version;
    draft.metadata.resourceVersion = String(version);
    const object: StoredObject = draft;
    if (this.#options.freeze) deepFreeze(object);
    const change: Change = { type, version, object, previous };
    const table = this.table(resource);
    table.commit(change);
    for (const observer of this.#observers) observer(change, table);
    if (version % this.#options.bookmarkEvery === 0)
      for (const bookmarker of this.#bookmarkers) bookmarker(version);
    return object;
  }
}
