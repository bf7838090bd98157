import { expect, test } from 'vitest';
import { ScaledClock } from '../../sim/live/scaled-clock.ts';

test('nothing happens before its time, however fast the clock is', async () => {
  const clock = new ScaledClock(1000);
  const early = await Promise.all(
    Array.from({ length: 300 }, async (_, index) => {
      const delayMs = 7 * index + 0.5;
      const dueMs = clock.nowMs + delayMs;
      const held = setTimeout(() => {}, 60_000);
      await clock.sleep(delayMs).finally(() => clearTimeout(held));
      return clock.nowMs < dueMs;
    }),
  );
  expect(early.filter(Boolean)).toEqual([]);
});
