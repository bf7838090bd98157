import type { Deployment, ReplicaSet, WorkloadCondition } from '../../../src/kube/workloads.ts';
import { type Clock, clockMsOf, timestamp } from '../../../src/time/clock.ts';
import { fences } from './deployment-sizes.ts';
import { withCondition } from './status-write.ts';

type Status = NonNullable<Deployment['status']>;
/** Progress is not judged at all. Source: deployment util, HasProgressDeadline. */
const NO_DEADLINE = 2 ** 31 - 1;

/** What the ReplicaSets of a Deployment add up to, and whether it gets on. Source: deployment progress.go and sync.go (v1.32). */
export function deploymentStatus(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  clock: Clock,
): Status {
  const count = (of: keyof NonNullable<ReplicaSet['status']>, sets = all): number =>
    sets.reduce((total, { status }) => total + Number(status?.[of] ?? 0), 0);
  const available = count('availableReplicas');
  const wantedPods = all.reduce((total, { spec }) => total + (spec.replicas ?? 1), 0);
  const counts = {
    replicas: count('replicas'),
    updatedReplicas: fresh === undefined ? 0 : count('replicas', [fresh]),
    readyReplicas: count('readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wantedPods - available),
  };
  const { collisionCount } = deployment.status ?? {};
  const status: Status = {
    ...Object.fromEntries(Object.entries(counts).filter(([, value]) => value > 0)),
    observedGeneration: deployment.metadata.generation ?? 1,
    ...(collisionCount !== undefined && { collisionCount }),
  };
  const conditions = judged(deployment, status, fresh, all, clock);
  return { ...status, ...(conditions.length > 0 && { conditions }) };
}

/** All of the wanted Pods are of the present template, and available. */
export function isComplete({ spec, metadata }: Deployment, status: Status): boolean {
  const wanted = spec.replicas ?? 1;
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 1)
  );
}

/** Milliseconds until a Deployment that does not get on is said to have failed; undefined when that is not the question. */
export function untilDeadlineMs(deployment: Deployment, status: Status, clock: Clock): number | undefined {
  const { progressDeadlineSeconds = NO_DEADLINE, paused } = deployment.spec;
  const progress = status.conditions?.find(({ type }) => type === 'Progressing');
  if (progressDeadlineSeconds === NO_DEADLINE || paused === true || progress === undefined) return undefined;
  if (progress.status !== 'True' || progress.reason === 'NewReplicaSetAvailable') return undefined;
  const since = clockMsOf(clock, progress.lastUpdateTime ?? progress.lastTransitionTime) ?? clock.nowMs;
  return Math.max(1, since + progressDeadlineSeconds * 1000 - clock.nowMs);
}

function judged(
  deployment: Deployment,
  status: Status,
  fresh: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  clock: Clock,
): readonly WorkloadCondition[] {
  const now = timestamp(clock);
  const wanted = deployment.spec.replicas ?? 1;
  const enough = (status.availableReplicas ?? 0) >= wanted - fences(deployment).unavailable;
  const before = deployment.status?.conditions ?? [];
  let conditions = withCondition(
    before,
    enough
      ? {
          type: 'Available',
          status: 'True',
          reason: 'MinimumReplicasAvailable',
          message: 'Deployment has minimum availability.',
        }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    now,
  );
  const progress = progressOf(deployment, status, fresh, clock);
  if (progress !== undefined) conditions = withCondition(conditions, progress, now);
  if (progress?.reason === 'ReplicaSetUpdated')
    conditions = conditions.map((one) =>
      one.type === 'Progressing' ? { ...one, lastUpdateTime: now } : one,
    );
  const failure = (fresh === undefined ? all : [fresh])
    .flatMap(({ status: of }) => of?.conditions ?? [])
    .find(({ type }) => type === 'ReplicaFailure');
  return failure === undefined
    ? conditions.filter(({ type }) => type !== 'ReplicaFailure')
    : withCondition(conditions, failure, now);
}

type Verdict = Pick<WorkloadCondition, 'type' | 'status' | 'reason' | 'message'>;

/** Undefined: as before. */
function progressOf(
  deployment: Deployment,
  status: Status,
  fresh: ReplicaSet | undefined,
  clock: Clock,
): Verdict | undefined {
  const { progressDeadlineSeconds = NO_DEADLINE, paused = false } = deployment.spec;
  if (progressDeadlineSeconds === NO_DEADLINE) return undefined;
  const before = deployment.status?.conditions?.find(({ type }) => type === 'Progressing');
  const progressing = (state: Verdict['status'], reason: string, message: string): Verdict => ({
    type: 'Progressing',
    status: state,
    reason,
    message,
  });
  if (paused)
    return before?.reason === 'ProgressDeadlineExceeded'
      ? undefined
      : progressing('Unknown', 'DeploymentPaused', 'Deployment is paused');
  if (before?.reason === 'DeploymentPaused')
    return progressing('Unknown', 'DeploymentResumed', 'Deployment is resumed');
  const what =
    fresh === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${fresh.metadata.name}"`;
  if (isComplete(deployment, status))
    return progressing('True', 'NewReplicaSetAvailable', `${what} has successfully progressed.`);
  if (isMoving(deployment.status ?? {}, status))
    return progressing('True', 'ReplicaSetUpdated', `${what} is progressing.`);
  const left =
    before === undefined ? undefined : untilDeadlineMs(deployment, { conditions: [before] }, clock);
  if (before?.status === 'True' && left !== undefined && left <= 1)
    return progressing('False', 'ProgressDeadlineExceeded', `${what} has timed out progressing.`);
  return before === undefined && fresh !== undefined
    ? progressing('True', 'NewReplicaSetCreated', `Created new replica set "${fresh.metadata.name}"`)
    : undefined;
}

function isMoving(before: Status, after: Status): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: Status): number => replicas - updatedReplicas;
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}
