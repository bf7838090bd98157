import { createDelta } from '../delta/create-patch.ts';
import { deltaBaseOf } from '../delta/delta-file.ts';
import { chipIdInImage, describeChipId } from './chip.ts';
import { type Digest, digestOf } from './digest.ts';
import { accept, type Decoded, refuse } from './refusal.ts';

/** A delta ready to be stored, and what it is known by. */
export interface PackedDelta {
  /** A delta file. */
  readonly bytes: Uint8Array;
  /** What the base measures to. */
  readonly from: Digest;
  readonly imageDigest: Digest;
}

/**
 * Makes the delta that brings boards which run `base` to `image`. The same images give the same bytes.
 *
 * Refused: a base that is no app image, or for another chip, and a delta that would not be smaller.
 */
export function packDelta(base: Uint8Array, image: Uint8Array): Decoded<PackedDelta> {
  const from = deltaBaseOf(base);
  if (from === undefined) return refuse('malformed', 'base', 'is no ESP-IDF app image');
  const [wanted, present] = [chipIdInImage(image), chipIdInImage(base)];
  if (wanted === undefined || present === undefined)
    return refuse('malformed', 'image', 'is no ESP-IDF app image');
  if (wanted !== present)
    return refuse(
      'malformed',
      'base',
      `is for ${describeChipId(present)}, the image for ${describeChipId(wanted)}`,
    );
  const bytes = createDelta(from, image);
  if (bytes.length >= image.length)
    return refuse('too-large', 'delta', `of ${bytes.length} bytes is no smaller than the image; send that`);
  return accept({ bytes, from: `sha256:${from.measurement}`, imageDigest: digestOf(image) });
}
