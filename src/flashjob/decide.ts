import type { Outcome } from '../device/outcome.ts';
import { setCondition } from '../kube/condition.ts';
import { FLASH_JOB_FINALIZER, type FlashJob, type FlashJobStatus } from '../kube/flash-job.ts';
import type { Condition } from '../kube/object.ts';
import { describeCounts, type Tally, type Target, tally, type Verdict } from './tally.ts';

export interface AgentPod {
  readonly phase: 'active' | 'stopping' | 'succeeded' | 'failed';
  /** Order it was made for. */
  readonly order: string;
  /** What Kubernetes says of it, for people; may be empty. */
  readonly message: string;
  /** How long it has been known to have ended; 0 while it runs. */
  readonly endedForMs: number;
}

/** What the decider may look at: the world as it is now. */
export interface FlashJobView {
  readonly job: FlashJob;
  /** Fingerprint of the job's present order (order.ts). */
  readonly order: string;
  /** RFC 3339. */
  readonly now: string;
  /** In the order of the job's list, each id once. */
  readonly targets: readonly Target[];
  /** Ids of the list that are uids of Akri Instances, and the Devices they mean now. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Devices that an unfinished update of this job holds, whatever its order. */
  readonly held: readonly string[];
  readonly pod: AgentPod | undefined;
  readonly hasService: boolean;
}

export type FlashJobAction =
  | { readonly kind: 'add-finalizer' | 'remove-finalizer' }
  | { readonly kind: 'create-pod' | 'delete-pod' | 'create-service' | 'delete-service' }
  /** Ends an update of this job that nobody carries on, so that others may have the device. */
  | {
      readonly kind: 'release';
      readonly device: string;
      readonly outcome: Outcome;
      readonly message: string;
    };

export interface FlashJobEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface FlashJobDecision {
  /** Written before any action is done; absent: stays as it is. */
  readonly status?: FlashJobStatus;
  readonly actions: readonly FlashJobAction[];
  readonly events: readonly FlashJobEvent[];
  /** Look again after this long even if nothing happens. */
  readonly requeueAfterMs?: number;
}

/** Agents that may end without finishing before the job is given up. */
const AGENT_FAILURES_MAX = 6;
/** How long the last outcomes may take to be seen after the agent has ended. */
const AGENT_GRACE_MS = 15_000;

/**
 * Decides the next step of one FlashJob from what is true now.
 *
 * The devices say how they fared (Device.status.update); the job's own status is derived from them, but
 * for two things it remembers: which order it is about, and that it is over. A crash between any two
 * writes repeats a step that is harmless to repeat.
 */
export function decideFlashJob(view: FlashJobView): FlashJobDecision {
  const { job, pod } = view;
  if (job.metadata.deletionTimestamp !== undefined) return decideDeletion(view);
  if (job.metadata.finalizers?.includes(FLASH_JOB_FINALIZER) !== true)
    return { actions: [{ kind: 'add-finalizer' }], events: [] };
  if (pod !== undefined && pod.order !== view.order) return replaceAgent(view);
  if (job.status?.order !== view.order) return begin(view);
  if (job.status.phase === 'Completed' || job.status.phase === 'Failed') return tidyUp(view);
  return advance(view, job.status);
}

function begin(view: FlashJobView): FlashJobDecision {
  const { job, held } = view;
  const found = tally(view.targets, (target) => verdictOf(view, target));
  const status: FlashJobStatus = {
    ...describeProgress(view, found),
    order: view.order,
    phase: 'InProgress',
    startTime: view.now,
    aliases: view.aliases,
    conditions: conditionsOf(view, 'Unknown', 'Progressing', `started on ${found.total} devices`, []),
  };
  const known = new Set(view.targets.map(({ device }) => device));
  const stale = held.filter((device) => !known.has(device));
  return {
    status,
    actions: stale.map((device) => release(device, 'cancelled', 'the job was given another order')),
    events: [normal('Started', `flashes ${job.spec.firmware} on ${found.total} devices`)],
  };
}

function advance(view: FlashJobView, status: FlashJobStatus): FlashJobDecision {
  const { job, pod } = view;
  const found = tally(view.targets, (target) => verdictOf(view, target));
  if (found.pending === 0) return finish(view, status, found);
  const failures = status.agentFailures ?? 0;
  const running = { ...status, ...describeProgress(view, found) };
  const actions: FlashJobAction[] = [];
  if (!view.hasService) actions.push({ kind: 'create-service' });
  if (pod === undefined) {
    actions.push({ kind: 'create-pod' });
    return { status: running, actions, events: [] };
  }
  const ended = pod.phase === 'failed' || (pod.phase === 'succeeded' && pod.endedForMs >= AGENT_GRACE_MS);
  if (!ended) {
    const waits = pod.phase === 'succeeded';
    return { status: running, actions, events: [], ...(waits && { requeueAfterMs: AGENT_GRACE_MS }) };
  }
  const why = pod.message === '' ? `the agent ended with ${found.pending} devices pending` : pod.message;
  const events = [warning('PodFailed', why)];
  if (failures + 1 >= AGENT_FAILURES_MAX) {
    const given = tally(view.targets, (target) => verdictOf(view, target) ?? abandoned(why));
    const over = finish(view, { ...status, agentFailures: failures + 1 }, given);
    return { ...over, events: [...events, ...over.events] };
  }
  return {
    status: { ...running, agentFailures: failures + 1, message: `${running.message}; agent failed: ${why}` },
    actions: [...actions, { kind: 'delete-pod' }],
    events: [...events, normal('AgentRestarted', `attempt ${failures + 2} for ${job.metadata.name}`)],
  };
}

