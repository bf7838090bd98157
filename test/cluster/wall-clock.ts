import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock, Timer } from '../../src/time/clock.ts';

/** Real time, for tests that go over sockets. */
export class WallClock implements Clock {
  readonly epochMs = Date.now();
  readonly #startMs = performance.now();

  get nowMs(): number {
    return performance.now() - this.#startMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepFor(delayMs, undefined, signal === undefined ? {} : { signal });
  }
}
