import type { CountOrShare, Deployment, ReplicaSet } from '../../../src/kube/workloads.ts';

/*
 * How many Pods each ReplicaSet of a Deployment should have next: pure arithmetic on what is true now.
 * Source: kube-controller-manager, pkg/controller/deployment rolling.go, sync.go and util (v1.32).
 */

export const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
export const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** New sizes by the ReplicaSet's name; those that keep theirs are left out. */
export type Sizes = ReadonlyMap<string, number>;

export function resolveShare(value: CountOrShare | undefined, of: number, roundUp: boolean): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return value;
  const exact = (Number(value.slice(0, -1)) * of) / 100;
  return roundUp ? Math.ceil(exact) : Math.floor(exact);
}

/** Pods over and under the wanted number while a template is replaced; never both zero. */
export function fences({ spec }: Deployment): { readonly surge: number; readonly unavailable: number } {
  if (spec.strategy?.type === 'Recreate') return { surge: 0, unavailable: 0 };
  const { maxSurge, maxUnavailable } = spec.strategy?.rollingUpdate ?? {};
  const wanted = spec.replicas ?? 1;
  const surge = resolveShare(maxSurge, wanted, true);
  const unavailable = Math.min(wanted, resolveShare(maxUnavailable, wanted, false));
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

export const sizeOf = ({ spec }: ReplicaSet): number => spec.replicas ?? 1;
const availableOf = ({ status }: ReplicaSet): number => status?.availableReplicas ?? 0;
const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number =>
  sets.reduce((total, set) => total + of(set), 0);

/** One step of a rolling update: the new set grows into the room that there is, then old ones shrink. */
export function rollingSizes(deployment: Deployment, fresh: ReplicaSet, old: readonly ReplicaSet[]): Sizes {
  const wanted = deployment.spec.replicas ?? 1;
  const { surge, unavailable } = fences(deployment);
  const size = sizeOf(fresh);
  const total = size + sum(old, sizeOf);
  if (size > wanted) return new Map([[fresh.metadata.name, wanted]]);
  const room = Math.min(wanted + surge - total, wanted - size);
  if (room > 0) return new Map([[fresh.metadata.name, size + room]]);
  return shrunken(fresh, old, wanted - unavailable);
}

function shrunken(fresh: ReplicaSet, old: readonly ReplicaSet[], minAvailable: number): Sizes {
  const total = sizeOf(fresh) + sum(old, sizeOf);
  let spare = total - minAvailable - (sizeOf(fresh) - availableOf(fresh));
  const sizes = new Map<string, number>();
  if (spare <= 0) return sizes;
  // What does not work goes first: it takes up room and serves nobody.
  for (const set of old) {
    const unhealthy = Math.min(spare, Math.max(0, sizeOf(set) - availableOf(set)));
    if (unhealthy === 0) continue;
    sizes.set(set.metadata.name, sizeOf(set) - unhealthy);
    spare -= unhealthy;
  }
  let surplus = availableOf(fresh) + sum(old, availableOf) - minAvailable;
  for (const set of old) {
    if (surplus <= 0) break;
    const size = sizes.get(set.metadata.name) ?? sizeOf(set);
    const fewer = Math.min(size, surplus);
    if (fewer > 0) sizes.set(set.metadata.name, size - fewer);
    surplus -= fewer;
  }
  return sizes;
}

/** True when somebody changed the wanted number since the sets were last sized. */
export function isRescaled(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  const wanted = String(deployment.spec.replicas ?? 1);
  return sets.some(({ metadata: { annotations = {} }, spec }) => {
    const desired = annotations[DESIRED_REPLICAS];
    return (spec.replicas ?? 1) > 0 && desired !== undefined && desired !== wanted;
  });
}

/** Sizes for another wanted number: one active set takes it all, several share it in proportion. */
export function rescaledSizes(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Sizes {
  const wanted = deployment.spec.replicas ?? 1;
  const all = [...(fresh === undefined ? [] : [fresh]), ...old];
  const active = all.filter((set) => sizeOf(set) > 0);
  if (active.length <= 1) {
    const only = active[0] ?? fresh ?? old.at(-1);
    return only === undefined || sizeOf(only) === wanted
      ? new Map()
      : new Map([[only.metadata.name, wanted]]);
  }
  if (fresh !== undefined && sizeOf(fresh) === wanted && availableOf(fresh) === wanted)
    return new Map(old.filter((set) => sizeOf(set) > 0).map((set) => [set.metadata.name, 0]));
  if (deployment.spec.strategy?.type === 'Recreate') return new Map();
  return shares(deployment, active, wanted);
}

function shares(deployment: Deployment, active: readonly ReplicaSet[], wanted: number): Sizes {
  const allowed = wanted === 0 ? 0 : wanted + fences(deployment).surge;
  const change = allowed - sum(active, sizeOf);
  const younger = (a: ReplicaSet, b: ReplicaSet): number =>
    a.metadata.creationTimestamp < b.metadata.creationTimestamp ? 1 : -1;
  const sorted = active.toSorted(
    (a, b) => sizeOf(b) - sizeOf(a) || (change > 0 ? younger(a, b) : younger(b, a)),
  );
  const sizes = new Map<string, number>();
  let left = change;
  for (const set of sorted) {
    const before = Number(set.metadata.annotations?.[MAX_REPLICAS] ?? deployment.status?.replicas ?? 1);
    const share = Math.round((sizeOf(set) * allowed) / Math.max(1, before)) - sizeOf(set);
    const step = wanted === 0 ? -sizeOf(set) : change > 0 ? Math.min(share, left) : Math.max(share, left);
    sizes.set(set.metadata.name, sizeOf(set) + step);
    left -= step;
  }
  const first = sorted[0] as ReplicaSet;
  if (left !== 0) sizes.set(first.metadata.name, Math.max(0, (sizes.get(first.metadata.name) ?? 0) + left));
  return sizes;
}
