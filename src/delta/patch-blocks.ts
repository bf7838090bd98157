import { LongestMatch } from './longest-match.ts';

/** A stretch of the target: first what resembles the base, then what does not. */
export interface PatchBlock {
  readonly targetFrom: number;
  readonly baseFrom: number;
  /** Bytes to be stored as differences to the base. */
  readonly diffBytes: number;
  /** Bytes after them to be stored as they are. */
  readonly extraBytes: number;
}

/** A match must agree with the target in more places than the present alignment by this to break it. */
const GAIN_MIN = 8;

/**
 * Cuts `target` into blocks, in order and without gaps, so that differences to `base` are mostly zeros.
 *
 * A place where the two agree is an anchor; between two anchors the alignment of each is drawn out as far
 * as more than half of its bytes agree. Source: Percival, "Naive Differences of Executable Code" (2003).
 */
export function planBlocks(base: Uint8Array, target: Uint8Array): PatchBlock[] {
  const blocks: PatchBlock[] = [];
  const match = new LongestMatch(base);
  let aligned = { target: 0, base: 0 };
  let scan = 0;
  while (scan < target.length) {
    const anchor = findAnchor(match, base, target, scan, aligned.base - aligned.target);
    const next = anchor ?? { target: target.length, base: 0, length: 0 };
    let forward = reachForward(base, target, aligned, next.target);
    let backward = anchor === undefined ? 0 : reachBackward(base, target, aligned.target, next);
    const overlap = aligned.target + forward - (next.target - backward);
    if (overlap > 0) {
      const kept = splitOverlap(base, target, aligned, next, forward - overlap, overlap);
      forward -= overlap - kept;
      backward -= kept;
    }
    const targetTo = next.target - backward;
    if (targetTo > aligned.target)
      blocks.push({
        targetFrom: aligned.target,
        baseFrom: aligned.base,
        diffBytes: forward,
        extraBytes: targetTo - aligned.target - forward,
      });
    aligned = { target: targetTo, base: next.base - backward };
    scan = next.target + next.length;
  }
  // An anchor that reaches the end of the target leaves its own stretch to be said.
  if (aligned.target < target.length)
    blocks.push({
      targetFrom: aligned.target,
      baseFrom: aligned.base,
      diffBytes: target.length - aligned.target,
      extraBytes: 0,
    });
  return blocks;
}

interface Alignment {
  readonly target: number;
  readonly base: number;
}

/** The next place where another alignment than `offset` pays, with the length of its match. */
function findAnchor(
  match: LongestMatch,
  base: Uint8Array,
  target: Uint8Array,
  from: number,
  offset: number,
): (Alignment & { readonly length: number }) | undefined {
  const agrees = (place: number): number => (base[place + offset] === target[place] ? 1 : 0);
  let place = from;
  let countedTo = from;
  /** How many of the places from `place` to `countedTo` the present alignment gets right. */
  let right = 0;
  while (place < target.length) {
    match.search(target, place);
    const end = place + match.length;
    for (; countedTo < end; countedTo++) right += agrees(countedTo);
    if (match.length > right + GAIN_MIN) return { target: place, base: match.position, length: match.length };
    if (match.length > 0 && match.length === right) {
      // The present alignment does as well: nothing to gain before the end of the match.
      place = end;
      countedTo = end;
      right = 0;
      continue;
    }
    if (countedTo > place) right -= agrees(place);
    else countedTo = place + 1;
    place++;
  }
  return undefined;
}

/** How far from `start` the alignment holds, at most to `limit`: the length with the best score. */
function reachForward(base: Uint8Array, target: Uint8Array, start: Alignment, limit: number): number {
  let score = 0;
  let best = 0;
  let length = 0;
  const most = Math.min(limit - start.target, base.length - start.base);
  for (let i = 0; i < most; i++) {
    score += base[start.base + i] === target[start.target + i] ? 1 : -1;
    if (score > best) {
      best = score;
      length = i + 1;
    }
  }
  return length;
}

/** As `reachForward`, from `end` backwards, at most to `limit`. */
function reachBackward(base: Uint8Array, target: Uint8Array, limit: number, end: Alignment): number {
  let score = 0;
  let best = 0;
  let length = 0;
  const most = Math.min(end.target - limit, end.base);
  for (let i = 1; i <= most; i++) {
    score += base[end.base - i] === target[end.target - i] ? 1 : -1;
    if (score > best) {
      best = score;
      length = i;
    }
  }
  return length;
}

/** How many of the `overlap` bytes that both alignments claim the first one should keep. */
function splitOverlap(
  base: Uint8Array,
  target: Uint8Array,
  first: Alignment,
  second: Alignment,
  from: number,
  overlap: number,
): number {
  const shift = second.base - second.target;
  let score = 0;
  let best = 0;
  let kept = 0;
  for (let i = 0; i < overlap; i++) {
    const place = first.target + from + i;
    if (base[first.base + from + i] === target[place]) score++;
    if (base[place + shift] === target[place]) score--;
    if (score > best) {
      best = score;
      kept = i + 1;
    }
  }
  return kept;
}
