import type { KubeApi } from '../../src/kube/api.ts';
import type { Kind } from '../../src/kube/object.ts';
import type { Random } from '../../src/random/random.ts';
import type { Clock } from '../../src/time/clock.ts';
import { ApiServer } from './api-server.ts';
import { type AccessOptions, ClusterAccess } from './auth/cluster-access.ts';
import { ServiceAccountTokens } from './auth/service-account-tokens.ts';
import { tokenRequest } from './auth/token-request.ts';
import { trustedUser, type UserInfo } from './auth/user.ts';
import { Catalog } from './catalog.ts';
import { CustomKinds } from './controllers/custom-kinds.ts';
import { GarbageCollector } from './controllers/garbage-collector.ts';
import { NamespaceFurniture } from './controllers/namespace-furniture.ts';
import { NamespaceLifecycle } from './controllers/namespace-lifecycle.ts';
import {
  type ApiFault,
  InProcessKubeApi,
  type Intercept,
  type RequestKey,
  type Serving,
  type Verb,
} from './in-process.ts';
import { accessReviewKinds } from './kinds/access-review.ts';
import { customResourceDefinitionKind } from './kinds/custom-resource-definition.ts';
import { everyClustersKinds } from './kinds/every-cluster.ts';
import { identityReviewKinds } from './kinds/identity-review.ts';
import { rbacKinds } from './kinds/rbac.ts';
import { Lists } from './lists.ts';
import type { WatchHolder } from './open-watches.ts';
import type { Delivery } from './reads.ts';
import { SERVER_REQUEST } from './requests.ts';
import { type Resource, type Served, storageView } from './resource.ts';
import { type Backup, Store } from './store.ts';
import type { WatchFault, WatchIntercept } from './watch-fault.ts';

export interface EmbeddedClusterOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Changes kept per kind for watches that start in the past. Default 4096. */
  readonly historyLimit?: number;
  /** A bookmark for every quiet watch after so many writes. Default 1000. */
  readonly bookmarkEvery?: number;
  /** Makes a reader who changes a shared object throw; for tests. */
  readonly freeze?: boolean;
  /** Keeps managed fields of every object from its creation on; costs time and memory. Default: from its first server-side apply. */
  readonly tracksWriters?: boolean;
  /** Sees every request of either door first, and may make it fail. */
  readonly intercept?: Intercept;
  /** Sees every delivery of every watch first, and may keep, break or repeat it. */
  readonly interceptWatch?: WatchIntercept;
  /** PEM of the authority behind the server's certificate, where it has one; every namespace gets it. */
  readonly authority?: string;
  /** Who may do what. Default: everybody everything. */
  readonly access?: AccessOptions;
}

/**
 * A Kubernetes API in this process: the store, the kinds every cluster has, any kind that a
 * CustomResourceDefinition adds, garbage collection and namespaces. What acts on objects (a kubelet, a
 * load balancer) is apart and talks to it like any client.
 *
 * Deterministic: the same calls on the same clock with the same seed give the same objects.
 */
export class EmbeddedCluster implements Serving {
  readonly #options: EmbeddedClusterOptions;
  #life: Life;
  #lives = 1;
  #installed: Backup;

  constructor(options: EmbeddedClusterOptions) {
    this.#options = options;
    this.#life = boot(options, options.random);
    const { server, access, namespaces, furniture } = this.#life;
    for (const name of ['default', 'kube-node-lease', 'kube-public', 'kube-system'])
      server.create(storageView(namespaces), '', { metadata: { name } }, SERVER_REQUEST);
    furniture.furnish();
    access.installDefaults();
    this.#installed = server.store.backup();
  }

  /** The server of now; a restart puts another in its place. */
  get server(): ApiServer {
    return this.#life.server;
  }

  get lists(): Lists {
    return this.#life.lists;
  }

  get access(): ClusterAccess {
    return this.#life.access;
  }

  /** What a test or scenario wants to go wrong with a request; asked once for each. */
  faultOf(verb: Verb, served: Served, key: RequestKey, user: string): ApiFault | undefined {
    return this.#options.intercept?.(verb, kindOf(served), key, user);
  }

