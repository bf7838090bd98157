import type { KubeApi } from '../src/kube/api.ts';
import type { Clock } from '../src/time/clock.ts';
import { trustedUser, type UserInfo } from './cluster/auth/user.ts';
import { Kubelet, type KubeletScope } from './cluster/stand-ins/kubelet.ts';
import { NodeHeartbeat } from './cluster/stand-ins/node-heartbeat.ts';
import { SILENCE_MS_MAX } from './cluster/stand-ins/node-lifecycle.ts';
import { writePersistently } from './cluster/stand-ins/persistent-write.ts';
import type { PodPrograms } from './cluster/stand-ins/pod-program.ts';
import { runWorkloads } from './cluster/stand-ins/workloads.ts';

export interface EdgeNodeParts {
  readonly clock: Clock;
  readonly kubeOf: (user: UserInfo) => KubeApi;
  readonly name: string;
  readonly scope: KubeletScope;
  /** The cluster is all ours: nobody else makes Pods of workloads and gives them nodes. */
  readonly ownsCluster: boolean;
  readonly programs: PodPrograms;
  /** A task ended with an error: a bug. */
  readonly onBug: (error: unknown) => void;
}

/** The node on which Pods run, with what a cluster of our own needs to give it Pods; it can be lost, and come back. */
export class EdgeNode {
  readonly #parts: EdgeNodeParts;
  readonly #kubelet: KubeApi;
  readonly #controllers: KubeApi;
  readonly #ended = new AbortController();
  #alive = new AbortController();

  constructor(parts: EdgeNodeParts) {
    this.#parts = parts;
    this.#kubelet = parts.kubeOf(trustedUser('kubelet'));
    this.#controllers = parts.kubeOf(trustedUser('controllers'));
  }

  start(): void {
    const { clock, ownsCluster } = this.#parts;
    const host = { api: this.#controllers, clock };
    if (ownsCluster) this.#watch(runWorkloads(host, this.#ended.signal), this.#ended.signal);
    this.#startKubelet();
  }

  /** Whether `lose` is possible: a node of somebody's cluster is not ours to give up. */
  get canBeLost(): boolean {
    return this.#parts.ownsCluster;
  }

  /** Nothing of the node is heard from now on; it is given up when that has lasted for long enough. */
  lose(): void {
    this.#alive.abort();
    const { clock } = this.#parts;
    const back = this.#alive;
    clock.after(SILENCE_MS_MAX, () => {
      if (this.#alive === back) this.#watch(this.#declare('lose'), this.#ended.signal);
    });
  }

  /** The node is back; what ran on it does not run any more. */
  recover(): void {
    if (this.#ended.signal.aborted) return;
    this.#watch(this.#declare('recover'), this.#ended.signal);
    this.#startKubelet();
  }

  /** Ends everything; idempotent. */
  stop(): void {
    this.#ended.abort();
    this.#alive.abort();
  }

  #startKubelet(): void {
    this.#alive = new AbortController();
    const { clock, name, scope, programs } = this.#parts;
    const kubelet = new Kubelet({ api: this.#kubelet, clock, nodeName: name, programs, ...scope });
    this.#watch(kubelet.run(this.#alive.signal), this.#alive.signal);
  }

  async #declare(what: 'lose' | 'recover'): Promise<void> {
    const heartbeat = new NodeHeartbeat(this.#controllers, this.#parts.clock, this.#parts.name);
    await writePersistently(() => heartbeat[what](), this.#parts.clock, this.#ended.signal);
  }

  #watch(task: Promise<void>, signal: AbortSignal): void {
    task.catch((error: unknown) => {
      if (!signal.aborted) this.#parts.onBug(error);
    });
  }
}
