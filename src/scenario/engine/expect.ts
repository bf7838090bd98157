import type { FirmwareRollout } from '../../kube/firmware-rollout.ts';
import type { FlashJob } from '../../kube/flash-job.ts';
import { formatDuration } from '../../time/duration.ts';
import type { Countable, Expectation, PlannedStep, Subject } from '../plan.ts';
import { countOf } from '../planning/plan-selector.ts';
import { type Stage, StepFailure } from './observatory.ts';
import { couldMatch } from './population.ts';

/** Lets time pass until so many are so. */
export async function expectCount(
  stage: Stage,
  step: Extract<PlannedStep, { verb: 'expect' }>,
): Promise<string> {
  const { subject } = step.expectation;
  const countable = isCountable(subject) ? subject : undefined;
  const follower = countable && stage.observatory.census.follow(countable);
  const count = follower?.count ?? ((): number => countOther(stage, subject));
  const startMs = stage.world.clock.nowMs;
  // Asked after every event, so what cannot change is worked out once.
  const fixed = countable && stage.plan.boards.filter((board) => couldMatch(countable, board)).length;
  const wanted = (): number => countOf(step.expectation.amount, fixed ?? updatesOf(stage, subject));
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

function isCountable(subject: Subject): subject is Countable {
  return subject.of !== 'outcomes' && subject.of !== 'bytes-per-node';
}

/** What a share is a share of, where that is not known from the start: the devices of the rollout or job. */
function updatesOf(stage: Stage, subject: Subject): number {
  if (subject.of !== 'outcomes') return 0;
  return Object.values(countsOf(stage, subject)).reduce((sum, count) => sum + count, 0);
}

function countOther(stage: Stage, subject: Subject): number {
  if (subject.of === 'outcomes') return countsOf(stage, subject)[subject.outcome] ?? 0;
  if (subject.of !== 'bytes-per-node') return 0;
  const { content } = subject.selector;
  const byNode = new Map<string, number>();
  for (const sent of stage.world.traffic)
    if (content === undefined || sent.content === content)
      byNode.set(sent.node, (byNode.get(sent.node) ?? 0) + sent.bytes);
  return Math.max(0, ...byNode.values());
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
