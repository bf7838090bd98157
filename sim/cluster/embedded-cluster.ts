import type { KubeApi } from '../../src/kube/api.ts';
import type { Random } from '../../src/random/random.ts';
import type { Clock } from '../../src/time/clock.ts';
import { ApiServer } from './api-server.ts';
import { Catalog } from './catalog.ts';
import { CustomKinds } from './controllers/custom-kinds.ts';
import { GarbageCollector } from './controllers/garbage-collector.ts';
import { NamespaceLifecycle } from './controllers/namespace-lifecycle.ts';
import { type ApiFault, InProcessKubeApi, type Intercept, type Verb } from './in-process.ts';
import { coreKinds } from './kinds/core.ts';
import { cronJobKind } from './kinds/cron-job.ts';
import { customResourceDefinitionKind } from './kinds/custom-resource-definition.ts';
import { daemonSetKind } from './kinds/daemon-set.ts';
import { deploymentKind } from './kinds/deployment.ts';
import { eventKinds } from './kinds/event.ts';
import { jobKind } from './kinds/job.ts';
import { podKind } from './kinds/pod.ts';
import { controllerRevisionKind, replicaSetKind } from './kinds/replica-set.ts';
import { ClusterIps, serviceKind } from './kinds/service.ts';
import { Lists } from './reads.ts';
import { SERVER_REQUEST } from './requests.ts';
import { type Served, storageView } from './resource.ts';
import { Store } from './store.ts';

export interface EmbeddedClusterOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Changes kept per kind for watches that start in the past. Default 4096. */
  readonly historyLimit?: number;
  /** Makes a reader who changes a shared object throw; for tests. */
  readonly freeze?: boolean;
  /** Keeps managed fields of every object from its creation on; costs time and memory. Default: from its first server-side apply. */
  readonly tracksWriters?: boolean;
  /** Sees every in-process request first, and may make it fail. */
  readonly intercept?: Intercept;
}

/**
 * A Kubernetes API in this process: the store, the kinds every cluster has, any kind that a
 * CustomResourceDefinition adds, garbage collection and namespaces. What acts on objects (a kubelet, a
 * load balancer) is apart and talks to it like any client.
 *
 * Deterministic: the same calls on the same clock with the same seed give the same objects.
 */
export class EmbeddedCluster {
  readonly server: ApiServer;
  readonly lists: Lists;
  readonly #intercept: Intercept | undefined;

  constructor(options: EmbeddedClusterOptions) {
    const { clock, random, historyLimit = 4096, freeze = false, tracksWriters = false, intercept } = options;
    const catalog = new Catalog();
    const store = new Store({ historyLimit, freeze });
    this.server = new ApiServer({ store, catalog, clock, random, tracksWriters });
    this.lists = new Lists(this.server);
    this.#intercept = intercept;
    const definitions = customResourceDefinitionKind(clock);
    const unixMs = (): number => clock.epochMs + clock.nowMs;
    const workloads = [
      deploymentKind(),
      replicaSetKind(),
      daemonSetKind(),
      controllerRevisionKind(),
      jobKind(unixMs),
      cronJobKind(unixMs),
    ];
    const kinds = [
      ...coreKinds(),
      ...eventKinds(),
      podKind(),
      serviceKind(new ClusterIps()),
      ...workloads,
      definitions,
    ];
    for (const kind of kinds) catalog.add(kind);
    const namespaces = catalog.find('', 'namespaces');
    if (namespaces === undefined) throw new Error('namespaces are a core kind');
    new GarbageCollector(this.server);
    new CustomKinds(this.server, definitions);
    new NamespaceLifecycle(this.server, namespaces);
    for (const name of ['default', 'kube-node-lease', 'kube-system'])
      this.server.create(storageView(namespaces), '', { metadata: { name } }, SERVER_REQUEST);
  }

  /** What a test or scenario wants to go wrong with a request; asked once for each. */
  faultOf(
    verb: Verb,
    { resource, apiVersion }: Served,
    key: { readonly namespace?: string | undefined; readonly name?: string | undefined },
    user: string,
  ): ApiFault | undefined {
    if (this.#intercept === undefined) return undefined;
    const { kind, plural, namespaced } = resource;
    const { namespace, name } = key;
    const place = { ...(namespace !== undefined && { namespace }), ...(name !== undefined && { name }) };
    return this.#intercept(verb, { apiVersion, kind, plural, namespaced }, place, user);
  }

  /** Ends all open watches, or those of one user; returns how many. */
  dropWatches(user?: string): number {
    return this.server.watches.drop(user);
  }

  /** Forgets all history, so that a watch from before now is answered with Expired. */
  compact(): void {
    this.server.store.compact();
  }

  /** A client of its own; `user` is who it says it is. */
  api(user = 'admin'): KubeApi {
    return new InProcessKubeApi(this.server, this.lists, user, this.#intercept);
  }
}
