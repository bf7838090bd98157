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
import type { ClusterAccess } from './auth/cluster-access.ts';
import type { UserInfo } from './auth/user.ts';
import { deleteCollection } from './delete-collection.ts';
import { InProcessWatch } from './in-process-watch.ts';
import type { Lists } from './lists.ts';
import { openWatch, type WatchSink } from './open-watch.ts';
import type { Place } from './preconditions.ts';
import { checkReached, type Delivery } from './reads.ts';
import type { Subresource, WriteRequest } from './requests.ts';
import { type Served, splitApiVersion } from './resource.ts';
import { selectedName } from './selector.ts';
import type { WatchFault } from './watch-fault.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'replace' | 'patch' | 'delete' | 'deletecollection';

/** What rules call the verb. */
function ruleVerb(verb: Verb): string {
  return verb === 'replace' ? 'update' : verb;
}

/** What goes wrong with one request. */
export interface ApiFault {
  /** Time before the request reaches the server. */
  readonly latencyMs?: number;
  /** What the client is told instead of the answer. */
  readonly error?: KubeError;
  /** The request is carried out and only its answer is lost; otherwise it never arrives. */
  readonly carriedOut?: boolean;
}

/** What a request is about, as far as it says so. */
export interface RequestKey extends Partial<ObjectKey> {
  /** Of a list: it asks for a page after the first. */
  readonly continued?: boolean;
}

/** Looks at each request before it is served; undefined lets it through. */
export type Intercept = (verb: Verb, kind: Kind, key: RequestKey, user: string) => ApiFault | undefined;

/** Who serves, and what goes wrong with it. */
export interface Serving {
  readonly server: ApiServer;
  readonly lists: Lists;
  readonly access: ClusterAccess;
  faultOf(verb: Verb, served: Served, key: RequestKey, user: string): ApiFault | undefined;
  watchFaultOf(served: Served, user: string): ((delivery: Delivery) => WatchFault | undefined) | undefined;
}

/** The server without a network: promises that settle in the same instant of virtual time. */
export class InProcessKubeApi implements KubeApi {
  readonly #serving: Serving;
  readonly #asker: UserInfo;

  constructor(serving: Serving, asker: UserInfo) {
    this.#serving = serving;
    this.#asker = asker;
  }

  get #user(): string {
    return this.#asker.name;
  }

  get #server(): ApiServer {
    return this.#serving.server;
  }

  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T> {
    return this.#serve('get', kind, key, (served) =>
      this.#server.get(served, placeOf(kind, key), subresourceOf(kind)),
    );
  }

  list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const key = { ...keyOfList(options), ...(options.continue && { continued: true }) };
    return this.#serve('list', kind, key, (served) => {
      checkReached(options.notOlderThan, this.#server.store.version);
      return this.#serving.lists.list(served, options);
    });
  }

  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const started = this.#serve<Served>('watch', kind, keyOfList(options), (served) => served);
    started.catch(() => {});
    const open = (served: Served, sink: WatchSink): (() => void) => {
      const request = { ...options, user: this.#user };
      return openWatch(this.#server, served, request, this.#serving.watchFaultOf(served, this.#user), sink);
    };
    const { signal } = options;
    return new InProcessWatch(started, open, signal) as AsyncIterable<unknown> as AsyncIterable<
      WatchEvent<T>
    >;
  }

  create<T extends KubeObject>(kind: Kind<T>, object: NewObject<T>, options: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    const key = {
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    };
    return this.#serve('create', kind, key, (served) =>
      kind.subresource === 'binding'
        ? this.#server.bind(served, { namespace: '', name: '', ...key }, object, this.#request(kind, options))
        : this.#server.create(served, namespace ?? '', object, this.#request(kind, options)),
    );
  }

  replace<T extends KubeObject>(kind: Kind<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const key = object.metadata;
    const replace = (served: Served): unknown =>
      this.#server.replace(served, placeOf(kind, key), object, this.#request(kind, options));
    return this.#serve('replace', kind, key, replace, options.subresource);
  }

  patch<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    patch: { readonly type: PatchKind; readonly body: unknown },
    options: WriteOptions = {},
  ): Promise<T> {
    const change = (served: Served): unknown => {
      const place = placeOf(kind, key);
      if (patch.type === 'apply' && options.subresource === undefined && !this.#server.exists(served, place))
        this.#demand('create', kind, key, undefined);
      return this.#server.patch(served, place, patch, this.#request(kind, options));
    };
    return this.#serve('patch', kind, key, change, options.subresource);
  }

  async delete<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    options: DeleteOptions = {},
  ): Promise<void> {
    await this.#serve('delete', kind, key, (served) =>
      this.#server.delete(served, placeOf(kind, key), { ...options, user: this.#user }),
    );
  }

  async deleteCollection(kind: Kind, selection: ListOptions, options: DeleteOptions = {}): Promise<void> {
    const request = { ...options, user: this.#user };
    await this.#serve('deletecollection', kind, namespaceOf(selection), (served) =>
      deleteCollection(this.#server, this.#serving.lists, served, selection, request),
    );
  }

  #request(kind: Kind, options: WriteOptions): WriteRequest {
    const subresource = subresourceOf(kind) ?? options.subresource;
    const request = { ...options, user: this.#user, asker: this.#asker };
    return { ...request, ...(subresource !== undefined && { subresource }) };
  }

  /** Throws Forbidden. */
  #demand(verb: Verb, kind: Kind, key: RequestKey, subresource: string | undefined): void {
    const { access } = this.#serving;
    if (!access.isRestricted) return;
    const { namespace = '', name = '' } = key;
    const isNamespace = kind.plural === 'namespaces';
    access.demand(this.#asker, {
      type: 'resource',
      verb: ruleVerb(verb),
      group: splitApiVersion(kind.apiVersion).group,
      resource: kind.plural,
      subresource: subresource ?? kind.subresource ?? '',
      namespace: kind.namespaced ? namespace : isNamespace ? name : '',
      name,
    });
  }

  /** The stored object is of the kind's type because the kind's schema admitted it. */
  async #serve<R>(
    verb: Verb,
    kind: Kind,
    key: RequestKey,
    answerOf: (served: Served) => unknown,
    subresource?: string,
  ): Promise<R> {
    const demand = (): void =>
      // What is yet to be created has no name that rules could speak of.
      this.#demand(verb, kind, verb === 'create' ? namespaceOf(key) : key, subresource);
    const answer = (): R => {
      demand();
      return answerOf(this.#server.catalog.ofKind(kind)) as R;
    };
    // Who may not ask does not learn that there is no such kind.
    if (!this.#server.catalog.knows(kind)) demand();
    const fault = this.#serving.faultOf(verb, this.#server.catalog.ofKind(kind), key, this.#user);
    if (fault === undefined) return answer();
    if (fault.latencyMs !== undefined && fault.latencyMs > 0) await this.#server.clock.sleep(fault.latencyMs);
    if (fault.error === undefined) return answer();
    if (fault.carriedOut === true) answer();
    throw fault.error;
  }
}

function subresourceOf({ subresource }: Kind): Subresource | undefined {
  return subresource as Subresource | undefined;
}

function keyOfList({ fieldSelector, ...options }: ListOptions): RequestKey {
  const name = selectedName(fieldSelector);
  return { ...namespaceOf(options), ...(name !== undefined && { name }) };
}

function namespaceOf({ namespace }: { readonly namespace?: string }): { namespace?: string } {
  return namespace === undefined ? {} : { namespace };
}

function placeOf(kind: Kind, key: ObjectKey): Place {
  return { namespace: kind.namespaced ? (key.namespace ?? '') : '', name: key.name };
}
