import { POD, type Pod } from '../../../src/kube/core.ts';
import { followObjects } from './object-feed.ts';
import { writePersistently } from './persistent-write.ts';
import { type PodHost, PodRun } from './pod-run.ts';

export interface KubeletOptions extends PodHost {
  readonly nodeName: string;
}

/**
 * Stands in for scheduler and kubelet of one node: takes every Pod that has no node, runs registered
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
    const { api, clock } = this.#options;
    await followObjects(api, POD, {}, clock, signal, {
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
      if (pod.metadata.deletionTimestamp === undefined) void this.#bind(pod, signal);
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

  /** With the version it was seen in, so that two of us never take the same Pod. */
  async #bind({ metadata }: Pod, signal: AbortSignal): Promise<void> {
    const { api, clock, nodeName } = this.#options;
    const { namespace = '', name, resourceVersion } = metadata;
    const body = { metadata: { resourceVersion }, spec: { nodeName } };
    const bind = (): Promise<Pod> => api.patch(POD, { namespace, name }, { type: 'merge', body });
    await writePersistently(bind, clock, signal);
  }
}
