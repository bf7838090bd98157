import type { KubeApi, KubeList, ListOptions, WatchEvent, WatchOptions } from '../../src/kube/api.ts';
import { KubeError } from '../../src/kube/error.ts';
import {
  type Kind,
  type KubeObject,
  keyText,
  type NewObject,
  type ObjectKey,
} from '../../src/kube/object.ts';

type Listener = (event: WatchEvent<KubeObject>) => void;

/** Just enough of an API server: objects by kind and key, versions, watches. No schemas, no finalizers. */
export class ScriptedKube implements KubeApi {
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #listeners = new Map<string, Set<Listener>>();
  #version = 0;
  #uids = 0;

  async get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T> {
    const found = this.#of(kind).get(keyText(key));
    if (found === undefined) throw new KubeError('NotFound', `${kind.kind} ${keyText(key)} not found`);
    return found as T;
  }

  async list<T extends KubeObject>(kind: Kind<T>, _options?: ListOptions): Promise<KubeList<T>> {
    return { items: [...this.#of(kind).values()] as T[], resourceVersion: String(this.#version) };
  }

  async *watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const queue: WatchEvent<T>[] = [];
    let wake = (): void => {};
    const listener: Listener = (event) => {
      queue.push(event as WatchEvent<T>);
      wake();
    };
    const listeners = this.#listeners.get(kind.kind) ?? new Set();
    this.#listeners.set(kind.kind, listeners.add(listener));
    options.signal.addEventListener('abort', () => wake(), { once: true });
    try {
      while (!options.signal.aborted) {
        const event = queue.shift();
        if (event !== undefined) yield event;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      listeners.delete(listener);
    }
  }

  async create<T extends KubeObject>(kind: Kind<T>, object: NewObject<T>): Promise<T> {
    const { name = '', namespace } = object.metadata;
    const key = keyText(namespace === undefined ? { name } : { namespace, name });
    if (this.#of(kind).has(key)) throw new KubeError('AlreadyExists', `${kind.kind} ${key} exists`);
    const spec = (object as { spec?: { uuid?: unknown[] } }).spec;
    if (kind.kind === 'FlashJob' && spec?.uuid?.length === 0)
      throw new KubeError('Invalid', 'FlashJob is invalid', {
        causes: [{ reason: 'FieldValueInvalid', field: 'spec.uuid', message: 'must have at least 1 items' }],
      });
    const metadata = {
      uid: `uid-${++this.#uids}`,
      creationTimestamp: '2030-01-01T00:00:00Z',
      ...object.metadata,
    };
    return this.#store(kind, key, { ...object, metadata } as unknown as KubeObject, 'ADDED') as T;
  }

  async replace<T extends KubeObject>(kind: Kind<T>, object: T): Promise<T> {
    const { namespace, name } = object.metadata;
    return this.#store(
      kind,
      keyText(namespace === undefined ? { name } : { namespace, name }),
      object,
      'MODIFIED',
    ) as T;
  }

  async patch<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    patch: { readonly body: unknown },
  ): Promise<T> {
    const merged = merge(await this.get(kind, key), patch.body);
    return this.#store(kind, keyText(key), merged as KubeObject, 'MODIFIED') as T;
  }

  async delete<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<void> {
    const object = await this.get(kind, key);
    this.#of(kind).delete(keyText(key));
    this.#tell(kind, { type: 'DELETED', object });
  }

  async deleteCollection(kind: Kind): Promise<void> {
    for (const { metadata } of [...this.#of(kind).values()]) await this.delete(kind, metadata);
  }

  #store(kind: Kind, key: string, object: KubeObject, type: 'ADDED' | 'MODIFIED'): KubeObject {
    const metadata = { ...object.metadata, resourceVersion: String(++this.#version) };
    const stored = { ...object, metadata };
    this.#of(kind).set(key, stored);
    this.#tell(kind, { type, object: stored });
    return stored;
  }

  #tell(kind: Kind, event: WatchEvent<KubeObject>): void {
    for (const listener of this.#listeners.get(kind.kind) ?? []) listener(event);
  }

  #of(kind: Kind): Map<string, KubeObject> {
    const known = this.#objects.get(kind.kind) ?? new Map<string, KubeObject>();
    this.#objects.set(kind.kind, known);
    return known;
  }
}

function merge(into: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const out: Record<string, unknown> = { ...(into as object) };
  for (const [key, value] of Object.entries(patch)) out[key] = merge(out[key], value);
  return out;
}
