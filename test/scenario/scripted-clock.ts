import type { Clock, Timer } from '../../src/time/clock.ts';

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time that moves from deadline to deadline when told to. */
export class ScriptedClock implements Clock {
  readonly epochMs = Date.parse('2030-01-01T00:00:00Z');
  nowMs = 0;
  #order = 0;
  #entries: Entry[] = [];

  after(delayMs: number, callback: () => void): Timer {
    const entry = { atMs: this.nowMs + delayMs, order: this.#order++, callback };
    this.#entries.push(entry);
    this.#entries.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    return {
      cancel: () => {
        this.#entries = this.#entries.filter((other) => other !== entry);
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      this.after(delayMs, resolve);
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  /** Runs the next deadline up to `limitMs`; false when there is none, and the clock reads `limitMs` then. */
  step(limitMs: number): boolean {
    const next = this.#entries[0];
    if (next === undefined || next.atMs > limitMs) {
      this.nowMs = Math.max(this.nowMs, limitMs);
      return false;
    }
    this.#entries.shift();
    this.nowMs = Math.max(this.nowMs, next.atMs);
    next.callback();
    return true;
  }
}
