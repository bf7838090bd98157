import { NODE, type Node, POD, type Pod, type Toleration } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { keyOf } from '../../../src/kube/object.ts';
import {
  CONTROLLER_REVISION,
  type ControllerRevision,
  DAEMON_SET,
  type DaemonSet,
} from '../../../src/kube/workloads.ts';
import { equalJson } from '../stored-object.ts';
import { resolveShare } from './deployment-sizes.ts';
import { isWanted, untolerated } from './node-fit.ts';
import { claim, controlledBy, unlessGone } from './owner.ts';
import { hasEnded, isReady, podOf, soonest, untilAvailableMs } from './pod-state.ts';
import type { ControllerHost, Reconciler } from './reconcile-loop.ts';
import { writeStatus } from './status-write.ts';
import { templateHash } from './template-hash.ts';
import { tellPod } from './told-event.ts';

const HASH_LABEL = 'controller-revision-hash';

/** What every Pod of a DaemonSet bears. Source: pkg/controller/daemon/util, AddOrUpdateDaemonPodTolerations (v1.32). */
const TOLERATIONS: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];

/** Stands in for the DaemonSet controller: one Pod on every node that fits. Source: pkg/controller/daemon (v1.32). */
export class DaemonSetController implements Reconciler<DaemonSet> {
  readonly kind = DAEMON_SET;
  readonly owned = [POD];
  readonly adopts = true;
  readonly around = [NODE];
  readonly #host: ControllerHost;

  constructor(host: ControllerHost) {
    this.#host = host;
  }

  async reconcile(set: DaemonSet): Promise<number | undefined> {
    const { api } = this.#host;
    const pods = await claim(api, set, set.spec.selector, POD);
    const { items: nodes } = await api.list(NODE);
    const hash = await this.#revision(set);
    if (set.metadata.deletionTimestamp === undefined) {
      for (const node of nodes) await this.#settle(set, node, podsOn(pods, node), hash);
      for (const pod of pods)
        if (!nodes.some(({ metadata: { name } }) => name === nodeOf(pod))) await this.#delete(pod);
      await this.#roll(set, nodes, pods, hash);
    }
    return this.#report(set, nodes, pods, hash);
  }

