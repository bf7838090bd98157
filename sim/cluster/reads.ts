import type { WatchOptions } from '../../src/kube/api.ts';
import type { ApiServer } from './api-server.ts';
import type { Change } from './change-history.ts';
import { type Served, seenThrough } from './resource.ts';
import { type Filter, filterOf } from './selection.ts';
import * as refuse from './status-errors.ts';
import type { StoredObject } from './stored-object.ts';

/** What a watch delivers; objects are as the watcher's version shows them. */
export type Delivery =
  | { readonly type: Change['type']; readonly object: StoredObject }
  | {
      readonly type: 'BOOKMARK';
      readonly resourceVersion: string;
      /** Everything that was there in the beginning has been delivered. */
      readonly endsInitialEvents?: true;
    };

export interface WatchRequest extends Omit<WatchOptions, 'signal'> {
  readonly user: string;
  /** Whether the present objects come first, whatever the version. Absent: when there is no version. */
  readonly sendInitialEvents?: boolean;
}

function startsWithPresent({ sendInitialEvents, resourceVersion = '' }: WatchRequest): boolean {
  return sendInitialEvents ?? (resourceVersion === '' || resourceVersion === '0');
}

/** True when a bookmark will say that the present has been delivered. */
export function endsInitialEvents(request: WatchRequest): boolean {
  return request.allowWatchBookmarks === true && startsWithPresent(request);
}

/** Objects that are questions are nowhere kept. */
export function refuseQuestions({ resource }: Served, verb: string): void {
  if (resource.answer !== undefined) throw refuse.methodNotAllowed(resource, verb);
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
  const since = startVersion(options.resourceVersion);
  if (startsWithPresent(options)) checkReached(options.resourceVersion, store.version);
  const deliver = (change: Change): void => {
    if (since !== undefined && change.version <= since) return;
    const delivery = filter === undefined ? change : through(filter, change);
    if (delivery === undefined) return;
    const object = seenThrough(served, delivery.object);
    sink(object === delivery.object ? delivery : { type: delivery.type, object });
  };
  if (startsWithPresent(options)) {
    for (const object of table.list(served.resource.namespaced ? options.namespace : ''))
      if (filter?.(object) !== false) sink({ type: 'ADDED', object: seenThrough(served, object) });
    if (endsInitialEvents(options))
      sink({ type: 'BOOKMARK', resourceVersion: String(store.version), endsInitialEvents: true });
  } else if (since !== undefined) {
    if (since < table.history.forgottenVersion) throw refuse.expired(since, table.history.forgottenVersion);
    for (const change of table.history.since(since)) deliver(change);
  }
  const bookmark = (version: number): void => {
    if (version >= (since ?? 0)) sink({ type: 'BOOKMARK', resourceVersion: String(version) });
  };
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

/** Undefined: from the present state. A version that is yet to come is waited for. Throws InternalError. */
function startVersion(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === '0') return undefined;
  const version = Number(text);
  if (!Number.isSafeInteger(version) || version < 0) throw refuse.unparsableVersion(text, 'resourceVersion');
  return version;
}

/** Throws Timeout when the version that was asked for is yet to come. */
export function checkReached(text: string | undefined, current: number): void {
  const version = startVersion(text);
  if (version !== undefined && version > current) throw refuse.tooLargeVersion(version, current);
}
