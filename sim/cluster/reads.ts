import type { ListOptions, WatchOptions } from '../../src/kube/api.ts';
import { KubeError } from '../../src/kube/error.ts';
import type { ApiServer } from './api-server.ts';
import type { Change } from './change-history.ts';
import { type Served, seenThrough } from './resource.ts';
import { parseFieldSelector, parseLabelSelector, selectedName } from './selector.ts';
import * as refuse from './status-errors.ts';
import type { StoredObject } from './stored-object.ts';
import type { Table } from './table.ts';

/** True when an object is in the namespace and fits the selectors of a request. */
type Filter = (object: StoredObject) => boolean;

/** Undefined when the request selects everything. Throws BadRequest on a malformed selector. */
function filterOf(served: Served, options: Omit<ListOptions, 'limit' | 'continue'>): Filter | undefined {
  const { namespace, labelSelector, fieldSelector } = options;
  const filters: Filter[] = [];
  if (namespace !== undefined) filters.push((object) => object.metadata.namespace === namespace);
  if (labelSelector) {
    const matches = parseLabelSelector(labelSelector);
    filters.push((object) => matches(object.metadata.labels));
  }
  if (fieldSelector) {
    const matches = parseFieldSelector(fieldSelector);
    const { selectableFields } = served.resource;
    const fieldsOf = (object: StoredObject): Record<string, string> => ({
      'metadata.name': object.metadata.name,
      'metadata.namespace': object.metadata.namespace ?? '',
      ...selectableFields?.(object),
    });
    matches(fieldsOf(EMPTY_OBJECT));
    filters.push((object) => matches(fieldsOf(object)));
  }
  if (filters.length === 0) return undefined;
  return (object) => filters.every((filter) => filter(object));
}

/** Throws BadRequest on selectors that a watch or list could not use. */
export function checkSelectors(
  served: Served,
  options: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>,
): void {
  filterOf(served, options);
}

/** Shows a selector which fields the kind offers before there is any object. */
const EMPTY_OBJECT: StoredObject = {
  apiVersion: '',
  kind: '',
  metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '' },
};

/** One page, and how to get the next. */
export interface Page {
  readonly items: readonly StoredObject[];
  readonly resourceVersion: string;
  readonly continue?: string;
  /** How many follow this page; absent when selectors make it unknown, as in a real server. */
  readonly remainingItemCount?: number;
}

/** Lists kept for their next pages; the oldest is forgotten, and its token expires. */
const SNAPSHOTS_MAX = 64;

interface Snapshot {
  readonly served: Served;
  readonly items: readonly StoredObject[];
  readonly resourceVersion: string;
  readonly counted: boolean;
}

/** Lists: every page of one list shows the same instant, because stored objects never change. */
export class Lists {
  readonly #server: ApiServer;
  readonly #snapshots = new Map<string, Snapshot>();
  #lastToken = 0;

  constructor(server: ApiServer) {
    this.#server = server;
  }

  /** Shows the present, or exactly the past that `version` names. Throws Expired when that is forgotten. */
  list(served: Served, options: ListOptions, version?: number): Page {
    refuseQuestions(served, 'list');
    if (options.continue !== undefined && options.continue !== '') return this.#next(served, options);
    const filter = filterOf(served, options);
    const items = this.#select(served, options, filter, version);
    const resourceVersion = String(version ?? this.#server.store.version);
    const counted = !options.labelSelector && !options.fieldSelector;
    return this.#page({ served, items, resourceVersion, counted }, 0, options.limit);
  }

  #select(
    served: Served,
    options: ListOptions,
    filter: Filter | undefined,
    version: number | undefined,
  ): readonly StoredObject[] {
    const table = this.#server.store.table(served.resource);
    const name = selectedName(options.fieldSelector);
    const place = served.resource.namespaced ? options.namespace : '';
    if (name !== undefined && place !== undefined && version === undefined) {
      const object = table.get(place, name);
      return object !== undefined && filter?.(object) !== false ? [seenThrough(served, object)] : [];
    }
    const all = version === undefined ? table.list(place) : pastOf(table, place, version);
    const selected = filter === undefined ? all : all.filter(filter);
    return served.apiVersion === served.resource.storageVersion
      ? selected
      : selected.map((object) => seenThrough(served, object));
  }

