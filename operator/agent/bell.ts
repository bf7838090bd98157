import type { Clock } from '../../src/time/clock.ts';

/** Wakes one sleeper early. A ring while nobody sleeps ends the next sleep at once, so that no news is lost. */
export class Bell {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
  }

  ring(): void {
    if (this.#wake === undefined) this.#rung = true;
    else this.#wake();
  }

  /** Settles after `delayMs` (Infinity: never by itself), on a ring, or when the signal aborts. */
  async wait(delayMs: number): Promise<void> {
    if (this.#rung || this.#signal.aborted) {
      this.#rung = false;
      return;
    }
    await new Promise<void>((settle) => {
      const timer = Number.isFinite(delayMs) ? this.#clock.after(delayMs, () => this.#wake?.()) : undefined;
      const wake = (): void => {
        timer?.cancel();
        this.#signal.removeEventListener('abort', wake);
        this.#wake = undefined;
        settle();
      };
      this.#wake = wake;
      this.#signal.addEventListener('abort', wake, { once: true });
    });
  }
}
