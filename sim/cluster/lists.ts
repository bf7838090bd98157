import type { ListOptions } from '../../src/kube/api.ts';
import type { ApiServer } from './api-server.ts';
import { type Continuation, decodeContinue, encodeContinue } from './continue-token.ts';
import { refuseQuestions } from './reads.ts';
import { type Served, seenThrough } from './resource.ts';
import { type Filter, filterOf } from './selection.ts';
import { selectedName } from './selector.ts';
import * as refuse from './status-errors.ts';
import type { StoredObject } from './stored-object.ts';
import type { Table } from './table.ts';

/** One page, and how to get the next. */
export interface Page {
  readonly items: readonly StoredObject[];
  readonly resourceVersion: string;
  readonly continue?: string;
  /** How many follow this page; absent when selectors make it unknown, as in a real server. */
  readonly remainingItemCount?: number;
}

/** Instants kept at hand for the next pages of their lists; an older one is worked out again from history. */
const INSTANTS_MAX = 64;

/** Lists: every page of one list shows the same instant, because stored objects never change. */
export class Lists {
  readonly #server: ApiServer;
  readonly #instants = new Map<string, readonly StoredObject[]>();

  constructor(server: ApiServer) {
    this.#server = server;
  }

  /** Shows the present, or exactly the past that `version` names. Throws Expired when that is forgotten. */
  list(served: Served, options: ListOptions, version?: number): Page {
    refuseQuestions(served, 'list');
    const { store } = this.#server;
    const { namespace, ...selectors } = options;
    const place = served.resource.namespaced ? namespace : '';
    // The place is looked up, not filtered.
    const filter = filterOf(served, place === namespace ? selectors : options);
    if (options.continue) return this.#next(served, place, filter, decodeContinue(options.continue), options);
    const name = selectedName(options.fieldSelector);
    if (name !== undefined && place !== undefined && version === undefined) {
      const object = store.table(served.resource).get(place, name);
      const items = object !== undefined && filter?.(object) !== false ? [seenThrough(served, object)] : [];
      return { items, resourceVersion: String(store.version) };
    }
    const at = version ?? store.version;
    const all = this.#instant(served, place, at);
    if (all === undefined) throw refuse.listExpired();
    return this.#page(served, place, filter, { version: at, start: '' }, all, options);
  }

  #next(
    served: Served,
    place: string | undefined,
    filter: Filter | undefined,
    { version, start }: Continuation,
    options: ListOptions,
  ): Page {
    const { store } = this.#server;
    const at = version ?? store.version;
    if (at > store.version) throw refuse.revisionInFuture();
    const all = this.#instant(served, place, at);
    if (all === undefined) throw refuse.continueExpired(encodeContinue({ version: undefined, start }));
    return this.#page(served, place, filter, { version: at, start }, all, options);
  }

  /** Everything in a place at a version, in the order of its keys; undefined when that is forgotten. */
  #instant(served: Served, place: string | undefined, version: number): readonly StoredObject[] | undefined {
    const { store } = this.#server;
    const table = store.table(served.resource);
    if (version === store.version) return table.list(place);
    if (version < store.compactedVersion) return undefined;
    return this.#instants.get(keyOfInstant(served, place, version)) ?? pastOf(table, place, version);
  }

  #page(
    served: Served,
    place: string | undefined,
    filter: Filter | undefined,
    { version = 0, start }: Continuation,
    all: readonly StoredObject[],
    { limit = 0, ...options }: ListOptions,
  ): Page {
    if (
      limit <= 0 &&
      start === '' &&
      filter === undefined &&
      served.apiVersion === served.resource.storageVersion
    )
      return { items: all, resourceVersion: String(version) };
    const keyOf = place === undefined ? keyEverywhere : keyInPlace;
    const first = start === '' ? 0 : firstFrom(all, start, keyOf);
    const items: StoredObject[] = [];
    let end = first;
    for (; end < all.length && (limit <= 0 || items.length < limit); end++) {
      const object = all[end] as StoredObject;
      if (filter?.(object) !== false) items.push(seenThrough(served, object));
    }
    const resourceVersion = String(version);
    const last = all[end - 1];
    if (end === all.length || last === undefined) return { items, resourceVersion };
    this.#keep(keyOfInstant(served, place, version), all);
    const token = encodeContinue({ version, start: `${keyOf(last)}\0` });
    const page = { items, resourceVersion, continue: token };
    const counted = !options.labelSelector && !options.fieldSelector;
    return counted ? { ...page, remainingItemCount: all.length - end } : page;
  }

  #keep(key: string, all: readonly StoredObject[]): void {
    this.#instants.delete(key);
    this.#instants.set(key, all);
    for (const oldest of this.#instants.keys()) {
      if (this.#instants.size <= INSTANTS_MAX) break;
      this.#instants.delete(oldest);
    }
  }
}

function keyOfInstant({ resource }: Served, place: string | undefined, version: number): string {
  const { group, plural } = resource.storedAs ?? resource;
  return JSON.stringify([group, plural, place ?? null, version]);
}

function keyInPlace({ metadata }: StoredObject): string {
  return metadata.name;
}

function keyEverywhere({ metadata }: StoredObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** The index of the first object whose key is not before `start`. */
function firstFrom(
  all: readonly StoredObject[],
  start: string,
  keyOf: (object: StoredObject) => string,
): number {
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(all[middle] as StoredObject) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The objects as they were at a version: the present, with every later change undone. Undefined when history does not reach there. */
function pastOf(table: Table, place: string | undefined, version: number): StoredObject[] | undefined {
  const { history } = table;
  if (version < history.forgottenVersion) return undefined;
  const past = new Map(table.list(place).map((object) => [keyEverywhere(object), object]));
  for (const { object, previous } of history.since(version).toReversed()) {
    if (place !== undefined && (object.metadata.namespace ?? '') !== place) continue;
    if (previous === undefined) past.delete(keyEverywhere(object));
    else past.set(keyEverywhere(object), previous);
  }
  return [...past].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, object]) => object);
}
