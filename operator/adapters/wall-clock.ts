import type { Clock, Timer } from '../../src/time/clock.ts';

/** Longest delay a timer of Node takes; a longer one would fire at once. Source: Node.js, timers, setTimeout. */
const TIMER_MS_MAX = 2_147_483_647;

/** The clock on the wall: milliseconds since it was made, by a clock that never goes back. */
export class WallClock implements Clock {
  readonly epochMs = Date.now();
  readonly #startedMs = performance.now();

  get nowMs(): number {
    return performance.now() - this.#startedMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    if (!(delayMs >= 0 && delayMs < Number.POSITIVE_INFINITY))
      throw new RangeError(`timer delay must be 0 or more milliseconds, not ${delayMs}`);
    const atMs = this.nowMs + delayMs;
    const arm = (): NodeJS.Timeout =>
      setTimeout(
        () => {
          if (atMs - this.nowMs > 1) timer = arm();
          else callback();
        },
        Math.min(TIMER_MS_MAX, Math.max(0, atMs - this.nowMs)),
      );
    let timer = arm();
    return { cancel: () => clearTimeout(timer) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
