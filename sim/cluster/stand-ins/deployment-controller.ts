import { POD } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { keyOf } from '../../../src/kube/object.ts';
import { DEPLOYMENT, type Deployment, REPLICA_SET, type ReplicaSet } from '../../../src/kube/workloads.ts';
import { fitsSelector } from '../label-selector.ts';
import {
  DESIRED_REPLICAS,
  fences,
  isRescaled,
  MAX_REPLICAS,
  rescaledSizes,
  rollingSizes,
  type Sizes,
  sizeOf,
} from './deployment-sizes.ts';
import { deploymentStatus, isComplete, untilDeadlineMs } from './deployment-status.ts';
import { claim, controlledBy, unlessGone } from './owner.ts';
import { hasEnded } from './pod-state.ts';
import type { ControllerHost, Reconciler } from './reconcile-loop.ts';
import { writeStatus } from './status-write.ts';
import { HASH_LABEL, sameTemplate, templateHash } from './template-hash.ts';
import { tell } from './told-event.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
/** Of a Deployment's annotations, those that are not about its template. */
const OWN_ANNOTATIONS: readonly string[] = [
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
];

/** Stands in for the Deployment controller. Source: kube-controller-manager, pkg/controller/deployment (v1.32). */
export class DeploymentController implements Reconciler<Deployment> {
  readonly kind = DEPLOYMENT;
  readonly owned = [REPLICA_SET];
  readonly adopts = true;
  readonly #host: ControllerHost;

  constructor(host: ControllerHost) {
    this.#host = host;
  }

  async reconcile(deployment: Deployment): Promise<number | undefined> {
    const { api, clock } = this.#host;
    const sets = (await claim(api, deployment, deployment.spec.selector, REPLICA_SET)).toSorted(olderFirst);
    let fresh = sets.find(({ spec }) => sameTemplate(spec.template, deployment.spec.template));
    const old = sets.filter((set) => set !== fresh);
    let waits = false;
    if (deployment.metadata.deletionTimestamp === undefined) {
      if (deployment.spec.paused === true || isRescaled(deployment, sets)) {
        await this.#resize(deployment, sets, rescaledSizes(deployment, fresh, old));
      } else if (await this.#mayHaveNew(deployment, old)) {
        fresh = await this.#newest(deployment, fresh, old);
        if (fresh === undefined) return 0;
        await this.#resize(deployment, [fresh, ...old], rollingSizes(deployment, fresh, old));
      } else {
        await this.#resize(deployment, old, new Map(old.map(({ metadata: { name } }) => [name, 0])));
        waits = true;
      }
    }
    const all = [...(fresh === undefined ? [] : [fresh]), ...old];
    const status = deploymentStatus(deployment, fresh, all, clock);
    await this.#writeStatus(deployment, status, fresh);
    if (isComplete(deployment, status)) await this.#forget(deployment, old);
    return waits ? POLL_MS : untilDeadlineMs(deployment, status, clock);
  }

