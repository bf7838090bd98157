import type {
  DeleteOptions,
  KubeApi,
  KubeList,
  ListOptions,
  PatchKind,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../../src/kube/api.ts';
import type { KubeError } from '../../src/kube/error.ts';
import type { Kind, KubeObject, NewObject, ObjectKey } from '../../src/kube/object.ts';
import type { ApiServer } from './api-server.ts';
import { deleteCollection } from './delete-collection.ts';
import { InProcessWatch } from './in-process-watch.ts';
import type { Place } from './preconditions.ts';
import type { Lists } from './reads.ts';
import type { Subresource, WriteRequest } from './requests.ts';
import type { Served } from './resource.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'replace' | 'patch' | 'delete' | 'deletecollection';

/** What goes wrong with one request. */
export interface ApiFault {
  /** Time before the request reaches the server. */
  readonly latencyMs?: number;
  /** What the client is told instead of the answer. */
  readonly error?: KubeError;
  /** The request is carried out and only its answer is lost; otherwise it never arrives. */
  readonly carriedOut?: boolean;
}

/** Looks at each request before it is served; undefined lets it through. Key and name may be absent. */
export type Intercept = (
  verb: Verb,
  kind: Kind,
  key: Partial<ObjectKey>,
  user: string,
) => ApiFault | undefined;

/** The server without a network: promises that settle in the same instant of virtual time. */
export class InProcessKubeApi implements KubeApi {
  readonly #server: ApiServer;
  readonly #lists: Lists;
  readonly #user: string;
  readonly #intercept: Intercept | undefined;

  constructor(server: ApiServer, lists: Lists, user: string, intercept: Intercept | undefined) {
    this.#server = server;
    this.#lists = lists;
    this.#user = user;
    this.#intercept = intercept;
  }

  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T> {
    return this.#serve('get', kind, key, () =>
      this.#server.get(this.#served(kind), placeOf(kind, key), subresourceOf(kind)),
    );
  }

  list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const key = options.namespace === undefined ? {} : { namespace: options.namespace };
    return this.#serve('list', kind, key, () => this.#lists.list(this.#served(kind), options));
  }

  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const key = options.namespace === undefined ? {} : { namespace: options.namespace };
    const started = this.#serve<Served>('watch', kind, key, () => this.#served(kind));
    started.catch(() => {});
    return new InProcessWatch(
      this.#server,
      started,
      options,
      this.#user,
    ) as AsyncIterable<unknown> as AsyncIterable<WatchEvent<T>>;
  }

  create<T extends KubeObject>(kind: Kind<T>, object: NewObject<T>, options: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    const key = {
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    };
    return this.#serve('create', kind, key, () =>
      kind.subresource === 'binding'
        ? this.#server.bind(
            this.#served(kind),
            { namespace: '', name: '', ...key },
            object,
            this.#write(kind, options),
          )
        : this.#server.create(this.#served(kind), namespace ?? '', object, this.#write(kind, options)),
    );
  }

  replace<T extends KubeObject>(kind: Kind<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const key = object.metadata;
    return this.#serve('replace', kind, key, () =>
      this.#server.replace(this.#served(kind), placeOf(kind, key), object, this.#write(kind, options)),
    );
  }

  patch<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    patch: { readonly type: PatchKind; readonly body: unknown },
    options: WriteOptions = {},
  ): Promise<T> {
    return this.#serve('patch', kind, key, () =>
      this.#server.patch(this.#served(kind), placeOf(kind, key), patch, this.#write(kind, options)),
    );
  }

  async delete<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    options: DeleteOptions = {},
  ): Promise<void> {
    await this.#serve('delete', kind, key, () =>
      this.#server.delete(this.#served(kind), placeOf(kind, key), { ...options, user: this.#user }),
    );
  }

  async deleteCollection(kind: Kind, selection: ListOptions, options: DeleteOptions = {}): Promise<void> {
    const key = selection.namespace === undefined ? {} : { namespace: selection.namespace };
    const request = { ...options, user: this.#user };
    await this.#serve('deletecollection', kind, key, () =>
      deleteCollection(this.#server, this.#lists, this.#served(kind), selection, request),
    );
  }

  #write(kind: Kind, options: WriteOptions): WriteRequest {
    const subresource = subresourceOf(kind) ?? options.subresource;
    return { ...options, user: this.#user, ...(subresource !== undefined && { subresource }) };
  }

  #served(kind: Kind): Served {
    return this.#server.catalog.ofKind(kind);
  }

  /** The stored object is of the kind's type because the kind's schema admitted it. */
  async #serve<R>(verb: Verb, kind: Kind, key: Partial<ObjectKey>, answer: () => unknown): Promise<R> {
    const fault = this.#intercept?.(verb, kind, key, this.#user);
    if (fault === undefined) return answer() as R;
    if (fault.latencyMs !== undefined && fault.latencyMs > 0) await this.#server.clock.sleep(fault.latencyMs);
    if (fault.error === undefined) return answer() as R;
    if (fault.carriedOut === true) answer();
    throw fault.error;
  }
}

function subresourceOf({ subresource }: Kind): Subresource | undefined {
  return subresource as Subresource | undefined;
}

function placeOf(kind: Kind, key: ObjectKey): Place {
  return { namespace: kind.namespaced ? (key.namespace ?? '') : '', name: key.name };
}