  /** Asked for every delivery of a watch; undefined when nobody wants anything to go wrong. */
  watchFaultOf(served: Served, user: string): ((delivery: Delivery) => WatchFault | undefined) | undefined {
    const { interceptWatch } = this.#options;
    if (interceptWatch === undefined) return undefined;
    const kind = kindOf(served);
    return (delivery) => interceptWatch(kind, delivery, user);
  }

  /** Ends all open watches, or those that are chosen; returns how many. */
  dropWatches(chosen?: (holder: WatchHolder) => boolean): number {
    return this.server.watches.drop(chosen);
  }

  /** Forgets all history, so that a watch from before now is answered with Expired. */
  compact(): void {
    this.server.store.compact();
  }

  /** What is here now counts as installed: a restart that loses data comes back to it. */
  markInstalled(): void {
    this.#installed = this.server.store.backup();
  }

  /**
   * A new server over what is stored, or over what was stored when the cluster was installed. Watches end, the
   * past and half-read lists are forgotten; with data lost, versions go back, which no client was told.
   */
  restart(data: 'kept' | 'lost'): void {
    const backup = data === 'kept' ? this.server.store.backup() : this.#installed;
    const former = this.#life;
    this.#life = boot(this.#options, this.#options.random.split(`life-${++this.#lives}`), backup);
    former.server.watches.drop();
  }

  /** A client of its own that may do everything; `user` is who it says it is. */
  api(user = 'admin'): KubeApi {
    return this.as(trustedUser(user));
  }

  /** A client of its own that may do what `user` may. */
  as(user: UserInfo): KubeApi {
    return new InProcessKubeApi(this, user);
  }
}

/** A server process, with everything that only lives as long as it. */
interface Life {
  readonly server: ApiServer;
  readonly lists: Lists;
  readonly access: ClusterAccess;
  readonly namespaces: Resource;
  readonly furniture: NamespaceFurniture;
}

function boot(options: EmbeddedClusterOptions, random: Random, backup?: Backup): Life {
  const { clock, historyLimit = 4096, freeze = false, tracksWriters = false, bookmarkEvery = 1000 } = options;
  const catalog = new Catalog();
  const startVersion = backup === undefined ? {} : { startVersion: backup.version };
  const store = new Store({ historyLimit, freeze, bookmarkEvery, ...startVersion });
  const server = new ApiServer({ store, catalog, clock, random, tracksWriters });
  const definitions = customResourceDefinitionKind(clock, () => store.table(definitions).list());
  // Tokens outlive the server that signed them.
  const tokens = new ServiceAccountTokens({ clock, store, catalog, keys: options.random, ids: random });
  const reviewed = (): ClusterAccess => access;
  const kinds = [
    ...everyClustersKinds(clock, { token: tokenRequest(server, tokens) }),
    ...rbacKinds(),
    ...accessReviewKinds(reviewed),
    ...identityReviewKinds(reviewed),
    definitions,
  ];
  for (const kind of kinds) catalog.add(kind);
  const namespaces = catalog.find('', 'namespaces');
  if (namespaces === undefined) throw new Error('namespaces are a core kind');
  new GarbageCollector(server);
  new CustomKinds(server, definitions);
  new NamespaceLifecycle(server, namespaces);
  const furniture = new NamespaceFurniture(server, options.authority);
  const access = new ClusterAccess(server, tokens, options.access ?? {});
  if (backup !== undefined) restore(store, catalog, backup, definitions);
  return { server, lists: new Lists(server), access, namespaces, furniture };
}

/** Definitions come first: the other objects' kinds are made from them. */
function restore(store: Store, catalog: Catalog, { tables }: Backup, definitions: Resource): void {
  const isDefinition = ({ group, plural }: Resource): boolean =>
    group === definitions.group && plural === definitions.plural;
  const first = tables.filter(({ resource }) => isDefinition(resource));
  const rest = tables.filter(({ resource }) => !isDefinition(resource));
  for (const { resource: former, objects } of [...first, ...rest]) {
    const resource = catalog.find(former.group, former.plural);
    if (resource === undefined) continue;
    for (const object of objects) {
      resource.allocate?.({ ...object });
      store.restore(resource, object);
    }
  }
}

function kindOf({ resource, apiVersion }: Served): Kind {
  const { kind, plural, namespaced } = resource;
  return { apiVersion, kind, plural, namespaced };
}
