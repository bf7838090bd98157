import type { FirmwareRollout } from '../../kube/firmware-rollout.ts';
import type { FlashJob } from '../../kube/flash-job.ts';
import { formatDuration } from '../../time/duration.ts';
import type { Expectation, PlannedStep, Subject } from '../plan.ts';
import { countOf } from '../planning/plan-selector.ts';
import { type Stage, StepFailure } from './observatory.ts';
import { couldMatch } from './population.ts';

/** Lets time pass until so many are so. */
export async function expectCount(
  stage: Stage,
  step: Extract<PlannedStep, { verb: 'expect' }>,
): Promise<string> {
  const { subject } = step.expectation;
  const follower = subject.of === 'outcomes' ? undefined : stage.observatory.census.follow(subject);
  const count = follower?.count ?? ((): number => countOutcomes(stage, subject));
  const startMs = stage.world.clock.nowMs;
  // Asked after every event, so what cannot change is worked out once.
  const fixed = subject.of === 'outcomes' ? undefined : universe(stage, subject);
  const wanted = (): number => countOf(step.expectation.amount, fixed ?? universe(stage, subject));
  const met = (): boolean => isMet(step.expectation.bound, count(), wanted());
  try {
    if (met() || (step.withinMs > 0 && (await stage.advance(met, startMs + step.withinMs)))) {
      const afterMs = stage.world.clock.nowMs - startMs;
      return afterMs === 0 ? `${count()}, at once` : `${count()}, after ${formatDuration(afterMs)}`;
    }
    const bound = { exactly: '', 'at-least': 'at least ', 'at-most': 'at most ' }[step.expectation.bound];
    const within = step.withinMs > 0 ? ` within ${formatDuration(step.withinMs)}` : '';
    throw new StepFailure(`${count()} and not ${bound}${wanted()}${within}`);
  } finally {
    follower?.end();
  }
}

function isMet(bound: Expectation['bound'], count: number, wanted: number): boolean {
  if (bound === 'at-least') return count >= wanted;
  return bound === 'at-most' ? count <= wanted : count === wanted;
}

/** What a share is a share of: the boards that could be meant, or the devices of the rollout or job. */
function universe(stage: Stage, subject: Subject): number {
  if (subject.of === 'outcomes')
    return Object.values(countsOf(stage, subject)).reduce((sum, count) => sum + count, 0);
  return stage.plan.boards.filter((board) => couldMatch(subject, board)).length;
}

function countOutcomes(stage: Stage, subject: Subject): number {
  return subject.of === 'outcomes' ? (countsOf(stage, subject)[subject.outcome] ?? 0) : 0;
}

function countsOf(
  stage: Stage,
  { parent }: Extract<Subject, { of: 'outcomes' }>,
): Readonly<Record<string, number>> {
  const { rollouts, jobs } = stage.observatory.cluster;
  const found: FirmwareRollout | FlashJob | undefined =
    parent.kind.kind === 'FlashJob' ? jobs.get(parent.key) : rollouts.get(parent.key);
  return found?.status?.counts ?? {};
}
