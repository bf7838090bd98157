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
import { InProcessWatch } from './in-process-watch.ts';
import type { Place } from './preconditions.ts';
import type { Lists } from './reads.ts';
import type { WriteRequest } from './requests.ts';
import { type Served, splitApiVersion } from './resource.ts';
import { selectedName } from './selector.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'replace' | 'patch' | 'delete' | 'deletecollection';

/** What rules call the verb. */
export function ruleVerb(verb: Verb): string {
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
  readonly #access: ClusterAccess;
  readonly #asker: UserInfo;
  readonly #intercept: Intercept | undefined;

  constructor(
    server: ApiServer,
    lists: Lists,
    access: ClusterAccess,
    asker: UserInfo,
    intercept: Intercept | undefined,
  ) {
    this.#server = server;
    this.#lists = lists;
    this.#access = access;
    this.#asker = asker;
    this.#intercept = intercept;
  }

  get #user(): string {
    return this.#asker.name;
  }

  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<T> {
    return this.#serve('get', kind, key, () => this.#server.get(this.#served(kind), placeOf(kind, key)));
  }

  list<T extends KubeObject>(kind: Kind<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const key = keyOfList(options);
    return this.#serve('list', kind, key, () => this.#lists.list(this.#served(kind), options));
  }

  watch<T extends KubeObject>(kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const key = keyOfList(options);
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
      this.#server.create(this.#served(kind), namespace ?? '', object, this.#request(options)),
    );
  }

  replace<T extends KubeObject>(kind: Kind<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const key = object.metadata;
    const replace = (): unknown =>
      this.#server.replace(this.#served(kind), placeOf(kind, key), object, this.#request(options));
    return this.#serve('replace', kind, key, replace, options.subresource);
  }

  patch<T extends KubeObject>(
    kind: Kind<T>,
    key: ObjectKey,
    patch: { readonly type: PatchKind; readonly body: unknown },
    options: WriteOptions = {},
  ): Promise<T> {
    const change = (): unknown => {
      const served = this.#served(kind);
      const place = placeOf(kind, key);
      if (patch.type === 'apply' && options.subresource === undefined && !this.#server.exists(served, place))
        this.#demand('create', kind, key, undefined);
      return this.#server.patch(served, place, patch, this.#request(options));
    };
    return this.#serve('patch', kind, key, change, options.subresource);
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

  #served(kind: Kind): Served {
    return this.#server.catalog.ofKind(kind);
  }

  #request(options: WriteOptions): WriteRequest {
    return { ...options, user: this.#user, asker: this.#asker };
  }

  /** Throws Forbidden. */
  #demand(verb: Verb, kind: Kind, key: Partial<ObjectKey>, subresource: string | undefined): void {
    if (!this.#access.isRestricted) return;
    const { namespace = '', name = '' } = key;
    const isNamespace = kind.plural === 'namespaces';
    this.#access.demand(this.#asker, {
      type: 'resource',
      verb: ruleVerb(verb),
      group: splitApiVersion(kind.apiVersion).group,
      resource: kind.plural,
      subresource: subresource ?? '',
      namespace: kind.namespaced ? namespace : isNamespace ? name : '',
      name,
    });
  }

  /** The stored object is of the kind's type because the kind's schema admitted it. */
  async #serve<R>(
    verb: Verb,
    kind: Kind,
    key: Partial<ObjectKey>,
    carryOut: () => unknown,
    subresource?: string,
  ): Promise<R> {
    const answer = (): unknown => {
      // What is yet to be created has no name that rules could speak of.
      this.#demand(verb, kind, verb === 'create' ? placeOnly(key) : key, subresource);
      return carryOut();
    };
    const fault = this.#intercept?.(verb, kind, key, this.#user);
    if (fault === undefined) return answer() as R;
    if (fault.latencyMs !== undefined && fault.latencyMs > 0) await this.#server.clock.sleep(fault.latencyMs);
    if (fault.error === undefined) return answer() as R;
    if (fault.carriedOut === true) answer();
    throw fault.error;
  }
}

function placeOnly({ namespace }: Partial<ObjectKey>): Partial<ObjectKey> {
  return namespace === undefined ? {} : { namespace };
}

function keyOfList({ namespace, fieldSelector }: ListOptions): Partial<ObjectKey> {
  const name = selectedName(fieldSelector);
  return { ...(namespace !== undefined && { namespace }), ...(name !== undefined && { name }) };
}

function placeOf(kind: Kind, key: ObjectKey): Place {
  return { namespace: kind.namespaced ? (key.namespace ?? '') : '', name: key.name };
}
