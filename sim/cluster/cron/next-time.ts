import type { Schedule } from './schedule.ts';
import { type LocalTime, localTime, offsetMinutes } from './time-zone.ts';

const MINUTE_MS = 60_000;
/** A schedule such as `0 0 30 2 *` never comes; nobody looks further ahead. Source: robfig/cron, spec.go. */
const HORIZON_MS = 5 * 366 * 24 * 60 * MINUTE_MS;

/**
 * The first time after `afterMs` (both since the Unix epoch) at which the wall clock of `zone` fits the
 * schedule; undefined when there is none within five years.
 *
 * What the wall clock never shows does not happen: a time that is skipped when clocks go forward has no
 * run. What it shows twice happens twice.
 */
export function nextTime(schedule: Schedule, afterMs: number, zone: string): number | undefined {
  if (schedule.kind === 'every') return afterMs - (afterMs % 1000) + schedule.everyMs;
  let unixMs = Math.floor(afterMs / MINUTE_MS) * MINUTE_MS + MINUTE_MS;
  const end = unixMs + HORIZON_MS;
  while (unixMs < end) {
    const offset = offsetMinutes(zone, unixMs);
    const local = localTime(unixMs, offset);
    const skip = minutesToSkip(schedule, local);
    if (skip === 0) return unixMs;
    const ahead = unixMs + skip * MINUTE_MS;
    // Where the zone changes its offset on the way, minutes are looked at one by one.
    unixMs = skip > 1 && offsetMinutes(zone, ahead) !== offset ? unixMs + MINUTE_MS : ahead;
  }
  return undefined;
}

/** Minutes for which the schedule cannot fit, as long as clocks run evenly; 0 when it fits now. */
function minutesToSkip(schedule: Schedule & { readonly kind: 'fields' }, local: LocalTime): number {
  if (!schedule.months.has(local.month) || !fitsDay(schedule, local))
    return (24 - local.hour) * 60 - local.minute;
  if (!schedule.hours.has(local.hour)) return 60 - local.minute;
  for (let minute = local.minute; minute < 60; minute++)
    if (schedule.minutes.has(minute)) return minute - local.minute;
  return 60 - local.minute;
}

function fitsDay(
  { days, weekdays, anyDay }: Schedule & { readonly kind: 'fields' },
  local: LocalTime,
): boolean {
  const [ofMonth, ofWeek] = [days.has(local.day), weekdays.has(local.weekday)];
  return anyDay ? ofMonth || ofWeek : ofMonth && ofWeek;
}

/** True when the schedule fires at this minute of UTC: what `nextTime` must agree with. */
export function firesAt(
  schedule: Schedule & { readonly kind: 'fields' },
  unixMs: number,
  zone: string,
): boolean {
  return minutesToSkip(schedule, localTime(unixMs, offsetMinutes(zone, unixMs))) === 0;
}
