import { nextTime } from './next-time.ts';
import type { Schedule } from './schedule.ts';

/** More missed runs than this and somebody is told. Source: pkg/controller/cronjob/utils.go (v1.32). */
const MISSED_MAX = 100;

export interface Due {
  /** The latest time that has passed, since the Unix epoch. */
  readonly atMs: number;
  readonly missedMany: boolean;
}

/**
 * The latest run that is due and has not been started; undefined when there is none. All times are since
 * the Unix epoch; runs older than `deadlineMs` before now are not looked for.
 */
export function dueTime(
  schedule: Schedule,
  zone: string,
  times: { readonly sinceMs: number; readonly nowMs: number; readonly deadlineMs: number | undefined },
): Due | undefined {
  const { sinceMs, nowMs, deadlineMs } = times;
  let afterMs = deadlineMs === undefined ? sinceMs : Math.max(sinceMs, nowMs - deadlineMs - 1);
  let atMs: number | undefined;
  let count = 0;
  for (;;) {
    const next = nextTime(schedule, afterMs, zone);
    if (next === undefined || next > nowMs) break;
    atMs = next;
    afterMs = next;
    count++;
    // Years of missed minutes are not counted one by one: the last hour will do.
    if (count === MISSED_MAX + 1) afterMs = Math.max(afterMs, latestStart(schedule, zone, nowMs, afterMs));
  }
  return atMs === undefined ? undefined : { atMs, missedMany: count > MISSED_MAX };
}

const STEP_MS = 3_600_000;

/** A time before the last run, and as late as that is cheap to know. */
function latestStart(schedule: Schedule, zone: string, nowMs: number, floorMs: number): number {
  if (schedule.kind === 'every') return nowMs - ((nowMs - floorMs) % schedule.everyMs) - schedule.everyMs;
  for (let back = STEP_MS; nowMs - back > floorMs; back *= 2) {
    const next = nextTime(schedule, nowMs - back, zone);
    if (next !== undefined && next <= nowMs) return nowMs - back;
  }
  return floorMs;
}
