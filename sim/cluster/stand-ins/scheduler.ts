import { NODE, type Node, POD, type Pod } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { POD_BINDING } from '../../../src/kube/workloads.ts';
import { timestamp } from '../../../src/time/clock.ts';
import { isNodeReady, isWanted, untolerated } from './node-fit.ts';
import { followObjects } from './object-feed.ts';
import { hasEnded } from './pod-state.ts';
import type { ControllerHost } from './reconcile-loop.ts';

/**
 * Stands in for the scheduler: gives each Pod that has no node the fitting one with the fewest Pods, the
 * first by name among equals; one that fits nowhere stays pending and says why.
 */
export class Scheduler {
  readonly #host: ControllerHost;
  readonly #nodes = new Map<string, Node>();
  /** Where Pods are, those that have ended left out. */
  readonly #places = new Map<string, string>();
  readonly #waiting = new Map<string, Pod>();
  #working = false;
  #again = false;

  constructor(host: ControllerHost) {
    this.#host = host;
  }

  /** Works until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, clock } = this.#host;
    const nodes = followObjects(api, NODE, {}, clock, signal, {
      present: (node) => {
        this.#nodes.set(node.metadata.name, node);
        this.#wake(signal);
      },
      gone: (node) => void this.#nodes.delete(node.metadata.name),
    });
    const pods = followObjects(api, POD, {}, clock, signal, {
      present: (pod) => this.#look(pod, signal),
      gone: ({ metadata: { uid } }) => {
        this.#waiting.delete(uid);
        this.#places.delete(uid);
      },
    });
    await Promise.all([nodes, pods]);
  }

  #look(pod: Pod, signal: AbortSignal): void {
    const { uid, deletionTimestamp } = pod.metadata;
    const { nodeName, schedulerName = 'default-scheduler' } = pod.spec;
    if (nodeName !== undefined && nodeName !== '') {
      this.#waiting.delete(uid);
      if (hasEnded(pod)) this.#places.delete(uid);
      else this.#places.set(uid, nodeName);
    } else if (deletionTimestamp === undefined && schedulerName === 'default-scheduler') {
      const isNew = !this.#waiting.has(uid);
      this.#waiting.set(uid, pod);
      if (isNew) this.#wake(signal);
    } else this.#waiting.delete(uid);
  }

  #wake(signal: AbortSignal): void {
    this.#again = true;
    if (this.#working) return;
    this.#working = true;
    void this.#work(signal);
  }

  async #work(signal: AbortSignal): Promise<void> {
    while (this.#again && !signal.aborted) {
      this.#again = false;
      await this.#place(signal);
    }
    this.#working = false;
  }

  async #place(signal: AbortSignal): Promise<void> {
    for (const [uid, pod] of [...this.#waiting]) {
      if (signal.aborted) return;
      const node = this.#choose(pod);
      try {
        if (node === undefined) await this.#refuse(pod);
        else if (this.#waiting.delete(uid)) await this.#bind(pod, node);
      } catch (error) {
        if (isKubeError(error, 'NotFound', 'Conflict')) continue;
        this.#host.clock.after(1000, () => {
          this.#waiting.set(uid, pod);
          this.#wake(signal);
        });
        if (!isKubeError(error)) throw error;
      }
    }
  }

  #choose(pod: Pod): string | undefined {
    const counts = new Map<string, number>();
    for (const name of this.#places.values()) counts.set(name, (counts.get(name) ?? 0) + 1);
    const fitting = [...this.#nodes.values()]
      .filter((node) => isNodeReady(node) && isWanted(pod, node) && untolerated(pod, node).length === 0)
      .map(({ metadata: { name } }) => ({ name, pods: counts.get(name) ?? 0 }))
      .sort((a, b) => a.pods - b.pods || (a.name < b.name ? -1 : 1));
    return fitting[0]?.name;
  }

  async #bind({ metadata: { uid, namespace = '', name } }: Pod, node: string): Promise<void> {
    const target = { apiVersion: 'v1', kind: 'Node', name: node } as const;
    this.#places.set(uid, node);
    await this.#host.api.create(POD_BINDING, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace, name },
      target,
    });
  }

  /** Says once why no node will do, and again when the reasons change. */
  async #refuse({ metadata, status }: Pod): Promise<void> {
    const { namespace = '', name, uid } = metadata;
    const message = this.#whyNot(this.#waiting.get(uid) as Pod);
    const before = status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (before?.message === message) return;
    const { api, clock } = this.#host;
    const unscheduled = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      lastTransitionTime: timestamp(clock),
    };
    const others = (status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    const body = { metadata: { uid }, status: { conditions: [...others, unscheduled] } };
    await api.patch(POD, { namespace, name }, { type: 'merge', body }, { subresource: 'status' });
  }

  /** In the words of the real one: `0/2 nodes are available: 1 node(s) had untolerated taint {key: value}, …`. */
  #whyNot(pod: Pod): string {
    const reasons = new Map<string, number>();
    for (const node of this.#nodes.values()) {
      const [taint] = untolerated(pod, node);
      const reason =
        taint?.key === 'node.kubernetes.io/unschedulable'
          ? 'node(s) were unschedulable'
          : taint !== undefined
            ? `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`
            : isWanted(pod, node)
              ? 'node(s) were not ready'
              : "node(s) didn't match Pod's node affinity/selector";
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    if (reasons.size === 0) return 'no nodes available to schedule pods';
    const list = [...reasons].sort().map(([reason, count]) => `${count} ${reason}`);
    return `0/${this.#nodes.size} nodes are available: ${list.join(', ')}.`;
  }
}
