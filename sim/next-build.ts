import { viewOf } from '../src/esp/byte-fields.ts';
import type { Random } from '../src/random/random.ts';

/** Functions that a developer touched, bytes that each loses or gains at most, and bytes of it that are new. */
const CHANGES = 4;
const SHIFT_MAX = 64;
const NEW_BYTES = 200;
/** About one word in so many holds an address. */
const WORDS_PER_ADDRESS = 96;

/**
 * What the next build of a program looks like: the same bytes but for a few functions, everything behind
 * them moved, and every address of what moved changed by as much. The result is as long as `previous`.
 *
 * Addresses far apart that all change are what makes the deltas of real programs as large as they are: two to
 * five per cent of the image, which is what comes out here.
 */
export function nextBuild(previous: Uint8Array, random: Random): Uint8Array {
  const next = new Uint8Array(previous.length);
  const part = Math.floor(previous.length / (CHANGES + 1));
  let at = 0;
  let from = 0;
  for (let change = 0; change <= CHANGES; change++) {
    const shifted = at - from;
    const until =
      change === CHANGES ? next.length : Math.min(next.length, at + (part >> 1) + random.int(part + 1));
    const kept = previous.subarray(from, from + until - at);
    next.set(kept, at);
    moveAddresses(next.subarray(at, at + kept.length), shifted, random.split(`addresses/${change}`));
    // Where the program grew shorter, its end is new.
    next.set(random.split('end').bytes(until - at - kept.length), at + kept.length);
    at = until;
    from += kept.length;
    const fresh = random.split(`function/${change}`).bytes(Math.min(NEW_BYTES, next.length - at));
    next.set(fresh, at);
    at += fresh.length;
    from += fresh.length + 4 * (random.int(SHIFT_MAX / 2) - SHIFT_MAX / 4);
  }
  return next;
}

/** Adds to one word here and there what its target moved by. */
function moveAddresses(code: Uint8Array, byBytes: number, random: Random): void {
  if (byBytes === 0) return;
  const view = viewOf(code);
  const step = () => 4 * (1 + random.int(2 * WORDS_PER_ADDRESS));
  for (let offset = step(); offset + 4 <= code.length; offset += step())
    view.setUint32(offset, (view.getUint32(offset, true) + byBytes) >>> 0, true);
}