  #page(snapshot: Snapshot, start: number, limit: number | undefined): Page {
    const { items, resourceVersion, counted } = snapshot;
    if (limit === undefined || limit <= 0 || start + limit >= items.length)
      return { items: start === 0 ? items : items.slice(start), resourceVersion };
    const end = start + limit;
    const token = Buffer.from(JSON.stringify({ list: ++this.#lastToken, rv: resourceVersion, end })).toString(
      'base64url',
    );
    this.#snapshots.set(token, snapshot);
    for (const oldest of this.#snapshots.keys()) {
      if (this.#snapshots.size <= SNAPSHOTS_MAX) break;
      this.#snapshots.delete(oldest);
    }
    const page = { items: items.slice(start, end), resourceVersion, continue: token };
    return counted ? { ...page, remainingItemCount: items.length - end } : page;
  }

  #next(served: Served, options: ListOptions): Page {
    const token = options.continue as string;
    const snapshot = this.#snapshots.get(token);
    const end = endOf(token);
    if (end === undefined) throw refuse.badRequest('invalid continue token: continue key is not valid');
    if (snapshot === undefined || snapshot.served.resource !== served.resource)
      throw new KubeError(
        'Expired',
        'The provided continue parameter is too old to display a consistent list result. Start a new list without the continue parameter.',
      );
    return this.#page(snapshot, end, options.limit);
  }
}

/** The objects as they were at a version: the present, with every later change undone. */
function pastOf(table: Table, place: string | undefined, version: number): readonly StoredObject[] {
  const { history } = table;
  if (version < history.forgottenVersion) throw refuse.expired(version, history.forgottenVersion);
  const keyOf = ({ metadata }: StoredObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;
  const past = new Map(table.list(place).map((object) => [keyOf(object), object]));
  for (const { object, previous } of history.since(version).toReversed()) {
    if (place !== undefined && (object.metadata.namespace ?? '') !== place) continue;
    if (previous === undefined) past.delete(keyOf(object));
    else past.set(keyOf(object), previous);
  }
  return [...past].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, object]) => object);
}

/** Objects that are questions are nowhere kept. */
function refuseQuestions({ resource }: Served, verb: string): void {
  if (resource.answer !== undefined) throw refuse.methodNotAllowed(resource, verb);
}

function endOf(token: string): number | undefined {
  try {
    const { end } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { end?: unknown };
    return typeof end === 'number' ? end : undefined;
  } catch {
    return undefined;
  }
}

/** What a watch delivers; objects are as the watcher's version shows them. */
export type Delivery =
  | { readonly type: Change['type']; readonly object: StoredObject }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface WatchRequest extends Omit<WatchOptions, 'signal'> {
  readonly user: string;
  /** The present objects come first, then a bookmark, whatever the version. */
  readonly sendInitialEvents?: boolean;
}

/**
 * Delivers changes to `sink`, in order and during the write, until the returned function is called; what
 * is already known is delivered before it returns. `closed` is called when there will be no more. Throws Expired when the version is too old.
 */
export function watch(
  server: ApiServer,
  served: Served,
  options: WatchRequest,
  sink: (delivery: Delivery) => void,
  closed: () => void,
): () => void {
  refuseQuestions(served, 'watch');
  const { store } = server;
  const table = store.table(served.resource);
  const filter = filterOf(served, options);
  const deliver = (change: Change): void => {
    const delivery = filter === undefined ? change : through(filter, change);
    if (delivery === undefined) return;
    const object = seenThrough(served, delivery.object);
    sink(object === delivery.object ? delivery : { type: delivery.type, object });
  };
  const since = startVersion(options.resourceVersion, store.version);
  if (since === undefined || options.sendInitialEvents === true) {
    for (const object of table.list(served.resource.namespaced ? options.namespace : ''))
      if (filter?.(object) !== false) sink({ type: 'ADDED', object: seenThrough(served, object) });
  } else {
    if (since < table.history.forgottenVersion) throw refuse.expired(since, table.history.forgottenVersion);
    for (const change of table.history.since(since)) deliver(change);
  }
  const bookmark = (version: number): void => sink({ type: 'BOOKMARK', resourceVersion: String(version) });
  const stopListening = table.listen(deliver, closed);
  const stopBookmarks = options.allowWatchBookmarks === true ? store.onBookmark(bookmark) : undefined;
  const forget = server.watches.hold({ user: options.user, resource: served.resource }, closed);
  return () => {
    forget();
    stopListening();
    stopBookmarks?.();
  };
}

/** A change as a watcher with selectors sees it: objects come and go as they start and cease to fit. */
function through(filter: Filter, change: Change): Pick<Change, 'type' | 'object'> | undefined {
  const fits = change.type !== 'DELETED' && filter(change.object);
  const fitted = change.previous !== undefined && filter(change.previous);
  if (fits) return { type: fitted ? 'MODIFIED' : 'ADDED', object: change.object };
  if (!fitted) return undefined;
  if (change.type === 'DELETED') return change;
  const { previous, object } = change;
  const { resourceVersion } = object.metadata;
  const last = previous as StoredObject;
  return { type: 'DELETED', object: { ...last, metadata: { ...last.metadata, resourceVersion } } };
}

/** Undefined: from the present state. Throws BadRequest, or Timeout for a version that is yet to come. */
function startVersion(text: string | undefined, current: number): number | undefined {
  if (text === undefined || text === '' || text === '0') return undefined;
  const version = Number(text);
  if (!Number.isSafeInteger(version) || version < 0) throw refuse.unparsableVersion(text, 'resourceVersion');
  if (version > current) throw refuse.tooLargeVersion(version, current);
  return version;
}
