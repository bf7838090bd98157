import { NODE, type Node, POD, type Pod, type Taint } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { keyOf } from '../../../src/kube/object.ts';
import { clockMsOf, type Timer } from '../../../src/time/clock.ts';
import { bears } from './node-fit.ts';
import { followObjects } from './object-feed.ts';
import { hasEnded } from './pod-state.ts';
import type { ControllerHost } from './reconcile-loop.ts';

/**
 * Stands in for taint-based eviction, and for the collector of Pods whose node is no more: deletes Pods
 * from nodes with a NoExecute taint, when their toleration of it ends.
 *
 * A Pod on a node that is lost stays, marked, until that node is back or its object is deleted: nobody
 * else knows whether its containers run. Source: pkg/controller/tainteviction, pkg/controller/podgc (v1.32).
 */
export class TaintEviction {
  readonly #host: ControllerHost;
  readonly #nodes = new Map<string, Node>();
  readonly #pods = new Map<string, Pod>();
  readonly #timers = new Map<string, Timer>();

  constructor(host: ControllerHost) {
    this.#host = host;
  }

  /** Works until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, clock } = this.#host;
    const nodes = followObjects(api, NODE, {}, clock, signal, {
      present: (node) => {
        const before = this.#nodes.get(node.metadata.name);
        this.#nodes.set(node.metadata.name, node);
        if (before?.spec?.taints !== node.spec?.taints) this.#lookOn(node.metadata.name);
      },
      gone: ({ metadata: { name } }) => {
        this.#nodes.delete(name);
        for (const pod of this.#podsOn(name)) void this.#delete(pod, 0);
      },
    });
    const pods = followObjects(api, POD, {}, clock, signal, {
      present: (pod) => {
        const isNew = this.#pods.get(pod.metadata.uid)?.spec.nodeName !== pod.spec.nodeName;
        this.#pods.set(pod.metadata.uid, pod);
        if (isNew) this.#look(pod);
      },
      gone: ({ metadata: { uid } }) => {
        this.#pods.delete(uid);
        this.#cancel(uid);
      },
    });
    await Promise.all([nodes, pods]);
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #podsOn(name: string): readonly Pod[] {
    return [...this.#pods.values()].filter(({ spec }) => spec.nodeName === name);
  }

  #lookOn(name: string): void {
    for (const pod of this.#podsOn(name)) this.#look(pod);
  }

  #look(pod: Pod): void {
    const { uid, deletionTimestamp } = pod.metadata;
    this.#cancel(uid);
    const node = this.#nodes.get(pod.spec.nodeName ?? '');
    const taints = (node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
    if (taints.length === 0 || deletionTimestamp !== undefined || hasEnded(pod)) return;
    const leftMs = Math.min(...taints.map((taint) => this.#untilUnbearableMs(pod, taint)));
    if (leftMs === Number.POSITIVE_INFINITY) return;
    this.#timers.set(
      uid,
      this.#host.clock.after(leftMs, () => void this.#delete(pod)),
    );
  }

  #untilUnbearableMs({ spec }: Pod, taint: Taint): number {
    const { clock } = this.#host;
    const borne = (spec.tolerations ?? []).filter((toleration) => bears(toleration, taint));
    if (borne.length === 0) return 0;
    const seconds = Math.min(
      ...borne.map(({ tolerationSeconds }) => tolerationSeconds ?? Number.POSITIVE_INFINITY),
    );
    const sinceMs = clockMsOf(clock, taint.timeAdded ?? '') ?? clock.nowMs;
    return Math.max(0, sinceMs + seconds * 1000 - clock.nowMs);
  }

  #cancel(uid: string): void {
    this.#timers.get(uid)?.cancel();
    this.#timers.delete(uid);
  }

  async #delete(pod: Pod, gracePeriodSeconds?: number): Promise<void> {
    const options = {
      preconditions: { uid: pod.metadata.uid },
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    };
    try {
      await this.#host.api.delete(POD, keyOf(pod), options);
    } catch (error) {
      if (isKubeError(error, 'NotFound', 'Conflict')) return;
      if (!isKubeError(error)) throw error;
      this.#host.clock.after(1000, () => void this.#delete(pod, gracePeriodSeconds));
    }
  }
}
