/**
 * Randomness that splits by name instead of being shared.
 *
 * A stream's draws depend on the seed and its path only, so a new draw in one place moves nothing
 * elsewhere, and parallel parts never race for the next number.
 */
export interface Random {
  /** An independent stream; the same name gives the same stream, whatever was drawn before. */
  split(name: string): Random;
  /** Uniform in [0, 1), 32 bits of it. */
  next(): number;
  /** Uniform whole number in [0, bound). Throws RangeError unless `bound` is in 1…2³². */
  int(bound: number): number;
  /** `length` fresh bytes. */
  bytes(length: number): Uint8Array;
}

/** Small fast counters after Blackman and Vigna's xoshiro128** (2018); not for secrets outside a simulation. */
export class SeededRandom implements Random {
  readonly #path: string;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(path: string) {
    this.#path = path;
    [this.#a, this.#b, this.#c, this.#d] = hash128(path);
  }

  /** The root stream of a run. */
  static ofSeed(seed: number): SeededRandom {
    return new SeededRandom(`seed:${seed}`);
  }

  split(name: string): SeededRandom {
    return new SeededRandom(`${this.#path}/${name}`);
  }

  next(): number {
    return this.#draw() / 0x1_0000_0000;
  }

  int(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 0x1_0000_0000)
      throw new RangeError(`bound must be a whole number in 1..2^32, not ${bound}`);
    const unbiased = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    for (;;) {
      const value = this.#draw();
      if (value < unbiased) return value % bound;
    }
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    const words = new DataView(out.buffer);
    let offset = 0;
    for (; offset + 4 <= length; offset += 4) words.setUint32(offset, this.#draw(), true);
    for (let last = this.#draw(); offset < length; offset++, last >>>= 8) out[offset] = last & 0xff;
    return out;
  }

  #draw(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }
}

/** True with probability `probability`; always draws once, so a changed probability shifts nothing. */
export function chance(random: Random, probability: number): boolean {
  return random.next() < probability;
}

/** A new array in random order (Fisher and Yates). */
export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const out = [...items];
  for (let last = out.length - 1; last > 0; last--) {
    const other = random.int(last + 1);
    const kept = out[last] as T;
    out[last] = out[other] as T;
    out[other] = kept;
  }
  return out;
}

/** Four well-mixed words of a text: four FNV-1a lanes with different bases, then murmur3's finaliser. */
function hash128(text: string): [number, number, number, number] {
  let [a, b, c, d] = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code ^ (a >>> 15), 0x01000193);
    c = Math.imul(c ^ code ^ (b >>> 13), 0x01000193);
    d = Math.imul(d ^ code ^ (c >>> 11), 0x01000193);
  }
  return [finalise(a), finalise(b), finalise(c), finalise(d) | 1];
}

function finalise(word: number): number {
  let mixed = word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