  /** Recreate: not before every Pod of the old ones is gone. */
  async #mayHaveNew(deployment: Deployment, old: readonly ReplicaSet[]): Promise<boolean> {
    if (deployment.spec.strategy?.type !== 'Recreate') return true;
    if (old.some((set) => sizeOf(set) > 0)) return false;
    const { namespace = '' } = deployment.metadata;
    const { items } = await this.#host.api.list(POD, { namespace });
    return !items.some(
      (pod) => !hasEnded(pod) && old.some(({ spec }) => fitsSelector(spec.selector, pod.metadata.labels)),
    );
  }

  /** The ReplicaSet of the present template, its annotations up to date; undefined when its name was taken. */
  async #newest(
    deployment: Deployment,
    existing: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
  ): Promise<ReplicaSet | undefined> {
    const { api } = this.#host;
    const revision = Math.max(0, ...old.map(revisionOf)) + 1;
    if (existing !== undefined) {
      const annotations = { ...copied(deployment), ...this.#sizeAnnotations(deployment) };
      const before = revisionOf(existing);
      if (before < revision) {
        annotations[REVISION] = String(revision);
        const history = existing.metadata.annotations?.[REVISION_HISTORY];
        if (before > 0)
          annotations[REVISION_HISTORY] = history === undefined ? String(before) : `${history},${before}`;
      }
      return this.#change(existing, annotations, {
        minReadySeconds: deployment.spec.minReadySeconds ?? null,
      });
    }
    const { namespace = '', name } = deployment.metadata;
    const hash = templateHash(deployment.spec.template, deployment.status?.collisionCount);
    const labels = { ...deployment.spec.template.metadata?.labels, [HASH_LABEL]: hash };
    const { selector, template, minReadySeconds } = deployment.spec;
    try {
      const created = await api.create(REPLICA_SET, {
        apiVersion: REPLICA_SET.apiVersion,
        kind: REPLICA_SET.kind,
        metadata: {
          namespace,
          name: `${name}-${hash}`,
          labels,
          annotations: {
            ...copied(deployment),
            ...this.#sizeAnnotations(deployment),
            [REVISION]: String(revision),
          },
          ownerReferences: [controlledBy(deployment)],
        },
        spec: {
          replicas: this.#firstSize(deployment, old),
          ...(minReadySeconds !== undefined && { minReadySeconds }),
          selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
          template: { ...template, metadata: { ...template.metadata, labels } },
        },
      });
      if (sizeOf(created) > 0) await this.#tellScaled(deployment, created, 0, sizeOf(created));
      return created;
    } catch (error) {
      if (!isKubeError(error, 'AlreadyExists')) throw error;
      const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
      await writeStatus(api, DEPLOYMENT, deployment, { ...deployment.status, collisionCount });
      return undefined;
    }
  }

  #firstSize(deployment: Deployment, old: readonly ReplicaSet[]): number {
    const wanted = deployment.spec.replicas ?? 1;
    const total = old.reduce((sum, set) => sum + sizeOf(set), 0);
    return Math.max(0, Math.min(wanted, wanted + fences(deployment).surge - total));
  }

  #sizeAnnotations(deployment: Deployment): Record<string, string> {
    const wanted = deployment.spec.replicas ?? 1;
    return {
      [DESIRED_REPLICAS]: String(wanted),
      [MAX_REPLICAS]: String(wanted + fences(deployment).surge),
    };
  }

  async #resize(deployment: Deployment, sets: readonly ReplicaSet[], sizes: Sizes): Promise<void> {
    const annotations = this.#sizeAnnotations(deployment);
    for (const set of sets) {
      const replicas = sizes.get(set.metadata.name) ?? sizeOf(set);
      if (replicas === 0 && sizeOf(set) === 0) continue;
      await this.#change(set, annotations, { replicas });
      if (replicas !== sizeOf(set)) await this.#tellScaled(deployment, set, sizeOf(set), replicas);
    }
  }

  #tellScaled(deployment: Deployment, { metadata }: ReplicaSet, from: number, to: number): Promise<void> {
    return tell(this.#host, deployment, {
      component: 'deployment-controller',
      type: 'Normal',
      reason: 'ScalingReplicaSet',
      message: `Scaled ${to > from ? 'up' : 'down'} replica set ${metadata.name} from ${from} to ${to}`,
    });
  }

  async #change(
    set: ReplicaSet,
    annotations: Readonly<Record<string, string>>,
    spec: Readonly<Record<string, number | null>>,
  ): Promise<ReplicaSet> {
    const before = set.metadata.annotations ?? {};
    const same =
      Object.entries(annotations).every(([name, value]) => before[name] === value) &&
      Object.entries(spec).every(([name, value]) => (set.spec[name as 'replicas'] ?? null) === value);
    if (same) return set;
    const body = { metadata: { uid: set.metadata.uid, annotations }, spec };
    return this.#host.api.patch(REPLICA_SET, keyOf(set), { type: 'merge', body });
  }

  /** The revision is an annotation, but written with the status: it is the controller's word, not the user's. */
  async #writeStatus(
    deployment: Deployment,
    status: NonNullable<Deployment['status']>,
    fresh: ReplicaSet | undefined,
  ): Promise<void> {
    const { api } = this.#host;
    const revision = fresh?.metadata.annotations?.[REVISION];
    if (revision !== undefined && deployment.metadata.annotations?.[REVISION] !== revision) {
      const body = { metadata: { uid: deployment.metadata.uid, annotations: { [REVISION]: revision } } };
      await api.patch(DEPLOYMENT, keyOf(deployment), { type: 'merge', body }, { subresource: 'status' });
    }
    await writeStatus(api, DEPLOYMENT, deployment, status);
  }

  /** Deletes the oldest of more former templates than are to be kept. */
  async #forget({ spec }: Deployment, old: readonly ReplicaSet[]): Promise<void> {
    const idle = old.filter(
      (set) =>
        sizeOf(set) === 0 &&
        (set.status?.replicas ?? 0) === 0 &&
        set.metadata.deletionTimestamp === undefined,
    );
    const surplus = Math.max(0, idle.length - (spec.revisionHistoryLimit ?? 10));
    for (const set of idle.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, surplus))
      await this.#host.api.delete(REPLICA_SET, keyOf(set)).catch(unlessGone);
  }
}

/** The end of a Pod that is being deleted changes no ReplicaSet; a look now and then finds it gone. */
const POLL_MS = 1000;

function olderFirst(left: ReplicaSet, right: ReplicaSet): number {
  const [a, b] = [left, right].map(({ metadata }) => `${metadata.creationTimestamp} ${metadata.name}`);
  return (a as string) < (b as string) ? -1 : 1;
}

function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[REVISION] ?? 0);
}

function copied({ metadata }: Deployment): Record<string, string> {
  const given = Object.entries(metadata.annotations ?? {});
  return Object.fromEntries(given.filter(([name]) => !OWN_ANNOTATIONS.includes(name)));
}
