import { FIXED_DISTANCES, FIXED_LITERALS, type HuffmanCode, huffmanCode, readSymbol } from './huffman.ts';

/** Base and extra bits of lengths 257–285 and distances 0–29. Source: RFC 1951, section 3.2.5. */
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
/** Order of the code length codes. Source: RFC 1951, section 3.2.7. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const WINDOW_SIZE = 32 * 1024;
const ADLER_MODULUS = 65_521;

/** Thrown inside and caught inside: the input ends in the middle of a step, which is then taken back. */
const OUT_OF_INPUT = Symbol('out of input');

export type InflateStatus = 'more' | 'done' | 'broken' | 'bad-adler';

type Step = 'zlib-header' | 'block-header' | 'stored' | 'symbols' | 'adler' | 'done' | 'broken' | 'bad-adler';

/**
 * Inflates one zlib stream that comes in pieces, as a loader in the chip does. Source: RFC 1950 and 1951.
 *
 * Synchronous and incremental, which node:zlib is not at once. A step (a header, a symbol) whose input is not
 * complete is taken back and tried again with the next piece. Holds 32 KiB of window and the unread input.
 */
export class Inflater {
  #input = new Uint8Array(0);
  #byteAt = 0;
  #bitAt = 0;
  #step: Step = 'zlib-header';
  #lastBlock = false;
  #storedLeft = 0;
  #literals: HuffmanCode = FIXED_LITERALS;
  #distances: HuffmanCode = FIXED_DISTANCES;
  #window = new Uint8Array(WINDOW_SIZE);
  #windowAt = 0;
  #produced = 0;
  #adlerA = 1;
  #adlerB = 0;
  #output: number[] = [];
  readonly #bit = (): number => this.#readBit();

  get status(): InflateStatus {
    const step = this.#step;
    return step === 'done' || step === 'broken' || step === 'bad-adler' ? step : 'more';
  }

