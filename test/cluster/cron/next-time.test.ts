import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dueTime } from '../../../sim/cluster/cron/due-time.ts';
import { firesAt, nextTime } from '../../../sim/cluster/cron/next-time.ts';
import { parseSchedule } from '../../../sim/cluster/cron/schedule.ts';
import { isTimeZone, zonedTimestamp } from '../../../sim/cluster/cron/time-zone.ts';

const MINUTE = 60_000;

/** The next runs after a time, as the zone's clocks show them. */
function runs(schedule: string, after: string, zone: string, count: number): readonly string[] {
  const found: string[] = [];
  let atMs: number | undefined = Date.parse(after);
  for (let index = 0; index < count; index++) {
    atMs = nextTime(parseSchedule(schedule), atMs, zone);
    if (atMs === undefined) break;
    found.push(zonedTimestamp(atMs, zone));
  }
  return found;
}

describe('the next time of a schedule', () => {
  test('what clocks skip in spring does not happen', () => {
    expect(runs('30 2 * * *', '2026-03-28T00:00:00Z', 'Europe/Berlin', 3)).toEqual([
      '2026-03-28T02:30:00+01:00',
      '2026-03-30T02:30:00+02:00',
      '2026-03-31T02:30:00+02:00',
    ]);
  });

  test('what clocks show twice in autumn happens twice', () => {
    expect(runs('30 2 * * *', '2026-10-24T12:00:00Z', 'Europe/Berlin', 3)).toEqual([
      '2026-10-25T02:30:00+02:00',
      '2026-10-25T02:30:00+01:00',
      '2026-10-26T02:30:00+01:00',
    ]);
  });

  test.each([
    ['0 9 * * mon', '2026-01-01T00:00:00Z', 'UTC', ['2026-01-05T09:00:00Z', '2026-01-12T09:00:00Z']],
    [
      '0 0 13 * 5',
      '2026-01-01T00:00:00Z',
      'UTC',
      ['2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z', '2026-01-13T00:00:00Z'],
    ],
    ['*/20 */12 1 * *', '2026-01-01T00:30:00Z', 'UTC', ['2026-01-01T00:40:00Z', '2026-01-01T12:00:00Z']],
    ['@monthly', '2026-01-31T12:00:00Z', 'Asia/Kathmandu', ['2026-02-01T00:00:00+05:45']],
    ['0 12 29 2 *', '2026-01-01T00:00:00Z', 'UTC', ['2028-02-29T12:00:00Z']],
    ['@every 90s', '2026-01-01T00:00:10Z', 'UTC', ['2026-01-01T00:01:40Z', '2026-01-01T00:03:10Z']],
  ])('%s after %s in %s', (schedule, after, zone, wanted) => {
    expect(runs(schedule, after, zone, wanted.length)).toEqual(wanted);
  });

  test('of a day that no month has is none', () => {
    expect(nextTime(parseSchedule('0 0 30 2 *'), Date.parse('2026-01-01T00:00:00Z'), 'UTC')).toBeUndefined();
  });

  /** Zones with every kind of change: forward, back, by half an hour, at midnight, and by a whole day. */
  const changes = fc.constantFrom(
    ['Europe/Berlin', '2026-03-29T01:00:00Z'],
    ['Europe/Berlin', '2026-10-25T01:00:00Z'],
    ['America/New_York', '2026-11-01T06:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
    ['America/St_Johns', '2010-03-14T03:31:00Z'],
    ['America/Sao_Paulo', '2018-11-04T03:00:00Z'],
    ['Pacific/Apia', '2011-12-30T10:00:00Z'],
    ['Asia/Kathmandu', '2026-06-01T00:00:00Z'],
  ) as fc.Arbitrary<readonly [string, string]>;

  const field = (min: number, max: number, spread: number): fc.Arbitrary<string> =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min: 1, max: spread }).map((step) => `*/${step}`),
      fc.array(fc.integer({ min, max }), { minLength: 1, maxLength: 3 }).map((values) => values.join(',')),
    );
  const schedules = fc
    .tuple(
      field(0, 59, 30),
      field(0, 23, 6),
      fc.oneof(fc.constant('*'), fc.integer({ min: 1, max: 31 }).map(String)),
      fc.constant('*'),
      field(0, 6, 3),
    )
    .map((fields) => fields.join(' '));

  test('is what looking at every minute finds, and never goes back', () => {
    fc.assert(
      fc.property(
        schedules,
        changes,
        fc.integer({ min: -2 * 1440, max: 1440 }),
        (text, [zone, around], offset) => {
          const schedule = parseSchedule(text);
          if (schedule.kind !== 'fields') throw new Error('five fields');
          const afterMs = Date.parse(around) + offset * MINUTE + 17_000;
          const found = nextTime(schedule, afterMs, zone);
          const first = Math.floor(afterMs / MINUTE) * MINUTE + MINUTE;
          let naive: number | undefined;
          for (let atMs = first; atMs < first + 2 * 1440 * MINUTE; atMs += MINUTE)
            if (firesAt(schedule, atMs, zone)) {
              naive = atMs;
              break;
            }
          if (naive === undefined)
            expect(found ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(first + 2 * 1440 * MINUTE);
          else expect(found).toBe(naive);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('what is due', () => {
  const schedule = parseSchedule('0 * * * *');
  const at = (text: string): number => Date.parse(`2026-01-${text}:00Z`);
  const due = (sinceMs: number, nowMs: number, deadlineMs?: number) =>
    dueTime(schedule, 'UTC', { sinceMs, nowMs, deadlineMs });

  test('is the latest time that has passed, however many were missed', () => {
    expect(due(at('01T00:00'), at('01T00:59'))).toBeUndefined();
    expect(due(at('01T00:00'), at('01T01:00'))).toEqual({ atMs: at('01T01:00'), missedMany: false });
    expect(due(at('01T00:30'), at('03T05:10'))).toEqual({ atMs: at('03T05:00'), missedMany: false });
    expect(due(at('01T00:30'), at('31T23:59'))).toEqual({ atMs: at('31T23:00'), missedMany: true });
  });

  test('is not older than the deadline', () => {
    expect(due(at('01T00:30'), at('01T05:10'), 5 * MINUTE)).toBeUndefined();
    expect(due(at('01T00:30'), at('01T05:10'), 15 * MINUTE)).toEqual({
      atMs: at('01T05:00'),
      missedMany: false,
    });
  });

  test('is found at once, though years of minutes were missed', () => {
    const minutely = parseSchedule('* * * * *');
    const times = {
      sinceMs: Date.parse('2016-01-01T00:00:00Z'),
      nowMs: at('01T00:00'),
      deadlineMs: undefined,
    };
    expect(dueTime(minutely, 'UTC', times)).toEqual({ atMs: at('01T00:00'), missedMany: true });
  });
});

test('time zones are the names of the database, written as it writes them', () => {
  for (const name of ['UTC', 'Etc/UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Asia/Calcutta'])
    expect([name, isTimeZone(name)]).toEqual([name, true]);
  for (const name of ['', 'utc+1', '+01:00', 'europe/berlin', 'Mars/Olympus', '../etc/passwd'])
    expect([name, isTimeZone(name)]).toEqual([name, false]);
});
