import type { Random } from '../../src/random/random.ts';

export interface BackoffLimits {
  /** First delay before jitter. */
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Delay after `failures` failures in a row (1 or more): doubles up to `maxMs`, then half of it at random. */
export function backoffMs(random: Random, limits: BackoffLimits, failures: number): number {
  const grown = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(failures - 1, 30));
  return grown / 2 + (grown / 2) * random.next();
}

/** Counts failures in a row and says how long to wait after each. */
export class Backoff {
  readonly #random: Random;
  readonly #limits: BackoffLimits;
  #failures = 0;

  constructor(random: Random, limits: BackoffLimits) {
    this.#random = random;
    this.#limits = limits;
  }

  nextMs(): number {
    this.#failures += 1;
    return backoffMs(this.#random, this.#limits, this.#failures);
  }

  reset(): void {
    this.#failures = 0;
  }
}
