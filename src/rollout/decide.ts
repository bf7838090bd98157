import { findCondition, setCondition } from '../kube/condition.ts';
import type { FirmwareRolloutStatus, RolloutPhase, WaveStatus } from '../kube/firmware-rollout.ts';
import type { Condition } from '../kube/object.ts';
import { type Census, takeCensus, type WaveCensus } from './census.ts';
import { type GateVerdict, judgeGate } from './gate.ts';
import { batch } from './jobs.ts';
import { planRollout, type RolloutPlan } from './plan.ts';
import { decideRevert } from './revert.ts';
import type { RolloutAction, RolloutDecision, RolloutEvent, RolloutView } from './view.ts';

/**
 * Decides the next step of one rollout from what is true now.
 *
 * The jobs say what was started and how it ended; the rollout remembers only how far its gates let it come
 * (`wave`), since when a wave is settled, and that it was stopped. The status is written before the
 * actions are done, so a crash in between repeats actions whose names make them happen once.
 */
export function decideRollout(view: RolloutView): RolloutDecision {
  const { rollout } = view;
  const before = rollout.status ?? {};
  const isOver = before.phase === 'Completed' || before.phase === 'Aborted';
  if (isOver && before.completionTime !== undefined) return { status: before, actions: [], events: [] };
  const existing = view.devices.filter(({ existed }) => existed).length;
  const planned = planRollout(rollout.spec, existing);
  if (!planned.ok) return halt(view, before, 'Paused', 'InvalidSpec', planned.message);
  if (before.startTime === undefined) return begin(view, planned.plan, existing);
  const { firmware } = before;
  if (firmware !== undefined && firmware.reference !== rollout.spec.firmware)
    return halt(view, before, 'Paused', 'SpecChanged', changedFirmware(firmware.reference));
  const census = takeCensus(view.devices, view.jobs, planned.plan.percents);
  if (findCondition(before.conditions, 'Aborted')?.status === 'True')
    return decideRevert(view, planned.plan, withCensus(before, census));
  return advance(view, planned.plan, census, before);
}

function begin(view: RolloutView, plan: RolloutPlan, existing: number): RolloutDecision {
  const before = view.rollout.status ?? {};
  if (existing === 0)
    return halt(view, before, 'Progressing', 'NoDevices', 'no device matches the selector; waits for one');
  if ('problem' in view.pins)
    return halt(view, before, 'Progressing', 'FirmwareUnresolved', view.pins.problem);
  const message = `starts with ${existing} devices in ${plan.percents.length} waves`;
  const status: FirmwareRolloutStatus = {
    ...before,
    ...observed(view),
    ...view.pins,
    phase: 'Progressing',
    message,
    startTime: view.now,
    wave: 0,
    conditions: progressing(view, before.conditions, 'True', 'Started', message),
  };
  return { status, actions: [], events: [{ type: 'Normal', reason: 'Started', message }] };
}

function advance(
  view: RolloutView,
  plan: RolloutPlan,
  census: Census,
  before: FirmwareRolloutStatus,
): RolloutDecision {
  if (census.failed >= plan.maxFailures) {
    const why = `${census.failed} devices failed, ${plan.maxFailures} stop the rollout`;
    return stop(view, plan, withCensus(before, census), 'TooManyFailures', why);
  }
  const isPaused = view.rollout.spec.paused === true;
  const events: RolloutEvent[] = [];
  const last = plan.percents.length - 1;
  let wave = Math.min(before.wave ?? 0, last);
  let settledAt = before.waves?.[wave]?.settledAt;
  let verdict: GateVerdict;
  for (;;) {
    const count = census.waves[wave] ?? EMPTY;
    settledAt = count.pending > 0 ? undefined : (settledAt ?? view.now);
    verdict = judge(view, plan, wave, count, settledAt);
    if (verdict.state !== 'Passed' || isPaused) break;
    events.push({ type: 'Normal', reason: 'GatePassed', message: `wave ${wave + 1}: ${verdict.message}` });
    if (wave === last) break;
    wave += 1;
    settledAt = undefined;
  }
  const status: FirmwareRolloutStatus = {
    ...before,
    ...observed(view),
    ...withCensus(before, census),
    wave,
    waves: describeWaves(plan, census, before, wave, verdict, settledAt),
  };
  if (verdict.state === 'Failed')
    return stop(view, plan, status, 'GateFailed', `wave ${wave + 1}: ${verdict.message}`);
  if (isPaused) return pause(view, status);
  if (verdict.state === 'Passed') return complete(view, census, status, events);
  return work(view, plan, census, status, { wave, verdict, events });
}

/** The wave in work: resumes what was paused and starts what the budget allows. */
function work(
  view: RolloutView,
  plan: RolloutPlan,
  census: Census,
  status: FirmwareRolloutStatus,
  at: { readonly wave: number; readonly verdict: GateVerdict; readonly events: readonly RolloutEvent[] },
): RolloutDecision {
  const { wave, verdict, events } = at;
  const resumed = view.jobs
    .filter((job) => job.isPaused && !job.isDone)
    .map(({ name }): RolloutAction => ({ kind: 'resume-job', name }));
  const started = batch(view, plan, {
    purpose: 'update',
    wave,
    candidates: census.waves[wave]?.unstarted ?? [],
    budget: plan.maxUnavailable - census.inUpdate,
  });
  const place = `wave ${wave + 1} of ${plan.percents.length}`;
  const waits =
    started.left > 0 ? `; ${started.left} devices wait for maxUnavailable ${plan.maxUnavailable}` : '';
  const message = `${place}: ${verdict.message}${waits}`;
  const [state, reason] =
    verdict.state === 'Starved'
      ? (['False', 'TooFewSamples'] as const)
      : ([
          'True',
          verdict.state === 'Baking' ? 'Baking' : waits === '' ? 'WaveInProgress' : 'BudgetReached',
        ] as const);
  return {
    status: {
      ...status,
      phase: 'Progressing',
      message,
      conditions: progressing(view, status.conditions, state, reason, message),
    },
    actions: [...resumed, ...started.actions],
    events,
    ...(verdict.againAfterMs !== undefined && { requeueAfterMs: verdict.againAfterMs }),
  };
}