  /** One living Pod where one is wanted, none elsewhere; what failed makes room for another. */
  async #settle(set: DaemonSet, node: Node, pods: readonly Pod[], hash: string): Promise<void> {
    const failed = pods.filter((pod) => hasEnded(pod) && pod.metadata.deletionTimestamp === undefined);
    const living = pods.filter((pod) => !hasEnded(pod));
    for (const pod of failed) await this.#delete(pod);
    if (!shouldContinue(set, node)) for (const pod of living) await this.#delete(pod);
    else if (living.length === 0 && failed.length === 0 && shouldRun(set, node))
      await this.#create(set, node, hash);
  }

  /** Replaces Pods of former templates, no more at a time than the strategy allows. */
  async #roll(set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[], hash: string): Promise<void> {
    const { type, rollingUpdate = {} } = set.spec.updateStrategy ?? {};
    if (type === 'OnDelete') return;
    const wanted = nodes.filter((node) => shouldRun(set, node));
    const surge = resolveShare(rollingUpdate.maxSurge, wanted.length, true);
    const places = wanted.map((node) => {
      const living = podsOn(pods, node).filter((pod) => !hasEnded(pod));
      const isNew = (pod: Pod): boolean => pod.metadata.labels?.[HASH_LABEL] === hash;
      const isUsable = (pod: Pod): boolean =>
        pod.metadata.deletionTimestamp === undefined && this.#isAvailable(set, pod);
      const [fresh, old] = [living.filter(isNew), living.filter((pod) => !isNew(pod))];
      return { node, fresh, old, freshWorks: fresh.some(isUsable), oldWorks: old.some(isUsable) };
    });
    if (surge > 0) {
      let room = surge - places.filter(({ fresh, old }) => fresh.length > 0 && old.length > 0).length;
      for (const { node, fresh, old, freshWorks, oldWorks } of places) {
        if (old.length === 0) continue;
        if (freshWorks || (!oldWorks && fresh.length === 0)) for (const pod of old) await this.#delete(pod);
        else if (fresh.length === 0 && room-- > 0) await this.#create(set, node, hash);
      }
      return;
    }
    let room = resolveShare(rollingUpdate.maxUnavailable ?? 1, wanted.length, true);
    for (const { freshWorks, oldWorks } of places) if (!freshWorks && !oldWorks) room--;
    for (const { old, oldWorks } of places)
      for (const pod of old)
        if (pod.metadata.deletionTimestamp === undefined && (!oldWorks || room-- > 0))
          await this.#delete(pod);
  }

  #isAvailable({ spec }: DaemonSet, pod: Pod): boolean {
    return untilAvailableMs(pod, spec.minReadySeconds ?? 0, this.#host.clock) === 0;
  }

  async #report(
    set: DaemonSet,
    nodes: readonly Node[],
    pods: readonly Pod[],
    hash: string,
  ): Promise<number | undefined> {
    const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
    const waits: (number | undefined)[] = [];
    for (const node of nodes) {
      const [pod] = podsOn(pods, node).toSorted((a, b) => Number(isReady(b)) - Number(isReady(a)));
      if (!shouldRun(set, node)) {
        if (pod !== undefined) counts.misscheduled++;
        continue;
      }
      counts.desired++;
      if (pod === undefined) continue;
      counts.current++;
      if (isReady(pod)) counts.ready++;
      if (this.#isAvailable(set, pod)) counts.available++;
      else waits.push(untilAvailableMs(pod, set.spec.minReadySeconds ?? 0, this.#host.clock));
      if (pod.metadata.labels?.[HASH_LABEL] === hash) counts.updated++;
    }
    const { desired, current, misscheduled, ready, available, updated } = counts;
    await writeStatus(this.#host.api, DAEMON_SET, set, {
      currentNumberScheduled: current,
      desiredNumberScheduled: desired,
      numberMisscheduled: misscheduled,
      numberReady: ready,
      ...(available > 0 && { numberAvailable: available }),
      ...(desired > available && { numberUnavailable: desired - available }),
      ...(updated > 0 && { updatedNumberScheduled: updated }),
      observedGeneration: set.metadata.generation ?? 1,
    });
    return soonest(waits);
  }

  async #create(set: DaemonSet, node: Node, hash: string): Promise<void> {
    const pod = podOf(set.spec.template, set, {
      [HASH_LABEL]: hash,
      'pod-template-generation': generationOf(set),
    });
    const created = await this.#host.api.create(POD, { ...pod, spec: specFor(set, node) });
    await tellPod(this.#host, set, 'SuccessfulCreate', created);
  }

  async #delete(pod: Pod): Promise<void> {
    if (pod.metadata.deletionTimestamp !== undefined) return;
    const preconditions = { uid: pod.metadata.uid };
    await this.#host.api.delete(POD, keyOf(pod), { preconditions }).catch(unlessGone);
  }

  /** The hash of the present template, kept with it so that `kubectl rollout undo` can go back. */
  async #revision(set: DaemonSet): Promise<string> {
    const { api } = this.#host;
    const kept = (await claim(api, set, set.spec.selector, CONTROLLER_REVISION)).toSorted(
      (a, b) => a.revision - b.revision,
    );
    const { template } = set.spec;
    const data = { spec: { template: { ...template, $patch: 'replace' } } };
    const found = kept.find((one) => equalJson(one.data, data));
    const newest = kept.at(-1)?.revision ?? 0;
    const hash = found?.metadata.labels?.[HASH_LABEL] ?? templateHash(template);
    if (found === undefined) await this.#keep(set, hash, newest + 1, data);
    else if (found.revision < newest) {
      const body = { revision: newest + 1 };
      await api.patch(CONTROLLER_REVISION, keyOf(found), { type: 'merge', body });
    }
    const surplus = kept
      .filter((one) => one !== found)
      .slice(0, -(set.spec.revisionHistoryLimit ?? 10) || undefined);
    for (const one of surplus) await api.delete(CONTROLLER_REVISION, keyOf(one)).catch(unlessGone);
    return hash;
  }

  async #keep(set: DaemonSet, hash: string, revision: number, data: unknown): Promise<void> {
    const { namespace = '', name } = set.metadata;
    const labels = { ...set.spec.template.metadata?.labels, [HASH_LABEL]: hash };
    const kept = {
      apiVersion: CONTROLLER_REVISION.apiVersion,
      kind: CONTROLLER_REVISION.kind,
      metadata: { namespace, name: `${name}-${hash}`, labels, ownerReferences: [controlledBy(set)] },
      data,
      revision,
    };
    try {
      await this.#host.api.create<ControllerRevision>(CONTROLLER_REVISION, kept);
    } catch (error) {
      if (!isKubeError(error, 'AlreadyExists')) throw error;
    }
  }
}

function generationOf({ metadata }: DaemonSet): string {
  return (
    metadata.annotations?.['deprecated.daemonset.template.generation'] ?? String(metadata.generation ?? 1)
  );
}

/** The template's spec, bound to one node by name, as the scheduler is told. */
function specFor(
  { spec: { template } }: DaemonSet,
  { metadata: { name } }: Pick<Node, 'metadata'>,
): Pod['spec'] {
  const { affinity, tolerations = [], ...spec } = template.spec;
  const matchFields = [{ key: 'metadata.name', operator: 'In' as const, values: [name] }];
  return {
    ...spec,
    affinity: {
      ...affinity,
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
      },
    },
    tolerations: [
      ...tolerations,
      ...TOLERATIONS.filter((one) => !tolerations.some((given) => equalJson(given, one))),
    ],
  };
}

function borne(set: DaemonSet): Pick<Pod, 'spec'> {
  const { tolerations = [] } = set.spec.template.spec;
  return { spec: { ...set.spec.template.spec, tolerations: [...tolerations, ...TOLERATIONS] } };
}

/** A node that is wanted, and has no taint that keeps new Pods away. */
function shouldRun(set: DaemonSet, node: Node): boolean {
  return isWanted(set.spec.template, node) && untolerated(borne(set), node).length === 0;
}

/** A Pod that is there stays until it is not wanted any more, or not borne. */
function shouldContinue(set: DaemonSet, node: Node): boolean {
  return (
    isWanted(set.spec.template, node) &&
    untolerated(borne(set), node).every(({ effect }) => effect !== 'NoExecute')
  );
}

function podsOn(pods: readonly Pod[], { metadata: { name } }: Node): readonly Pod[] {
  return pods.filter((pod) => nodeOf(pod) === name);
}

/** Where a Pod is, or is meant to be. */
function nodeOf({ spec }: Pod): string | undefined {
  if (spec.nodeName !== undefined && spec.nodeName !== '') return spec.nodeName;
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === 'metadata.name')
    ?.values?.[0];
}
