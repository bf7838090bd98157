import { formatDuration } from '../../time/duration.ts';
import type { PropertyResult } from '../properties/property-board.ts';
import type { Stage } from './observatory.ts';
import { isUpdating } from './population.ts';

const NAMED = 5;
const GRACE_MS = 1000;

const ABOUT = {
  name: 'every-board-settles',
  kind: 'liveness',
  description:
    'once the last fault has healed, every board, job and rollout reaches a verdict in bounded time',
} as const;

/**
 * The second phase: with no fault on, everything must come to rest.
 *
 * A board has settled when it is up, online and off probation, and no job holds its twin; a job when it
 * has ended; a rollout when it has ended or was paused by its owner.
 */
export async function judgeLiveness(stage: Stage): Promise<PropertyResult> {
  const { census, cluster } = stage.observatory;
  const restless = census.countBoards(
    (board) =>
      board.identity === 'genuine' && !(board.state === 'running' && board.confirmed && board.online),
  );
  const held = census.countDevices(isUpdating);
  const openJobs = (): string[] =>
    [...cluster.jobs.objects]
      .filter(({ status }) => status?.phase !== 'Completed' && status?.phase !== 'Failed')
      .map((job) => job.metadata.name);
  const openRollouts = (): string[] =>
    [...cluster.rollouts.objects]
      .filter(({ status }) => !['Completed', 'Aborted', 'Paused'].includes(status?.phase ?? ''))
      .map((rollout) => rollout.metadata.name);
  const settled = (): boolean =>
    restless.count === 0 && held.count === 0 && openRollouts().length === 0 && openJobs().length === 0;

  // What the last step did must have been seen before rest can be told from not having begun.
  await stage.advance(() => false, stage.world.clock.nowMs + GRACE_MS);
  const startMs = stage.world.clock.nowMs;
  if (settled() || (await stage.advance(settled, startMs + stage.plan.settleWithinMs)))
    return { ...ABOUT, verdict: 'passed', sightings: 0, first: [] };
  const parts = [
    describe(restless.count, 'boards are not up, online and confirmed', restless.names(NAMED)),
    describe(held.count, 'devices are held by a job', held.names(NAMED)),
    describe(openJobs().length, 'jobs have not ended', openJobs().slice(0, NAMED)),
    describe(openRollouts().length, 'rollouts have not ended', openRollouts().slice(0, NAMED)),
  ].filter((part) => part !== '');
  const message = `after ${formatDuration(stage.plan.settleWithinMs)} without a fault, ${parts.join('; ')}`;
  const board = restless.names(1)[0];
  const first = [{ atMs: stage.world.clock.nowMs, ...(board !== undefined && { board }), message }];
  return { ...ABOUT, verdict: 'failed', sightings: 1, first };
}

export const LIVENESS_NOT_JUDGED: PropertyResult = {
  ...ABOUT,
  verdict: 'not-judged',
  sightings: 0,
  first: [],
};

function describe(count: number, what: string, names: readonly string[]): string {
  if (count === 0) return '';
  return `${count} ${what} (${names.join(', ')}${count > names.length ? ', …' : ''})`;
}