function finish(view: FlashJobView, status: FlashJobStatus, found: Tally): FlashJobDecision {
  const isComplete = found.confirmed === found.total;
  const message = isComplete
    ? `all ${found.total} devices run it, attested and confirmed`
    : `${found.total - found.confirmed} of ${found.total} devices are not confirmed: ${describeCounts(found.counts)}`;
  return {
    status: {
      ...status,
      ...describeProgress(view, found),
      phase: isComplete ? 'Completed' : 'Failed',
      message,
      completionTime: view.now,
      conditions: conditionsOf(
        view,
        isComplete ? 'True' : 'False',
        isComplete ? 'AllConfirmed' : 'DevicesFailed',
        message,
        status.conditions ?? [],
      ),
    },
    actions: [],
    events: [isComplete ? normal('Completed', message) : warning('Failed', message)],
  };
}

/** After the end: an agent that finished badly stays to be read, everything else goes. */
function tidyUp(view: FlashJobView): FlashJobDecision {
  const actions: FlashJobAction[] = view.held.map((device) =>
    release(device, 'interrupted', 'the job ended before the device did'),
  );
  if (view.hasService) actions.push({ kind: 'delete-service' });
  const keepsPod = view.job.status?.phase === 'Failed' && view.pod?.phase !== 'active';
  if (view.pod !== undefined && view.pod.phase !== 'stopping' && !keepsPod)
    // An agent that saw its last outcome written ends by itself; only one that lags behind is ended.
    actions.push({ kind: 'delete-pod' });
  return { actions, events: [] };
}

function decideDeletion(view: FlashJobView): FlashJobDecision {
  const { job, pod, held } = view;
  if (job.metadata.finalizers?.includes(FLASH_JOB_FINALIZER) !== true) return { actions: [], events: [] };
  if (pod?.phase === 'stopping') return { actions: [], events: [], requeueAfterMs: 5_000 };
  if (pod !== undefined) return { actions: [{ kind: 'delete-pod' }], events: [], requeueAfterMs: 5_000 };
  return {
    actions: [
      ...held.map((device) => release(device, 'cancelled', 'the job was deleted')),
      ...(view.hasService ? [{ kind: 'delete-service' } as const] : []),
      { kind: 'remove-finalizer' },
    ],
    events: [],
  };
}

function replaceAgent({ pod }: FlashJobView): FlashJobDecision {
  return {
    actions: pod?.phase === 'stopping' ? [] : [{ kind: 'delete-pod' }],
    events: [],
    requeueAfterMs: 5_000,
  };
}

function verdictOf({ job }: FlashJobView, target: Target): Verdict | undefined {
  const { update, device } = target;
  if (device === undefined)
    return { outcome: 'unknown-device', message: 'no Device and no Akri Instance has this id' };
  if (update?.outcome !== undefined) return { outcome: update.outcome, message: update.message ?? '' };
  if (update === undefined && job.spec.cancelled === true)
    return { outcome: 'cancelled', message: 'the job was cancelled before the device was started' };
  return undefined;
}

const abandoned = (why: string): Verdict => ({ outcome: 'interrupted', message: `the agent failed: ${why}` });

const release = (device: string, outcome: Outcome, message: string): FlashJobAction => ({
  kind: 'release',
  device,
  outcome,
  message,
});

const normal = (reason: string, message: string): FlashJobEvent => ({ type: 'Normal', reason, message });
const warning = (reason: string, message: string): FlashJobEvent => ({ type: 'Warning', reason, message });

function describeProgress({ job, pod }: FlashJobView, found: Tally): FlashJobStatus {
  const halted = job.spec.paused === true ? '; paused: no device is started' : '';
  const podSays = pod?.phase === 'active' && pod.message !== '' ? `; agent: ${pod.message}` : '';
  return {
    ...(job.metadata.generation !== undefined && { observedGeneration: job.metadata.generation }),
    message: `${describeCounts(found.counts)} of ${found.total}${halted}${podSays}`,
    hostEndpoint: found.stations.join(','),
    counts: found.counts,
    completedUUIDs: found.completedUUIDs,
    devices: found.devices,
  };
}

function conditionsOf(
  { job, now }: FlashJobView,
  complete: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  before: readonly Condition[],
): readonly Condition[] {
  const failed = { True: 'False', False: 'True', Unknown: 'Unknown' } as const;
  const about = { reason, message, observedGeneration: job.metadata.generation ?? 0 };
  const once = setCondition(before, { type: 'Complete', status: complete, ...about }, now);
  return setCondition(once, { type: 'Failed', status: failed[complete], ...about }, now);
}
