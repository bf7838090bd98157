import type { KubeApi, Selection, WatchEvent } from '../../../src/kube/api.ts';
import type { Kind, KubeObject } from '../../../src/kube/object.ts';
import type { Clock } from '../../../src/time/clock.ts';

/** Time before the server is asked again after it refused or broke off. */
const RETRY_DELAY_MS = 1000;

export interface FeedHandlers<T extends KubeObject> {
  /** The object as it is now; called again whenever it changed, and at times when it did not. */
  present(object: T): void;
  /** The object is no more; called once, with its last known state. */
  gone(object: T): void;
}

/**
 * Tells of every object of a kind, by list and watch, until `signal` is aborted; lists again whenever the
 * watch ends. Misses intermediate states, never the last one.
 */
export async function followObjects<T extends KubeObject>(
  api: KubeApi,
  kind: Kind<T>,
  selection: Selection,
  clock: Clock,
  signal: AbortSignal,
  handlers: FeedHandlers<T>,
): Promise<void> {
  const known = new Map<string, T>();
  const apply = (type: WatchEvent<T>['type'], object: T): void => {
    if (type === 'DELETED') {
      known.delete(object.metadata.uid);
      handlers.gone(object);
    } else {
      known.set(object.metadata.uid, object);
      handlers.present(object);
    }
  };
  while (!signal.aborted) {
    try {
      const { items, resourceVersion } = await api.list(kind, selection);
      const uids = new Set(items.map((item) => item.metadata.uid));
      for (const [uid, object] of [...known]) if (!uids.has(uid)) apply('DELETED', object);
      for (const item of items) apply('ADDED', item);
      for await (const event of api.watch(kind, { ...selection, resourceVersion, signal }))
        if (event.type !== 'BOOKMARK') apply(event.type, event.object);
    } catch {
      // Whatever the reason, listing again is the answer; `signal` is looked at below.
    }
    if (!signal.aborted) await clock.sleep(RETRY_DELAY_MS, signal).catch(() => {});
  }
}
