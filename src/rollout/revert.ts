import { setCondition } from '../kube/condition.ts';
import type { FirmwareRolloutStatus } from '../kube/firmware-rollout.ts';
import { batch } from './jobs.ts';
import type { RolloutPlan } from './plan.ts';
import type { RolloutAction, RolloutDecision, RolloutEvent, RolloutJob, RolloutView } from './view.ts';

/**
 * What happens after a rollout was stopped: nothing new is started, and where the policy says so,
 * devices that run the new image are given the old one back.
 *
 * A device that went back by itself is left alone, one that is still in update is looked at when it has
 * its verdict. It ends, for good, when no job is open and no device is left to put back.
 */
export function decideRevert(
  view: RolloutView,
  plan: RolloutPlan,
  status: FirmwareRolloutStatus,
): RolloutDecision {
  const updates = view.jobs.filter(({ purpose }) => purpose === 'update');
  const reverts = view.jobs.filter(({ purpose }) => purpose === 'revert');
  const cancelled = updates
    .filter((job) => !job.isDone && !job.isCancelled)
    .map(({ name }): RolloutAction => ({ kind: 'cancel-job', name }));
  const open = updates.filter(({ isDone }) => !isDone).length;
  if (plan.revertTo === undefined) {
    const message = `stopped: ${whyOf(status)}; devices are left as they are`;
    const ended = abort(view, status, 'Held', message, open === 0);
    return { status: ended, actions: cancelled, events: [] };
  }
  const candidates = candidatesOf(view, updates, reverts);
  const openReverts = reverts.filter(({ isDone }) => !isDone);
  if (open === 0 && openReverts.length === 0 && candidates.length === 0)
    return conclude(view, status, reverts, cancelled);
  const isPaused = view.rollout.spec.paused === true;
  const inRevert = openReverts.reduce((sum, job) => sum + job.devices.length - job.verdicts.size, 0);
  const inUpdate = updates.reduce(
    (sum, job) => sum + (job.isDone ? 0 : job.devices.length - job.verdicts.size),
    0,
  );
  const started = batch(view, plan, {
    purpose: 'revert',
    wave: 0,
    candidates,
    budget: isPaused ? 0 : plan.maxUnavailable - inRevert - inUpdate,
  });
  const done = reverts.reduce((sum, { verdicts }) => sum + verdicts.size, 0);
  const total = reverts.reduce((sum, { devices }) => sum + devices.length, candidates.length);
  const halted = isPaused ? '; spec.paused is true: no device is started' : '';
  const message = `stopped: ${whyOf(status)}; ${done} of ${total} devices put back to ${plan.revertTo}, ${open} jobs still open${halted}`;
  const events: RolloutEvent[] =
    status.phase === 'Reverting'
      ? []
      : [{ type: 'Normal', reason: 'Reverting', message: `puts ${plan.revertTo} back` }];
  return {
    status: {
      ...status,
      phase: 'Reverting',
      message,
      conditions: setCondition(
        status.conditions,
        {
          type: 'Progressing',
          status: isPaused ? 'False' : 'True',
          reason: isPaused ? 'Paused' : 'Reverting',
          message,
        },
        view.now,
      ),
    },
    actions: [...cancelled, ...started.actions],
    events,
  };
}

/** Devices that run what this rollout gave them and have no revert job yet, in rank order. */
function candidatesOf(
  view: RolloutView,
  updates: readonly RolloutJob[],
  reverts: readonly RolloutJob[],
): string[] {
  const settled = new Set<string>();
  for (const job of updates)
    for (const id of job.devices) if (job.isDone || job.verdicts.has(id)) settled.add(id);
  const covered = new Set(reverts.flatMap(({ devices }) => devices));
  return view.devices
    .filter(({ id, runsNew }) => runsNew && settled.has(id) && !covered.has(id))
    .map(({ id }) => id);
}

function conclude(
  view: RolloutView,
  status: FirmwareRolloutStatus,
  reverts: readonly RolloutJob[],
  actions: readonly RolloutAction[],
): RolloutDecision {
  let wanted = 0;
  let confirmed = 0;
  for (const job of reverts) {
    wanted += job.devices.length;
    for (const { outcome } of job.verdicts.values()) if (outcome === 'confirmed') confirmed += 1;
  }
  const isWhole = confirmed === wanted;
  const result = `${confirmed} of ${wanted} devices that ran the new firmware were put back`;
  const message = `stopped: ${whyOf(status)}; ${result}`;
  const ended = abort(view, status, isWhole ? 'Reverted' : 'RevertIncomplete', message, true);
  const reverted = {
    type: 'Reverted',
    status: isWhole ? 'True' : 'False',
    reason: isWhole ? 'AllPutBack' : 'DevicesFailed',
    message: result,
  } as const;
  return {
    status: { ...ended, conditions: setCondition(ended.conditions, reverted, view.now) },
    actions,
    events: [{ type: isWhole ? 'Normal' : 'Warning', reason: 'Reverted', message: result }],
  };
}

function abort(
  view: RolloutView,
  status: FirmwareRolloutStatus,
  reason: string,
  message: string,
  isOver: boolean,
): FirmwareRolloutStatus {
  return {
    ...status,
    phase: 'Aborted',
    message,
    ...(isOver && { completionTime: view.now }),
    conditions: setCondition(
      status.conditions,
      { type: 'Progressing', status: 'False', reason, message },
      view.now,
    ),
  };
}

function whyOf(status: FirmwareRolloutStatus): string {
  return status.conditions?.find(({ type }) => type === 'Aborted')?.message ?? 'unknown reason';
}
