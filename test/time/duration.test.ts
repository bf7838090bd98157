import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VirtualClock } from '../../sim/clock.ts';
import { clockMsOf, microTimestamp, timestamp } from '../../src/time/clock.ts';
import { formatDuration, parseDurationMs } from '../../src/time/duration.ts';

test.each([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['250ms', 250],
  ['1.5h', 5_400_000],
  ['2d', 172_800_000],
])('%s is %d ms', (text, ms) => {
  expect(parseDurationMs(text)).toBe(ms);
});

test.each(['', '5', '5 m', '-5m', 'm', '5y', '5m3', '1e3s'])('"%s" is no duration', (text) => {
  expect(parseDurationMs(text)).toBeUndefined();
});

test('parsing never throws', () => {
  fc.assert(fc.property(fc.string(), (text) => parseDurationMs(text) === undefined || text !== ''));
});

test.each([
  [15, '15ms'],
  [4200, '4.2s'],
  [123_000, '2m 03s'],
  [3_900_000, '1h 05m'],
])('%d ms reads %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('timestamps are those of Kubernetes, and come back as the instant they were', async () => {
  const clock = new VirtualClock();
  await clock.run(() => false, 61_500);
  expect(timestamp(clock)).toBe('2026-01-01T00:01:01Z');
  expect(microTimestamp(clock)).toBe('2026-01-01T00:01:01.500000Z');
  expect(clockMsOf(clock, '2026-01-01T00:01:01Z')).toBe(61_000);
  expect(clockMsOf(clock, 'yesterday')).toBeUndefined();
});
