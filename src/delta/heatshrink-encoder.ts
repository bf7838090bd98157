import {
  DEVICE_HEATSHRINK,
  encodeHeatshrinkHeader,
  type HeatshrinkParameters,
} from './heatshrink-decoder.ts';

const LITERAL_BITS = 9;

/**
 * The shortest heatshrink stream for `data`, detools' parameter byte before it.
 *
 * All back references cost the same, and what remains never gets dearer by being shorter; so at each
 * place only the longest reference competes with the literal, and one pass from the end decides.
 */
export function encodeHeatshrink(
  data: Uint8Array,
  parameters: HeatshrinkParameters = DEVICE_HEATSHRINK,
): Uint8Array {
  const { windowBits, lookaheadBits } = parameters;
  const { lengths, distances } = findReferences(data, 1 << windowBits, 1 << lookaheadBits);
  const referenceBits = 1 + windowBits + lookaheadBits;
  const cost = new Float64Array(data.length + 1);
  for (let at = data.length - 1; at >= 0; at--) {
    const literal = LITERAL_BITS + (cost[at + 1] ?? 0);
    const length = lengths[at] ?? 0;
    const reference = length === 0 ? Number.POSITIVE_INFINITY : referenceBits + (cost[at + length] ?? 0);
    cost[at] = Math.min(literal, reference);
    if (literal <= reference) lengths[at] = 0;
  }
  const writer = new BitWriter(Math.ceil((cost[0] ?? 0) / 8));
  for (let at = 0; at < data.length; ) {
    const length = lengths[at] ?? 0;
    if (length === 0) {
      writer.put(1, 1);
      writer.put(data[at] ?? 0, 8);
      at++;
    } else {
      writer.put(0, 1);
      writer.put((distances[at] ?? 1) - 1, windowBits);
      writer.put(length - 1, lookaheadBits);
      at += length;
    }
  }
  return new Uint8Array(Buffer.concat([Uint8Array.of(encodeHeatshrinkHeader(parameters)), writer.bytes]));
}

/** The longest reference at each place, the nearest of equal ones; length 0 where there is none. */
function findReferences(
  data: Uint8Array,
  windowBytes: number,
  lengthMax: number,
): { lengths: Uint16Array; distances: Uint16Array } {
  const lengths = new Uint16Array(data.length);
  const distances = new Uint16Array(data.length);
  // Places with equal pairs of bytes, linked backwards, so that only candidates are looked at.
  const latest = new Int32Array(0x10000).fill(-1);
  const previous = new Int32Array(data.length).fill(-1);
  for (let at = 0; at + 1 < data.length; at++) {
    const pair = ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
    const longest = Math.min(lengthMax, data.length - at);
    let best = 0;
    for (let from = latest[pair] ?? -1; from >= 0 && at - from <= windowBytes; from = previous[from] ?? -1) {
      if (best > 0 && data[from + best] !== data[at + best]) continue;
      let length = 2;
      while (length < longest && data[from + length] === data[at + length]) length++;
      if (length <= best) continue;
      best = length;
      lengths[at] = length;
      distances[at] = at - from;
      if (length === longest) break;
    }
    previous[at] = latest[pair] ?? -1;
    latest[pair] = at;
  }
  return { lengths, distances };
}

class BitWriter {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
  }

  /** Appends `count` bits, the most significant first. */
  put(value: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--, this.#at++)
      if (((value >>> bit) & 1) === 1)
        this.bytes[this.#at >> 3] = (this.bytes[this.#at >> 3] ?? 0) | (0x80 >> (this.#at & 7));
  }
}
