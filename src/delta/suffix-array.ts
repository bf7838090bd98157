/**
 * Starts of all suffixes of `text` in the order of the suffixes, in linear time by induced sorting.
 * Source: Nong, Zhang, Chan: "Linear Suffix Array Construction by Almost Pure Induced-Sorting" (2009).
 */
export function suffixArray(text: Uint8Array): Int32Array {
  return sortSuffixes(Int32Array.from(text), 256);
}

/** `symbols` are in 0 to `alphabet` - 1. */
function sortSuffixes(symbols: Int32Array, alphabet: number): Int32Array {
  const n = symbols.length;
  if (n < 2) return new Int32Array(n);
  const at = (place: number): number => symbols[place] ?? -1;

  // A suffix is small (1) when it sorts before the one that starts behind its first symbol.
  const small = new Uint8Array(n);
  for (let i = n - 2; i >= 0; i--)
    small[i] = at(i) === at(i + 1) ? (small[i + 1] ?? 0) : at(i) < at(i + 1) ? 1 : 0;
  const isLeftmostSmall = (place: number): boolean =>
    place > 0 && small[place] === 1 && small[place - 1] === 0;
  const leftmost = new Int32Array(n).subarray(0, countWhere(n, isLeftmostSmall));
  for (let i = 1, found = 0; i < n; i++) if (isLeftmostSmall(i)) leftmost[found++] = i;

  const buckets = new Buckets(symbols, alphabet);
  const order = new Int32Array(n);
  induce(order, symbols, small, buckets, leftmost);
  if (leftmost.length === 0) return order;

  // Name the substrings between leftmost small places by their rank; equal ones share a name.
  const numberOf = new Int32Array(n + 1).fill(-1);
  for (const [index, place] of leftmost.entries()) numberOf[place] = index;
  const names = new Int32Array(leftmost.length);
  let name = -1;
  let previous = -1;
  for (const place of order) {
    const index = numberOf[place] ?? -1;
    if (index < 0) continue;
    if (previous < 0 || !sameSubstring(symbols, leftmost, numberOf[previous] ?? 0, index)) name++;
    names[index] = name;
    previous = place;
  }
  const ranked = sortSuffixes(names, name + 1);
  const sorted = ranked.map((index) => leftmost[index] ?? 0);
  induce(order, symbols, small, buckets, sorted);
  return order;
}

function countWhere(n: number, test: (place: number) => boolean): number {
  let count = 0;
  for (let i = 0; i < n; i++) if (test(i)) count++;
  return count;
}

/** Where the suffixes of each first symbol begin and end in the order. */
class Buckets {
  readonly starts: Int32Array;
  readonly ends: Int32Array;

  constructor(symbols: Int32Array, alphabet: number) {
    this.starts = new Int32Array(alphabet);
    this.ends = new Int32Array(alphabet);
    for (const symbol of symbols) this.ends[symbol] = (this.ends[symbol] ?? 0) + 1;
    for (let symbol = 0, total = 0; symbol < alphabet; symbol++) {
      this.starts[symbol] = total;
      total += this.ends[symbol] ?? 0;
      this.ends[symbol] = total;
    }
  }
}

/** Sorts all suffixes, given the leftmost small ones in order (or their substrings in any order). */
function induce(
  order: Int32Array,
  symbols: Int32Array,
  small: Uint8Array,
  buckets: Buckets,
  leftmost: Int32Array,
): void {
  const n = symbols.length;
  order.fill(-1);
  const tails = buckets.ends.slice();
  const heads = buckets.starts.slice();
  const toTail = (place: number): void => {
    const symbol = symbols[place] ?? 0;
    const slot = (tails[symbol] ?? 0) - 1;
    tails[symbol] = slot;
    order[slot] = place;
  };
  const toHead = (place: number): void => {
    const symbol = symbols[place] ?? 0;
    const slot = heads[symbol] ?? 0;
    heads[symbol] = slot + 1;
    order[slot] = place;
  };
  for (let i = leftmost.length - 1; i >= 0; i--) toTail(leftmost[i] ?? 0);
  // The suffix after the last symbol is empty and sorts first: it induces the last one.
  toHead(n - 1);
  for (let i = 0; i < n; i++) {
    const before = (order[i] ?? 0) - 1;
    if (before >= 0 && small[before] === 0) toHead(before);
  }
  tails.set(buckets.ends);
  for (let i = n - 1; i >= 0; i--) {
    const before = (order[i] ?? 0) - 1;
    if (before >= 0 && small[before] === 1) toTail(before);
  }
}

/** Whether two substrings, each up to and with the next leftmost small place, are equal. */
function sameSubstring(symbols: Int32Array, leftmost: Int32Array, a: number, b: number): boolean {
  const endA = leftmost[a + 1];
  const endB = leftmost[b + 1];
  // The last substring ends with the text, which no other one does.
  if (endA === undefined || endB === undefined) return false;
  const startA = leftmost[a] ?? 0;
  const startB = leftmost[b] ?? 0;
  if (endA - startA !== endB - startB) return false;
  for (let i = 0; i <= endA - startA; i++) if (symbols[startA + i] !== symbols[startB + i]) return false;
  return true;
}
