import type { Clock } from '../../src/time/clock.ts';

/** Wakes one sleeper early. A ring while nobody sleeps ends the next sleep at once, so that no news is lost. */
export class Bell {
  readonly #clock: Clock;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    if (this.#wake === undefined) this.#rung = true;
    else this.#wake();
  }

  /** Settles after `delayMs` (Infinity: never by itself) or on a ring. */
  async wait(delayMs: number): Promise<void> {
    if (this.#rung) {
      this.#rung = false;
      return;
    }
    await new Promise<void>((settle) => {
      const timer = Number.isFinite(delayMs) ? this.#clock.after(delayMs, () => this.#wake?.()) : undefined;
      const wake = (): void => {
        timer?.cancel();
        this.#wake = undefined;
        settle();
      };
      this.#wake = wake;
    });
  }
}
