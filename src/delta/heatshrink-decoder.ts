import { type Decompressor, EMIT_BYTES_MAX, type Emit } from './decompressor.ts';

/** log2 of the window and of the longest back reference, both in bytes. */
export interface HeatshrinkParameters {
  readonly windowBits: number;
  readonly lookaheadBits: number;
}

/**
 * What detools writes by default, and the only parameters that its C code accepts as esp_delta_ota
 * builds it (static allocation). Source: detools, c/heatshrink/heatshrink_config.h.
 */
export const DEVICE_HEATSHRINK: HeatshrinkParameters = { windowBits: 8, lookaheadBits: 7 };

/** Bounds of both. Source: heatshrink, heatshrink_common.h. */
const WINDOW_BITS_MIN = 4;
export const WINDOW_BITS_MAX = 15;
const LOOKAHEAD_BITS_MIN = 3;

/** detools puts the parameters in one byte before the stream. Source: detools, compression/heatshrink.py. */
export function encodeHeatshrinkHeader(parameters: HeatshrinkParameters): number {
  const { windowBits, lookaheadBits } = parameters;
  return ((windowBits - WINDOW_BITS_MIN) << 4) | (lookaheadBits - LOOKAHEAD_BITS_MIN);
}

type State = 'header' | 'tag' | 'literal' | 'distance' | 'count';

/**
 * Heatshrink's bit stream, most significant bit first: 1 and a byte, or 0, a distance less one and a
 * count less one into the last bytes decoded. The window begins as zeros, and references may reach them.
 * Source: heatshrink, README and heatshrink_decoder.c.
 */
export class HeatshrinkDecoder implements Decompressor {
  readonly #windowBitsMax: number;
  readonly #out = new Uint8Array(EMIT_BYTES_MAX);
  #outLength = 0;
  #window = new Uint8Array(0);
  #head = 0;
  #lookaheadBits = 0;
  #state: State = 'header';
  #distance = 0;
  /** Bits read and not used yet, at most 22 of them. */
  #bits = 0;
  #bitCount = 0;

  constructor(windowBitsMax: number = DEVICE_HEATSHRINK.windowBits) {
    this.#windowBitsMax = windowBitsMax;
  }

  /** The last byte is filled up with zeros, which look like the beginning of a back reference. */
  get atEnd(): boolean {
    if (this.#state === 'tag') return this.#bitCount === 0;
    return this.#state === 'distance' && this.#bitCount < 7 && this.#bits === 0;
  }

  push(chunk: Uint8Array, emit: Emit): string | undefined {
    for (const byte of chunk) {
      if (this.#state === 'header') {
        const fault = this.#start(byte);
        if (fault !== undefined) return fault;
        continue;
      }
      this.#bits = (this.#bits << 8) | byte;
      this.#bitCount += 8;
      if (!this.#drain(emit)) return undefined;
    }
    this.#flush(emit);
    return undefined;
  }

  #start(byte: number): string | undefined {
    const windowBits = (byte >> 4) + WINDOW_BITS_MIN;
    const lookaheadBits = (byte & 0xf) + LOOKAHEAD_BITS_MIN;
    if (windowBits > this.#windowBitsMax)
      return `heatshrink window of ${windowBits} bits; at most ${this.#windowBitsMax} are allowed here`;
    if (lookaheadBits >= windowBits)
      return `heatshrink lookahead of ${lookaheadBits} bits in a window of ${windowBits}`;
    this.#window = new Uint8Array(1 << windowBits);
    this.#lookaheadBits = lookaheadBits;
    this.#state = 'tag';
    return undefined;
  }

  /** Decodes what the bits at hand hold; false when `emit` said to stop. */
  #drain(emit: Emit): boolean {
    const windowBits = 31 - Math.clz32(this.#window.length);
    for (;;) {
      const need =
        this.#state === 'tag'
          ? 1
          : this.#state === 'literal'
            ? 8
            : this.#state === 'distance'
              ? windowBits
              : this.#lookaheadBits;
      if (this.#bitCount < need) return true;
      const value = this.#bits >>> (this.#bitCount - need);
      this.#bitCount -= need;
      this.#bits &= (1 << this.#bitCount) - 1;
      switch (this.#state) {
        case 'tag':
          this.#state = value === 1 ? 'literal' : 'distance';
          break;
        case 'distance':
          this.#distance = value + 1;
          this.#state = 'count';
          break;
        case 'literal':
          this.#state = 'tag';
          if (!this.#put(value, emit)) return false;
          break;
        default:
          this.#state = 'tag';
          for (let count = value + 1; count > 0; count--) {
            const from = (this.#head - this.#distance) & (this.#window.length - 1);
            if (!this.#put(this.#window[from] ?? 0, emit)) return false;
          }
      }
    }
  }

  #put(byte: number, emit: Emit): boolean {
    this.#window[this.#head] = byte;
    this.#head = (this.#head + 1) & (this.#window.length - 1);
    this.#out[this.#outLength++] = byte;
    return this.#outLength < EMIT_BYTES_MAX || this.#flush(emit);
  }

  #flush(emit: Emit): boolean {
    const length = this.#outLength;
    this.#outLength = 0;
    return length === 0 || emit(this.#out.subarray(0, length));
  }
}
