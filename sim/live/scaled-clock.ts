import type { Clock, Timer } from '../../src/time/clock.ts';

/** Longest delay a timer of Node takes; a longer one would fire at once. Source: Node.js, timers, setTimeout. */
const TIMER_MS_MAX = 2_147_483_647;

/**
 * The real clock, faster than life when asked: at speed 60 a virtual minute takes a second.
 *
 * Everything of a live world runs on it, so that a bake time of ten minutes can be shown in ten seconds.
 */
export class ScaledClock implements Clock {
  readonly epochMs = Date.now();
  readonly #startedMs = performance.now();
  readonly #speed: number;
  #fired = 0;

  constructor(speed = 1) {
    if (!(speed > 0)) throw new RangeError(`speed must be above 0, not ${speed}`);
    this.#speed = speed;
  }

  get nowMs(): number {
    return (performance.now() - this.#startedMs) * this.#speed;
  }

  /** Timers fired so far. */
  get eventCount(): number {
    return this.#fired;
  }

  after(delayMs: number, callback: () => void): Timer {
    if (!(delayMs >= 0 && delayMs < Number.POSITIVE_INFINITY))
      throw new RangeError(`timer delay must be 0 or more milliseconds, not ${delayMs}`);
    const dueMs = this.nowMs + delayMs;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const restMs = Math.max(0, dueMs - this.nowMs) / this.#speed;
      timer = setTimeout(
        () => {
          // Node's timers keep whole milliseconds and may fire a little early: at speed 1000, a second early.
          if (this.nowMs < dueMs) return arm();
          this.#fired++;
          callback();
        },
        Math.min(restMs, TIMER_MS_MAX),
      );
      // What keeps a live world running are its sockets; a timer left over must not keep the process.
      timer.unref();
    };
    arm();
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
