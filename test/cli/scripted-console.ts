import type { Console } from '../../src/cli/console.ts';

/** A console that keeps what is printed. */
export class ScriptedConsole implements Console {
  readonly live: boolean;
  readonly color: boolean;
  readonly outColor = false;
  readonly columns = 80;
  readonly interrupted: AbortSignal;
  stdout = '';
  stderr = '';
  #nowMs = 0;

  constructor(
    options: { readonly live?: boolean; readonly color?: boolean; readonly interrupted?: AbortSignal } = {},
  ) {
    this.live = options.live ?? false;
    this.color = options.color ?? false;
    this.interrupted = options.interrupted ?? new AbortController().signal;
  }

  readonly out = (text: string): void => {
    this.stdout += text;
  };

  readonly err = (text: string): void => {
    this.stderr += text;
  };

  /** Every look at the clock is 50 ms after the last. */
  readonly nowMs = (): number => {
    this.#nowMs += 50;
    return this.#nowMs;
  };
}
