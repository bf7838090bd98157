import type { Clock, Timer } from '../../src/time/clock.ts';

/** Notices when nothing has been heard for too long, with one timer however much is heard. */
export class SilenceGuard {
  readonly #clock: Clock;
  readonly #silenceMs: number;
  readonly #onSilence: () => void;
  #heardMs: number;
  #timer: Timer;

  /** `onSilence` is called once, after `silenceMs` in which `heard` was not called. */
  constructor(clock: Clock, silenceMs: number, onSilence: () => void) {
    this.#clock = clock;
    this.#silenceMs = silenceMs;
    this.#onSilence = onSilence;
    this.#heardMs = clock.nowMs;
    this.#timer = clock.after(silenceMs, this.#look);
  }

  heard(): void {
    this.#heardMs = this.#clock.nowMs;
  }

  stop(): void {
    this.#timer.cancel();
  }

  readonly #look = (): void => {
    const silentMs = this.#clock.nowMs - this.#heardMs;
    if (silentMs >= this.#silenceMs) this.#onSilence();
    // Never less than 1 ms: a remainder below a clock's tick would fire again at the same instant.
    else this.#timer = this.#clock.after(Math.max(1, this.#silenceMs - silentMs), this.#look);
  };
}
