/** Lets at most so many through at once; the others wait in the order they came. */
export class Turnstile {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(passengersMax: number) {
    if (!Number.isInteger(passengersMax) || passengersMax < 1)
      throw new RangeError(`at least 1 must pass at once, not ${passengersMax}`);
    this.#free = passengersMax;
  }

  async pass<T>(run: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
