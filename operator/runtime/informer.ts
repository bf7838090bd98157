import type { Kind, KubeObject } from '../../src/kube/object.ts';
import { type IndexFunction, ObjectStore } from './object-store.ts';
import { Reflector, type ReflectorPorts } from './reflector.ts';
import { sameJson } from './same-json.ts';

export type InformerPorts = ReflectorPorts;

export interface InformerOptions<T extends KubeObject> {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Objects per page of a list. */
  readonly pageSize?: number;
  /** A watch that says nothing for this long, bookmarks included, is taken for dead and replaced. */
  readonly inactivityMs?: number;
  /** About how often the copy is compared with a list, in case the server's watches are not to be believed. */
  readonly auditMs?: number;
}

/** From a list, what was between is not known: of an object that is gone the last state seen may not be its last. */
export type Source = 'watch' | 'list';

/** Told of every difference between what was cached and what is; one of the two is always present, and both are the same object by uid. */
export type ChangeListener<T> = (before: T | undefined, after: T | undefined, source: Source) => void;

const PAGE_SIZE = 500;
/** kube-apiserver sends bookmarks about once a minute, so a watch that is alive is never silent for so long. */
const INACTIVITY_MS = 150_000;
const AUDIT_MS = 1_800_000;

/**
 * A local copy of one kind, kept true by list and watch (reflector.ts says how).
 *
 * Listeners are told differences only, and every object's last state reaches them: what came and went while
 * nobody could look is not told, what went is told with the last state that was seen.
 */
export class Informer<T extends KubeObject> {
  readonly kind: Kind<T>;
  readonly #store: ObjectStore<T>;
  readonly #listeners: ChangeListener<T>[] = [];
  readonly #reflector: Reflector<T>;
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;

  constructor(ports: InformerPorts, kind: Kind<T>, options: InformerOptions<T> = {}) {
    this.kind = kind;
    this.#store = new ObjectStore(options.indexes);
    const { namespace, labelSelector, fieldSelector } = options;
    const scope = {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    };
    const { pageSize = PAGE_SIZE, inactivityMs = INACTIVITY_MS, auditMs = AUDIT_MS } = options;
    this.#reflector = new Reflector(
      ports,
      kind,
      { scope, pageSize, inactivityMs, auditMs },
      {
        get: (key) => this.#store.get(key),
        change: (key, object) => this.#apply(key, object, 'watch'),
        become: (listed) => this.#become(listed),
      },
    );
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
  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal, () => {
      if (this.#hasSynced) return;
      this.#hasSynced = true;
      this.#synced.resolve();
    });
  }

  #become(listed: ReadonlyMap<string, T>): number {
    let different = 0;
    for (const key of [...this.#store.keys()]) {
      if (listed.has(key)) continue;
      different++;
      this.#apply(key, undefined, 'list');
    }
    for (const [key, object] of listed) {
      // Not by version: a server that has lost data gives the same version to something else.
      if (sameJson(this.#store.get(key), object)) continue;
      different++;
      this.#apply(key, object, 'list');
    }
    return different;
  }

  #apply(key: string, object: T | undefined, source: Source): void {
    const before = this.#store.get(key);
    if (before === undefined && object === undefined) return;
    if (before !== undefined && object !== undefined && before.metadata.uid !== object.metadata.uid) {
      // Two objects with one name: the first is gone, although nobody said so.
      this.#apply(key, undefined, source);
      this.#apply(key, object, source);
      return;
    }
    this.#store.put(key, object);
    for (const listener of this.#listeners) listener(before, object, source);
  }
}
