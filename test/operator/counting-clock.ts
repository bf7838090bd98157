import type { Clock, Timer } from '../../src/time/clock.ts';

/** Another's time, with the timers counted that have neither fired nor been cancelled. */
export class CountingClock implements Clock {
  readonly #clock: Clock;
  readonly #pending = new Set<object>();
  /** The most there ever were at once. */
  mostPending = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get pending(): number {
    return this.#pending.size;
  }

  get nowMs(): number {
    return this.#clock.nowMs;
  }

  get epochMs(): number {
    return this.#clock.epochMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const mark = {};
    const timer = this.#clock.after(delayMs, () => {
      this.#pending.delete(mark);
      callback();
    });
    this.#pending.add(mark);
    this.mostPending = Math.max(this.mostPending, this.#pending.size);
    return {
      cancel: () => {
        this.#pending.delete(mark);
        timer.cancel();
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
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
