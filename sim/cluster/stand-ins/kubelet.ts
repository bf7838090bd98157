import { HOSTNAME_LABEL, POD, type Pod } from '../../../src/kube/core.ts';
import { POD_BINDING } from '../../../src/kube/workloads.ts';
import { followObjects } from './object-feed.ts';
import { writePersistently } from './persistent-write.ts';
import { type PodHost, PodRun } from './pod-run.ts';

/** Which Pods concern a kubelet. */
export interface KubeletScope {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  /**
   * What happens to Pods without a node: `all` are taken by a patch, as only the embedded cluster lets it;
   * those that `select` this node by its hostname are bound to it, as a scheduler does; or they are `left` to one.
   */
  readonly unscheduled?: 'all' | 'select' | 'left';
}

export interface KubeletOptions extends PodHost, KubeletScope {
  readonly nodeName: string;
}

/**
 * Stands in for scheduler and kubelet of one node: takes Pods that have no node, runs registered
 * programs in this process, and writes the Pod's status as a kubelet does.
 *
 * Containers run once: a Pod whose restartPolicy asks for more is left pending and says so.
 */
export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #runs = new Map<string, PodRun>();

  constructor(options: KubeletOptions) {
    this.#options = options;
  }

  /** Number of Pods whose programs run now. */
  get runningCount(): number {
    let count = 0;
    for (const run of this.#runs.values()) if (run.isRunning) count++;
    return count;
  }

  /** Works until `signal` is aborted; then every program is told to stop. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, clock, namespace } = this.#options;
    const selection = namespace === undefined ? {} : { namespace };
    await followObjects(api, POD, selection, clock, signal, {
      present: (pod) => this.#look(pod, signal),
      gone: (pod) => this.#forget(pod),
    });
    for (const run of this.#runs.values()) run.stop();
    this.#runs.clear();
  }

  #look(pod: Pod, signal: AbortSignal): void {
    const { nodeName } = this.#options;
    const assigned = pod.spec.nodeName;
    if (assigned === undefined || assigned === '') {
      if (pod.metadata.deletionTimestamp === undefined) void this.#schedule(pod, signal);
      return;
    }
    if (assigned !== nodeName) return;
    let run = this.#runs.get(pod.metadata.uid);
    if (run === undefined) {
      run = new PodRun(this.#options, pod, signal);
      this.#runs.set(pod.metadata.uid, run);
    }
    if (pod.metadata.deletionTimestamp !== undefined) run.finish();
  }

  #forget(pod: Pod): void {
    this.#runs.get(pod.metadata.uid)?.stop();
    this.#runs.delete(pod.metadata.uid);
  }

  async #schedule(pod: Pod, signal: AbortSignal): Promise<void> {
    const { api, clock, nodeName, unscheduled = 'all' } = this.#options;
    const { namespace = '', name, uid, resourceVersion } = pod.metadata;
    if (unscheduled === 'left') return;
    if (unscheduled === 'select') {
      if (pod.spec.nodeSelector?.[HOSTNAME_LABEL] !== nodeName) return;
      const target = { apiVersion: 'v1', kind: 'Node', name: nodeName } as const;
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name, uid }, target };
      await writePersistently(() => api.create(POD_BINDING, binding), clock, signal);
      return;
    }
    // With the version it was seen in, so that two of us never take the same Pod.
    const body = { metadata: { resourceVersion }, spec: { nodeName } };
    const take = (): Promise<Pod> => api.patch(POD, { namespace, name }, { type: 'merge', body });
    await writePersistently(take, clock, signal);
  }
}
