import type { KubeApi } from '../../kube/api.ts';
import { isKubeError } from '../../kube/error.ts';
import { type Kind, type KubeObject, keyOf, keyText, type ObjectKey } from '../../kube/object.ts';
import type { Clock } from '../../time/clock.ts';

export interface MirrorChange<T extends KubeObject> {
  readonly type: 'added' | 'modified' | 'deleted';
  readonly object: T;
  /** What was known before; absent when it was added. */
  readonly previous?: T;
}

const RETRY_MS = 1000;

/** All objects of one kind, kept up to date by list and watch, whatever happens to the watch. */
export class Mirror<T extends KubeObject> {
  readonly #api: KubeApi;
  readonly #kind: Kind<T>;
  readonly #clock: Clock;
  readonly #onChange: (change: MirrorChange<T>) => void;
  readonly #objects = new Map<string, T>();

  constructor(api: KubeApi, clock: Clock, kind: Kind<T>, onChange: (change: MirrorChange<T>) => void) {
    this.#api = api;
    this.#clock = clock;
    this.#kind = kind;
    this.#onChange = onChange;
  }

  /** In the order they were first seen. */
  get objects(): Iterable<T> {
    return this.#objects.values();
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(keyText(key));
  }

  /** Settles after the first list; keeps following until `signal` ends it. Errors that are no KubeError reach `onBug`. */
  async start(signal: AbortSignal, onBug: (error: unknown) => void): Promise<void> {
    const version = await this.#list();
    void this.#follow(version, signal).catch((error: unknown) => {
      if (!signal.aborted) onBug(error);
    });
  }

  async #follow(version: string | undefined, signal: AbortSignal): Promise<void> {
    let since = version;
    while (!signal.aborted) {
      try {
        since ??= await this.#list();
        for await (const event of this.#api.watch(this.#kind, { resourceVersion: since, signal })) {
          if (signal.aborted) return;
          if (event.type === 'BOOKMARK') continue;
          if (event.type === 'DELETED') this.#remove(event.object);
          else this.#put(event.object);
        }
      } catch (error) {
        if (!isKubeError(error)) throw error;
      }
      since = undefined;
      if (!signal.aborted) await this.#clock.sleep(RETRY_MS, signal);
    }
  }

  async #list(): Promise<string> {
    const { items, resourceVersion } = await this.#api.list(this.#kind);
    const present = new Set(items.map((item) => keyText(keyOf(item))));
    for (const [key, object] of [...this.#objects]) if (!present.has(key)) this.#remove(object);
    for (const item of items) this.#put(item);
    return resourceVersion;
  }

  #put(object: T): void {
    const key = keyText(keyOf(object));
    const previous = this.#objects.get(key);
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.#objects.set(key, object);
    this.#onChange(
      previous === undefined ? { type: 'added', object } : { type: 'modified', object, previous },
    );
  }

  #remove(object: T): void {
    const key = keyText(keyOf(object));
    const previous = this.#objects.get(key);
    if (previous === undefined) return;
    this.#objects.delete(key);
    this.#onChange({ type: 'deleted', object, previous });
  }
}
