import { POD, type Pod } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { keyOf } from '../../../src/kube/object.ts';
import { REPLICA_SET, type ReplicaSet, type WorkloadCondition } from '../../../src/kube/workloads.ts';
import { timestamp } from '../../../src/time/clock.ts';
import { claim, unlessGone } from './owner.ts';
import { isActive, isReady, podOf, readyCondition, soonest, untilAvailableMs } from './pod-state.ts';
import type { ControllerHost, Reconciler } from './reconcile-loop.ts';
import { withCondition, writeStatus } from './status-write.ts';
import { tell, tellPod } from './told-event.ts';

/** Stands in for the ReplicaSet controller. Source: kube-controller-manager, pkg/controller/replicaset (v1.32). */
export class ReplicaSetController implements Reconciler<ReplicaSet> {
  readonly kind = REPLICA_SET;
  readonly owned = [POD];
  readonly adopts = true;
  readonly #host: ControllerHost;

  constructor(host: ControllerHost) {
    this.#host = host;
  }

  async reconcile(set: ReplicaSet): Promise<number | undefined> {
    const { api, clock } = this.#host;
    const claimed = await claim(api, set, set.spec.selector, POD);
    const pods = claimed.filter(isActive);
    let failure: WorkloadCondition['message'] | undefined;
    if (set.metadata.deletionTimestamp === undefined) failure = await this.#settle(set, pods);

    const { minReadySeconds = 0, template } = set.spec;
    const wanted = Object.entries(template.metadata?.labels ?? {});
    const waits = pods.map((pod) => untilAvailableMs(pod, minReadySeconds, clock));
    const ready = pods.filter(isReady).length;
    const available = waits.filter((wait) => wait === 0).length;
    const labelled = pods.filter(({ metadata: { labels = {} } }) =>
      wanted.every(([key, value]) => labels[key] === value),
    ).length;
    await writeStatus(api, REPLICA_SET, set, {
      replicas: pods.length,
      ...(labelled > 0 && { fullyLabeledReplicas: labelled }),
      ...(ready > 0 && { readyReplicas: ready }),
      ...(available > 0 && { availableReplicas: available }),
      observedGeneration: set.metadata.generation ?? 1,
      ...this.#failureCondition(set, failure),
    });
    return failure === undefined ? soonest(waits) : RETRY_MS;
  }

  /** Creates what is missing or deletes what is too many; returns why it could not. */
  async #settle(set: ReplicaSet, pods: readonly Pod[]): Promise<string | undefined> {
    const { api } = this.#host;
    const { replicas = 1, template } = set.spec;
    try {
      for (let count = pods.length; count < replicas; count++)
        await tellPod(this.#host, set, 'SuccessfulCreate', await api.create(POD, podOf(template, set)));
    } catch (error) {
      if (isKubeError(error, 'Forbidden', 'Invalid', 'NotFound')) {
        const message = `Error creating: ${error.message}`;
        const component = 'replicaset-controller';
        await tell(this.#host, set, { component, type: 'Warning', reason: 'FailedCreate', message });
        return error.message;
      }
      throw error;
    }
    for (const pod of pods.toSorted(leastMissedFirst).slice(0, Math.max(0, pods.length - replicas))) {
      await api.delete(POD, keyOf(pod), { preconditions: { uid: pod.metadata.uid } }).catch(unlessGone);
      await tellPod(this.#host, set, 'SuccessfulDelete', pod);
    }
    return undefined;
  }

  #failureCondition(
    { status }: ReplicaSet,
    message: string | undefined,
  ): { readonly conditions?: readonly WorkloadCondition[] } {
    const others = (status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
    if (message === undefined) return others.length === 0 ? {} : { conditions: others };
    const failed = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message } as const;
    return {
      conditions: withCondition(status?.conditions ?? [], failed, timestamp(this.#host.clock), false),
    };
  }
}

/** Time before Pods are tried again that the server would not have. */
const RETRY_MS = 10_000;

/**
 * Who goes first when there are too many: without a node, pending, not ready, cheaper to delete, ready
 * for less long, younger. Source: kube-controller-manager, ActivePodsWithRanks.
 */
function leastMissedFirst(left: Pod, right: Pod): number {
  const rank = (pod: Pod): readonly (number | string)[] => [
    pod.spec.nodeName === undefined ? 0 : 1,
    pod.status?.phase === 'Running' ? 1 : 0,
    isReady(pod) ? 1 : 0,
    Number(pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0),
  ];
  const [a, b] = [rank(left), rank(right)];
  for (let index = 0; index < a.length; index++)
    if (a[index] !== b[index]) return (a[index] as number) < (b[index] as number) ? -1 : 1;
  const younger = (pod: Pod): string =>
    `${readyCondition(pod)?.lastTransitionTime ?? ''} ${pod.metadata.creationTimestamp}`;
  return younger(left) > younger(right) ? -1 : younger(left) < younger(right) ? 1 : 0;
}
