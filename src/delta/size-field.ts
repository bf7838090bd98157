/**
 * Sizes of variable length, least significant group first; bit 7 of a byte says that another follows.
 *
 * The signed form keeps 6 bits and a sign in the first byte, the unsigned one 7 bits; all bytes that
 * follow hold 7. Source: detools, "Patch layout" and c/detools.c.
 */
const MORE = 0x80;
const NEGATIVE = 0x40;
/** detools' C code holds sizes in an int; a size needs at most five bytes. */
export const SIZE_MAX = 0x7fffffff;
const BYTES_MAX = 5;

/** The signed form. Throws RangeError above SIZE_MAX. */
export function encodeSize(value: number): readonly number[] {
  return encode(Math.abs(value), 6, value < 0 ? NEGATIVE : 0);
}

/** The unsigned form, as CRLE writes it. Throws RangeError above SIZE_MAX. */
export function encodeUnsignedSize(value: number): readonly number[] {
  return encode(value, 7, 0);
}

function encode(magnitude: number, firstBits: 6 | 7, sign: number): readonly number[] {
  if (!Number.isInteger(magnitude) || magnitude > SIZE_MAX)
    throw new RangeError(`a size is a whole number of at most ${SIZE_MAX}, not ${magnitude}`);
  const bytes = [sign | (magnitude & ((1 << firstBits) - 1))];
  for (let left = magnitude >>> firstBits; left > 0; left >>>= 7) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | MORE;
    bytes.push(left & 0x7f);
  }
  return bytes;
}

/** Reads one size after another, a byte at a time. */
export class SizeReader {
  readonly #firstBits: 6 | 7;
  #count = 0;
  #value = 0;
  #sign = 1;

  constructor(form: 'signed' | 'unsigned') {
    this.#firstBits = form === 'signed' ? 6 : 7;
  }

  /** The size once its last byte is there, undefined before, `overflow` for one above SIZE_MAX. */
  push(byte: number): number | undefined | 'overflow' {
    if (this.#count === 0) {
      this.#sign = this.#firstBits === 6 && (byte & NEGATIVE) !== 0 ? -1 : 1;
      this.#value = byte & ((1 << this.#firstBits) - 1);
    } else {
      // Not a shift: the fifth byte may reach past 32 bits, and that must be seen.
      this.#value += (byte & 0x7f) * 2 ** (this.#firstBits + 7 * (this.#count - 1));
    }
    this.#count++;
    if (this.#value > SIZE_MAX || (this.#count === BYTES_MAX && (byte & MORE) !== 0)) return 'overflow';
    if ((byte & MORE) !== 0) return undefined;
    this.#count = 0;
    return this.#value === 0 ? 0 : this.#sign * this.#value;
  }
}
