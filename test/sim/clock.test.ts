import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VirtualClock } from '../../sim/clock.ts';

test('timers with the same deadline fire in the order they were set', async () => {
  const clock = new VirtualClock();
  const fired: string[] = [];
  clock.after(5, () => fired.push('first'));
  clock.after(5, () => fired.push('second'));
  await clock.run(() => false, 5);
  expect(fired).toEqual(['first', 'second']);
  expect(clock.nowMs).toBe(5);
});

test('any set of timers fires by deadline, then by age', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), async (delays) => {
      const clock = new VirtualClock();
      const fired: number[] = [];
      for (const [index, delay] of delays.entries()) clock.after(delay, () => fired.push(index));
      await clock.run(() => false, 100);
      const expected = delays
        .map((_, index) => index)
        .sort((a, b) => (delays[a] ?? 0) - (delays[b] ?? 0) || a - b);
      expect(fired).toEqual(expected);
    }),
  );
});

test('every promise that can settle has settled before the next event, however long its chain', async () => {
  const clock = new VirtualClock();
  const story: string[] = [];
  clock.after(1, () => {
    void (async () => {
      for (let link = 0; link < 500; link++) await Promise.resolve();
      story.push('chain of the first event');
    })();
  });
  clock.after(1, () => story.push('second event'));
  await clock.run(() => false, 10);
  expect(story).toEqual(['chain of the first event', 'second event']);
});

test('a cancelled timer does not fire, and cancelling twice is once', async () => {
  const clock = new VirtualClock();
  let fired = false;
  const timer = clock.after(1, () => {
    fired = true;
  });
  timer.cancel();
  timer.cancel();
  await clock.run(() => false, 10);
  expect(fired).toBe(false);
  expect(clock.eventCount).toBe(0);
});

test('run stops at the event after which the goal is reached, and says whether it was', async () => {
  const clock = new VirtualClock();
  let count = 0;
  for (let at = 1; at <= 10; at++) clock.after(at, () => count++);
  expect(await clock.run(() => count === 3, 100)).toBe(true);
  expect(clock.nowMs).toBe(3);
  expect(await clock.run(() => count === 99, 7)).toBe(false);
  expect(clock.nowMs).toBe(7);
});

test('a loop that never ends is found out', async () => {
  const clock = new VirtualClock();
  const again = (): void => void clock.after(0, again);
  again();
  await expect(clock.run(() => false, 10, { eventsMax: 1000 })).rejects.toThrow(RangeError);
});

test('a sleep that is aborted rejects with the reason and leaves no event behind', async () => {
  const clock = new VirtualClock();
  const abort = new AbortController();
  const slept = clock.sleep(1000, abort.signal);
  abort.abort('enough');
  await expect(slept).rejects.toBe('enough');
  await clock.run(() => false, 2000);
  expect(clock.eventCount).toBe(0);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('a delay of %d ms is refused', (delay) => {
  expect(() => new VirtualClock().after(delay, () => {})).toThrow(RangeError);
});

test('however short a wait is, time has passed after it', async () => {
  const clock = new VirtualClock();
  await clock.run(() => false, 87_086.774);
  let wokenMs = 0;
  clock.after(1e-12, () => {
    wokenMs = clock.nowMs;
  });
  await clock.run(() => wokenMs > 0, 90_000);
  expect(wokenMs).toBeGreaterThan(87_086.774);
});

test.each([87_086.774, 1_060_344.428, 4_503_599.627])(
  'at %d ms, which no binary fraction is, what is set for this instant happens in it',
  async (instantMs) => {
    const clock = new VirtualClock();
    let firedMs = 0;
    clock.after(instantMs, () => {
      clock.after(0, () => {
        firedMs = clock.nowMs;
      });
    });
    await clock.run(() => firedMs > 0, 5_000_000);
    expect(firedMs).toBe(instantMs);
  },
);
