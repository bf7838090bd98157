import { suffixArray } from './suffix-array.ts';

/** Finds, for any place of a target, where a base holds the longest stretch that begins like it. */
export class LongestMatch {
  readonly #base: Uint8Array;
  readonly #order: Int32Array;
  /** Of the last search. */
  position = 0;
  length = 0;

  constructor(base: Uint8Array) {
    this.#base = base;
    this.#order = suffixArray(base);
  }

  /** Sets `position` and `length`; length 0 when not even the first byte occurs. */
  search(target: Uint8Array, from: number): void {
    this.position = 0;
    this.length = 0;
    if (this.#base.length === 0) return;
    let low = 0;
    let high = this.#order.length - 1;
    let lowLength = this.#common(low, target, from, 0);
    let highLength = this.#common(high, target, from, 0);
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      // Whatever both ends share with the target, all between them share too.
      const length = this.#common(middle, target, from, Math.min(lowLength, highLength));
      if (this.#sortsBefore(middle, target, from, length)) {
        low = middle;
        lowLength = length;
      } else {
        high = middle;
        highLength = length;
      }
    }
    this.position = this.#order[lowLength > highLength ? low : high] ?? 0;
    this.length = Math.max(lowLength, highLength);
  }

  #common(index: number, target: Uint8Array, from: number, known: number): number {
    const start = this.#order[index] ?? 0;
    const most = Math.min(this.#base.length - start, target.length - from);
    let length = known;
    while (length < most && this.#base[start + length] === target[from + length]) length++;
    return length;
  }

  #sortsBefore(index: number, target: Uint8Array, from: number, common: number): boolean {
    const inTarget = target[from + common];
    if (inTarget === undefined) return false;
    return (this.#base[(this.#order[index] ?? 0) + common] ?? -1) < inTarget;
  }
}
