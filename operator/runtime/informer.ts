import type { KubeApi, WatchEvent } from '../../src/kube/api.ts';
import { isKubeError } from '../../src/kube/error.ts';
import { type Kind, type KubeObject, keyOf, keyText } from '../../src/kube/object.ts';
import type { Random } from '../../src/random/random.ts';
import type { Clock } from '../../src/time/clock.ts';
import { Backoff } from './backoff.ts';
import type { Metrics } from './metrics.ts';
import { type IndexFunction, ObjectStore } from './object-store.ts';

export interface InformerPorts {
  readonly kube: KubeApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

export interface InformerOptions<T extends KubeObject> {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Objects per page of a list. */
  readonly pageSize?: number;
  /** A watch that says nothing for this long, bookmarks included, is taken for dead: everything is listed again. */
  readonly inactivityMs?: number;
}

/** Told of every difference between what was cached and what is; one of the two is always present. */
export type ChangeListener<T> = (before: T | undefined, after: T | undefined) => void;

const PAGE_SIZE = 500;
const INACTIVITY_MS = 600_000;
/** A watch that lived this long counts as healthy: the next restart is quick again. */
const HEALTHY_WATCH_MS = 30_000;

/**
 * A local copy of one kind, kept true by list and watch.
 *
 * Survives everything an API server does: a watch that ends, errs or falls silent is opened again from
 * the last version seen, an expired version leads to a new list, and a new list replaces the copy at
 * once when its last page has arrived, telling listeners only the differences.
 */
export class Informer<T extends KubeObject> {
  readonly kind: Kind<T>;
  readonly #ports: InformerPorts;
  readonly #options: InformerOptions<T>;
  readonly #store: ObjectStore<T>;
  readonly #listeners: ChangeListener<T>[] = [];
  readonly #backoff: Backoff;
  readonly #synced = Promise.withResolvers<void>();
  #version: string | undefined;
  #lastHeardMs = 0;
  #hasSynced = false;

  constructor(ports: InformerPorts, kind: Kind<T>, options: InformerOptions<T> = {}) {
    this.kind = kind;
    this.#ports = ports;
    this.#options = options;
    this.#store = new ObjectStore(options.indexes);
    this.#backoff = new Backoff(ports.random.split(`informer/${kind.plural}`), {
      firstMs: 500,
      maxMs: 30_000,
    });
  }

  /** Objects cached; empty until the first list is in. */
  get size(): number {
    return this.#store.size;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Settles when the first list is in; never rejects. */
  whenSynced(): Promise<void> {
    return this.#synced.promise;
  }

  /** By `namespace/name`. */
  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  /** In no particular order. */
  values(): IterableIterator<T> {
    return this.#store.values();
  }

  /** Sorted by key. Throws RangeError when the informer has no such index. */
  byIndex(name: string, value: string): T[] {
    return this.#store.byIndex(name, value);
  }

  /** Listeners run in the order they were added and must not throw; add them before `run`. */
  onChange(listener: ChangeListener<T>): void {
    this.#listeners.push(listener);
  }

  /** Keeps the copy true until `signal` aborts; settles then, never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, metrics } = this.#ports;
    while (!signal.aborted) {
      const startedMs = clock.nowMs;
      try {
        if (this.#version === undefined) await this.#list(signal);
        await this.#watch(signal);
        metrics.count('informer:watch-ended');
      } catch (error) {
        if (signal.aborted) return;
        metrics.count('informer:watch-failed');
        if (isKubeError(error, 'Expired', 'Gone')) this.#version = undefined;
      }
      if (clock.nowMs - startedMs >= HEALTHY_WATCH_MS) this.#backoff.reset();
      await clock.sleep(this.#backoff.nextMs(), signal).catch(() => undefined);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { kube, metrics } = this.#ports;
    const found = new Map<string, T>();
    let version = '';
    let next: string | undefined;
    do {
      const page = await kube.list(this.kind, {
        ...this.#scope(),
        limit: this.#options.pageSize ?? PAGE_SIZE,
        ...(next !== undefined && { continue: next }),
      });
      if (signal.aborted) return;
      for (const object of page.items) found.set(keyText(keyOf(object)), object);
      version = page.resourceVersion;
      next = page.continue;
    } while (next !== undefined && next !== '');
    metrics.count('informer:listed');
    for (const key of [...this.#store.keys()]) if (!found.has(key)) this.#apply(key, undefined, 'list');
    for (const [key, object] of found) this.#apply(key, object, 'list');
    this.#version = version;
    if (!this.#hasSynced) {
      this.#hasSynced = true;
      this.#synced.resolve();
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { kube, clock, metrics } = this.#ports;
    const inactivityMs = this.#options.inactivityMs ?? INACTIVITY_MS;
    const ending = new AbortController();
    const stop = (): void => ending.abort();
    signal.addEventListener('abort', stop);
    this.#lastHeardMs = clock.nowMs;
    const guard = (): void => {
      const silentMs = clock.nowMs - this.#lastHeardMs;
      if (silentMs < inactivityMs) {
        // Never less than 1 ms: a remainder below a clock's tick would fire again at the same instant.
        timer = clock.after(Math.max(1, inactivityMs - silentMs), guard);
        return;
      }
      metrics.count('informer:watch-silent');
      this.#version = undefined;
      ending.abort();
    };
    let timer = clock.after(inactivityMs, guard);
    try {
      const events = kube.watch(this.kind, {
        ...this.#scope(),
        resourceVersion: this.#version ?? '',
        allowWatchBookmarks: true,
        signal: ending.signal,
      });
      for await (const event of events) {
        if (ending.signal.aborted) return;
        this.#lastHeardMs = clock.nowMs;
        this.#hear(event);
      }
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', stop);
      ending.abort();
    }
  }

  #hear(event: WatchEvent<T>): void {
    if (event.type === 'BOOKMARK') {
      this.#version = event.resourceVersion;
      return;
    }
    const { object } = event;
    this.#apply(keyText(keyOf(object)), event.type === 'DELETED' ? undefined : object, 'watch');
    this.#version = object.metadata.resourceVersion;
  }

  #apply(key: string, object: T | undefined, source: 'list' | 'watch'): void {
    const before = this.#store.get(key);
    if (before === undefined && object === undefined) return;
    if (object !== undefined && before?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    // What a later list finds different is what a watch failed to tell.
    if (source === 'list' && this.#hasSynced) this.#ports.metrics.count('informer:missed-event');
    this.#store.put(key, object);
    for (const listener of this.#listeners) listener(before, object);
  }

  #scope(): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    };
  }
}