function stop(
  view: RolloutView,
  plan: RolloutPlan,
  status: FirmwareRolloutStatus,
  reason: string,
  why: string,
): RolloutDecision {
  const about = { reason, message: why, ...observed(view) };
  const waves = status.waves?.map(
    (wave, index): WaveStatus => (index === (status.wave ?? 0) ? { ...wave, gate: 'Failed' } : wave),
  );
  const stopped = {
    ...status,
    ...(waves && { waves }),
    conditions: setCondition(status.conditions, { type: 'Aborted', status: 'True', ...about }, view.now),
  };
  const next = decideRevert(view, plan, stopped);
  return { ...next, events: [{ type: 'Warning', reason: 'Aborted', message: why }, ...next.events] };
}

function complete(
  view: RolloutView,
  census: Census,
  status: FirmwareRolloutStatus,
  events: readonly RolloutEvent[],
): RolloutDecision {
  const message = `${census.counts.confirmed ?? 0} of ${view.devices.length} devices run it, attested and confirmed`;
  const about = { reason: 'AllGatesPassed', message, ...observed(view) };
  const ended = progressing(view, status.conditions, 'False', 'Completed', message);
  return {
    status: {
      ...status,
      phase: 'Completed',
      message,
      completionTime: view.now,
      conditions: setCondition(ended, { type: 'Completed', status: 'True', ...about }, view.now),
    },
    actions: [],
    events: [...events, { type: 'Normal', reason: 'Completed', message }],
  };
}

function pause(view: RolloutView, status: FirmwareRolloutStatus): RolloutDecision {
  const actions = view.jobs
    .filter((job) => !job.isDone && !job.isPaused)
    .map(({ name }): RolloutAction => ({ kind: 'pause-job', name }));
  return { ...halt(view, status, 'Paused', 'Paused', 'spec.paused is true: no device is started'), actions };
}

function halt(
  view: RolloutView,
  status: FirmwareRolloutStatus,
  phase: RolloutPhase,
  reason: string,
  message: string,
): RolloutDecision {
  const conditions = progressing(view, status.conditions, 'False', reason, message);
  return { status: { ...status, ...observed(view), phase, message, conditions }, actions: [], events: [] };
}

function judge(
  { nowMs, msOf }: RolloutView,
  plan: RolloutPlan,
  wave: number,
  count: WaveCensus,
  settledAt: string | undefined,
): GateVerdict {
  const rule = plan.gates[wave];
  if (rule === undefined) return { state: 'Passed', message: 'no such wave' };
  const settledMs = settledAt === undefined ? undefined : msOf(settledAt);
  // A timestamp is cut to the second: a second more makes sure that the whole bake time has passed.
  const bakeTimeMs = rule.bakeTimeMs === 0 ? 0 : rule.bakeTimeMs + 1000;
  const settledForMs = settledMs === undefined ? undefined : Math.max(0, nowMs - settledMs);
  return judgeGate({ ...rule, bakeTimeMs }, { ...count, settledForMs });
}

const GATE = { Open: 'Open', Starved: 'Open', Baking: 'Baking', Passed: 'Passed', Failed: 'Failed' } as const;
const EMPTY: WaveCensus = { devices: 0, confirmed: 0, failed: 0, excluded: 0, pending: 0, unstarted: [] };

function describeWaves(
  plan: RolloutPlan,
  census: Census,
  before: FirmwareRolloutStatus,
  current: number,
  verdict: GateVerdict,
  settledAt: string | undefined,
): WaveStatus[] {
  return plan.percents.map((percent, index) => {
    const since = index === current ? settledAt : before.waves?.[index]?.settledAt;
    return {
      percent,
      ...numbersOf(census.waves[index] ?? EMPTY),
      gate: index < current ? 'Passed' : index > current ? 'Waiting' : GATE[verdict.state],
      ...(since !== undefined && { settledAt: since }),
    };
  });
}

/** The status with every number as it is now; gates stay what they were. */
const withCensus = (status: FirmwareRolloutStatus, census: Census): FirmwareRolloutStatus => ({
  ...status,
  counts: census.counts,
  failures: census.failures,
  ...(status.waves !== undefined && {
    waves: status.waves.map((wave, index) => ({ ...wave, ...numbersOf(census.waves[index] ?? EMPTY) })),
  }),
});

function numbersOf({ unstarted: _, ...numbers }: WaveCensus): Omit<WaveCensus, 'unstarted'> {
  return numbers;
}

const changedFirmware = (reference: string): string =>
  `spec.firmware was ${reference} when this rollout began; put it back, or make a new rollout`;

const observed = ({ rollout }: RolloutView): { observedGeneration?: number } =>
  rollout.metadata.generation === undefined ? {} : { observedGeneration: rollout.metadata.generation };

/** Sets the condition that always says why the rollout moves or not. */
function progressing(
  view: RolloutView,
  conditions: readonly Condition[] | undefined,
  status: 'True' | 'False',
  reason: string,
  message: string,
): readonly Condition[] {
  return setCondition(
    conditions,
    { type: 'Progressing', status, reason, message, ...observed(view) },
    view.now,
  );
}
