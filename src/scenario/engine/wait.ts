import type { Condition, KubeObject } from '../../kube/object.ts';
import { formatDuration } from '../../time/duration.ts';
import type { ObjectName, PlannedStep, WaitGoal } from '../plan.ts';
import { objectText } from '../planning/plan-steps.ts';
import { Mirror } from './mirror.ts';
import { type Stage, StepFailure } from './observatory.ts';

type WithStatus = KubeObject & {
  readonly status?: {
    readonly phase?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
  };
};

/** Lets time pass until the object is as wanted. */
export async function waitForObject(
  stage: Stage,
  step: Extract<PlannedStep, { verb: 'wait' }>,
  onBug: (error: unknown) => void,
): Promise<string> {
  const ended = new AbortController();
  const { world } = stage;
  const mirror = new Mirror<WithStatus>(world.kube, world.clock, step.object.kind, () => {});
  try {
    await mirror.start(ended.signal, onBug);
    const startMs = world.clock.nowMs;
    const current = (): WithStatus | undefined => mirror.get(step.object.key);
    const reached = (): boolean => isReached(step.until, current());
    if (reached() || (await stage.advance(reached, startMs + step.withinMs)))
      return `after ${formatDuration(world.clock.nowMs - startMs)}`;
    throw new StepFailure(`not within ${formatDuration(step.withinMs)}: ${describe(step.object, current())}`);
  } finally {
    ended.abort();
  }
}

function isReached(goal: WaitGoal, object: WithStatus | undefined): boolean {
  if (goal.kind === 'deleted') return object === undefined;
  if (goal.kind === 'phase') return object?.status?.phase === goal.phase;
  const condition = object?.status?.conditions?.find((entry) => entry.type === goal.type);
  return condition?.status === goal.status;
}

function describe(name: ObjectName, object: WithStatus | undefined): string {
  if (object === undefined) return `there is no ${objectText(name)}`;
  const { phase, message, conditions = [] } = object.status ?? {};
  const held = conditions.map((entry) => `${entry.type}=${entry.status} (${entry.reason})`);
  const parts = [
    ...(phase === undefined ? [] : [`it is ${phase}`]),
    ...(message === undefined ? [] : [message]),
    ...(held.length === 0 ? [] : [`its conditions are ${held.join(', ')}`]),
  ];
  return parts.length === 0 ? 'it has no status yet' : parts.join('; ');
}