  /**
   * Takes `bytes`, returns what they unfold to. Beyond `outputBytesMax` the stream is broken, at most 64 KiB later.
   *
   * Bytes after the end of the stream are ignored.
   */
  push(bytes: Uint8Array, outputBytesMax: number): Uint8Array {
    const left = this.#input.length - this.#byteAt;
    const joined = new Uint8Array(left + bytes.length);
    joined.set(this.#input.subarray(this.#byteAt));
    joined.set(bytes, left);
    this.#input = joined;
    this.#byteAt = 0;
    this.#output = [];
    while (this.status === 'more') {
      const { byteAt, bitAt } = { byteAt: this.#byteAt, bitAt: this.#bitAt };
      try {
        this.#step = this.#next();
      } catch (cause) {
        if (cause !== OUT_OF_INPUT) throw cause;
        this.#byteAt = byteAt;
        this.#bitAt = bitAt;
        break;
      }
      if (this.#output.length > outputBytesMax) this.#step = 'broken';
    }
    return Uint8Array.from(this.#output);
  }

  #next(): Step {
    switch (this.#step) {
      case 'zlib-header':
        return this.#zlibHeader();
      case 'block-header':
        return this.#blockHeader();
      case 'stored':
        return this.#stored();
      case 'symbols':
        return this.#symbol();
      case 'adler':
        return this.#adler();
      default:
        return this.#step;
    }
  }

  #zlibHeader(): Step {
    const method = this.#bits(8);
    const flags = this.#bits(8);
    const deflate = (method & 0x0f) === 8 && method >> 4 <= 7;
    return deflate && (method * 256 + flags) % 31 === 0 && (flags & 0x20) === 0 ? 'block-header' : 'broken';
  }

  #blockHeader(): Step {
    if (this.#lastBlock) return 'adler';
    const last = this.#bits(1) === 1;
    const kind = this.#bits(2);
    let step: Step = 'symbols';
    if (kind === 0) {
      this.#alignToByte();
      const length = this.#bits(16);
      if ((length ^ this.#bits(16)) !== 0xffff) return 'broken';
      this.#storedLeft = length;
      step = 'stored';
    } else if (kind === 1) {
      this.#literals = FIXED_LITERALS;
      this.#distances = FIXED_DISTANCES;
    } else if (kind === 2) {
      if (!this.#dynamicCodes()) return 'broken';
    } else return 'broken';
    this.#lastBlock = last;
    return step;
  }

  #dynamicCodes(): boolean {
    const literalCount = this.#bits(5) + 257;
    const distanceCount = this.#bits(5) + 1;
    const codeCount = this.#bits(4) + 4;
    if (literalCount > 286 || distanceCount > 30) return false;
    const codeLengths = new Array<number>(19).fill(0);
    for (const symbol of CODE_LENGTH_ORDER.slice(0, codeCount)) codeLengths[symbol] = this.#bits(3);
    const lengthCode = huffmanCode(codeLengths);
    if (lengthCode === undefined) return false;
    const lengths: number[] = [];
    while (lengths.length < literalCount + distanceCount) {
      const symbol = readSymbol(lengthCode, this.#bit);
      if (symbol === undefined) return false;
      if (symbol < 16) lengths.push(symbol);
      else {
        const previous = lengths.at(-1);
        if (symbol === 16 && previous === undefined) return false;
        const times =
          symbol === 16 ? 3 + this.#bits(2) : symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7);
        for (let count = 0; count < times; count++) lengths.push(symbol === 16 ? (previous ?? 0) : 0);
      }
    }
    if (lengths.length > literalCount + distanceCount || lengths[256] === 0) return false;
    const literals = huffmanCode(lengths.slice(0, literalCount));
    const distances = huffmanCode(lengths.slice(literalCount));
    if (literals === undefined || distances === undefined) return false;
    this.#literals = literals;
    this.#distances = distances;
    return true;
  }

  #stored(): Step {
    if (this.#storedLeft === 0) return 'block-header';
    const bytes = this.#input.subarray(this.#byteAt, this.#byteAt + this.#storedLeft);
    if (bytes.length === 0) throw OUT_OF_INPUT;
    for (const byte of bytes) this.#emit(byte);
    this.#byteAt += bytes.length;
    this.#storedLeft -= bytes.length;
    return 'stored';
  }

  #symbol(): Step {
    const symbol = readSymbol(this.#literals, this.#bit);
    if (symbol === undefined) return 'broken';
    if (symbol < 256) {
      this.#emit(symbol);
      return 'symbols';
    }
    if (symbol === 256) return 'block-header';
    const lengthBase = LENGTH_BASE[symbol - 257];
    if (lengthBase === undefined) return 'broken';
    const length = lengthBase + this.#bits(LENGTH_EXTRA[symbol - 257] ?? 0);
    const distanceSymbol = readSymbol(this.#distances, this.#bit);
    const distanceBase = distanceSymbol === undefined ? undefined : DISTANCE_BASE[distanceSymbol];
    if (distanceSymbol === undefined || distanceBase === undefined) return 'broken';
    const distance = distanceBase + this.#bits(DISTANCE_EXTRA[distanceSymbol] ?? 0);
    if (distance > this.#produced) return 'broken';
    for (let count = 0; count < length; count++)
      this.#emit(this.#window[(this.#windowAt - distance + WINDOW_SIZE) % WINDOW_SIZE] ?? 0);
    return 'symbols';
  }

  #adler(): Step {
    this.#alignToByte();
    let wanted = 0;
    for (let count = 0; count < 4; count++) wanted = wanted * 256 + this.#bits(8);
    return wanted === this.#adlerB * 65_536 + this.#adlerA ? 'done' : 'bad-adler';
  }

  #emit(byte: number): void {
    this.#output.push(byte);
    this.#window[this.#windowAt] = byte;
    this.#windowAt = (this.#windowAt + 1) % WINDOW_SIZE;
    if (this.#produced < WINDOW_SIZE) this.#produced++;
    this.#adlerA = (this.#adlerA + byte) % ADLER_MODULUS;
    this.#adlerB = (this.#adlerB + this.#adlerA) % ADLER_MODULUS;
  }

  #readBit(): number {
    const byte = this.#input[this.#byteAt];
    if (byte === undefined) throw OUT_OF_INPUT;
    const bit = (byte >> this.#bitAt) & 1;
    this.#bitAt++;
    if (this.#bitAt === 8) {
      this.#bitAt = 0;
      this.#byteAt++;
    }
    return bit;
  }

  #bits(count: number): number {
    let value = 0;
    for (let at = 0; at < count; at++) value |= this.#readBit() << at;
    return value;
  }

  #alignToByte(): void {
    if (this.#bitAt === 0) return;
    this.#bitAt = 0;
    this.#byteAt++;
  }
}
