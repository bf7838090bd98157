import type { Clock, Timer } from '../../src/time/clock.ts';

interface Pending {
  readonly deadlineMs: number;
  readonly callback: () => void;
}

/** A clock that a test moves by hand; equal deadlines run in the order they were set. */
export class ManualClock implements Clock {
  nowMs = 0;
  readonly epochMs = Date.UTC(2026, 0, 1);
  readonly #pending = new Set<Pending>();

  after(delayMs: number, callback: () => void): Timer {
    const pending = { deadlineMs: this.nowMs + delayMs, callback };
    this.#pending.add(pending);
    return { cancel: () => void this.#pending.delete(pending) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
      this.after(delayMs, resolve);
    });
  }

  /** Runs everything that is due within `durationMs`, letting promises settle after each callback. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.nowMs + durationMs;
    for (;;) {
      await quiet();
      const next = [...this.#pending]
        .filter((one) => one.deadlineMs <= endMs)
        .reduce<Pending | undefined>((first, one) => (first && first.deadlineMs <= one.deadlineMs ? first : one), undefined);
      if (next === undefined) break;
      this.#pending.delete(next);
      this.nowMs = Math.max(this.nowMs, next.deadlineMs);
      next.callback();
    }
    this.nowMs = endMs;
  }
}

/** Lets every settled promise run what waits for it. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
