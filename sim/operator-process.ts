import type {
  DeleteOptions,
  KubeApi,
  KubeList,
  ListOptions,
  PatchKind,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../src/kube/api.ts';
import type { Kind, KubeObject, NewObject, ObjectKey } from '../src/kube/object.ts';

/**
 * One process's access to the API server, which ends with the process.
 *
 * After `kill` nothing the process asked for comes back and nothing it asks for is sent: its promises
 * stay open for ever, as those of a killed process do. So a crash can fall between any two calls.
 */
export class ProcessKubeApi implements KubeApi {
  readonly #kube: KubeApi;
  #alive = true;
  readonly #watches = new Set<AbortController>();

  constructor(kube: KubeApi) {
    this.#kube = kube;
  }

  kill(): void {
    this.#alive = false;
    for (const watch of [...this.#watches]) watch.abort();
  }

  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T> {
    return this.#whileAlive(() => this.#kube.get(kind, key));
  }

  list<T extends KubeObject>(kind: Kind<T>, options?: ListOptions): Promise<KubeList<T>> {
    return this.#whileAlive(() => this.#kube.list(kind, options));
  }

  async *watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const dropped = new AbortController();
    this.#watches.add(dropped);
    const signal = AbortSignal.any([options.signal, dropped.signal]);
    try {
      for await (const event of this.#kube.watch(kind, { ...options, signal })) {
        if (!this.#alive) await forever();
        yield event;
      }
      if (!this.#alive) await forever();
    } finally {
      this.#watches.delete(dropped);
    }
  }

  create<T extends KubeObject>(kind: Kind<T>, object: NewObject<T>, options?: WriteOptions): Promise<T> {
    return this.#whileAlive(() => this.#kube.create(kind, object, options));
  }

  replace<T extends KubeObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T> {
    return this.#whileAlive(() => this.#kube.replace(kind, object, options));
  }

  patch<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    patch: { readonly type: PatchKind; readonly body: unknown },
    options?: WriteOptions,
  ): Promise<T> {
    return this.#whileAlive(() => this.#kube.patch(kind, key, patch, options));
  }

  delete<T extends KubeObject>(kind: Kind<T>, key: ObjectKey, options?: DeleteOptions): Promise<void> {
    return this.#whileAlive(() => this.#kube.delete(kind, key, options));
  }

  deleteCollection(kind: Kind, selection: ListOptions, options?: DeleteOptions): Promise<void> {
    return this.#whileAlive(() => this.#kube.deleteCollection(kind, selection, options));
  }

  async #whileAlive<R>(call: () => Promise<R>): Promise<R> {
    if (!this.#alive) await forever();
    try {
      return await call();
    } finally {
      if (!this.#alive) await forever();
    }
  }
}

/** What a dead process's promises are: never settled, and garbage as soon as nobody else holds them. */
function forever(): Promise<never> {
  return new Promise(() => {});
}
