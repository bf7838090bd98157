/** Codes of up to 15 bits. Source: RFC 1951, section 3.2.2. */
const CODE_BITS_MAX = 15;

/** A canonical Huffman code: how many codes of each length, and their symbols in code order. */
export interface HuffmanCode {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

/** Undefined for lengths that leave two symbols one code; an incomplete code is kept, its gaps fail when met. */
export function huffmanCode(lengths: readonly number[]): HuffmanCode | undefined {
  const counts = new Uint16Array(CODE_BITS_MAX + 1);
  for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
  counts[0] = 0;
  let room = 1;
  const offsets = new Uint16Array(CODE_BITS_MAX + 2);
  for (let bits = 1; bits <= CODE_BITS_MAX; bits++) {
    const count = counts[bits] ?? 0;
    room = room * 2 - count;
    if (room < 0) return undefined;
    offsets[bits + 1] = (offsets[bits] ?? 0) + count;
  }
  const symbols = new Uint16Array(lengths.length);
  lengths.forEach((length, symbol) => {
    if (length === 0) return;
    const at = offsets[length] ?? 0;
    symbols[at] = symbol;
    offsets[length] = at + 1;
  });
  return { counts, symbols };
}

/** The next symbol; undefined when no code of 15 bits or less fits. `bit` gives the stream's bits in order. */
export function readSymbol(code: HuffmanCode, bit: () => number): number | undefined {
  let value = 0;
  let first = 0;
  let index = 0;
  for (let bits = 1; bits <= CODE_BITS_MAX; bits++) {
    value |= bit();
    const count = code.counts[bits] ?? 0;
    if (value - count < first) return code.symbols[index + value - first];
    index += count;
    first = (first + count) << 1;
    value <<= 1;
  }
  return undefined;
}

const fixedLengths = Array.from({ length: 288 }, (_, symbol) =>
  symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
);

/** Source: RFC 1951, section 3.2.6. */
export const FIXED_LITERALS = huffmanCode(fixedLengths) as HuffmanCode;
export const FIXED_DISTANCES = huffmanCode(new Array<number>(30).fill(5)) as HuffmanCode;
