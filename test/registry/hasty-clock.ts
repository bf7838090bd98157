import type { Clock } from '../../src/time/clock.ts';

export interface HastyClock extends Clock {
  /** Every sleep asked for, in milliseconds. */
  readonly sleptMs: readonly number[];
  /** Fires every timer that is set now, as if its time had come. */
  fireTimers(): void;
}

/** A clock for real I/O in tests: sleeps end at once and are noted, timers fire when the test says so. */
export function hastyClock(): HastyClock {
  const timers = new Set<() => void>();
  const sleptMs: number[] = [];
  let nowMs = 0;
  return {
    sleptMs,
    epochMs: Date.UTC(2026, 0, 1),
    get nowMs() {
      return nowMs;
    },
    after(_delayMs, callback) {
      timers.add(callback);
      return { cancel: () => void timers.delete(callback) };
    },
    async sleep(delayMs) {
      sleptMs.push(delayMs);
      nowMs += delayMs;
    },
    fireTimers() {
      for (const callback of [...timers]) {
        timers.delete(callback);
        callback();
      }
    },
  };
}
