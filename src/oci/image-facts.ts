import { APP_DESCRIPTION_OFFSET, parseAppDescription } from '../esp/app-description.ts';
import { type VerifiedImage, verifyAppImage } from '../esp/app-image.ts';
import { roundUp, toHex } from '../esp/byte-fields.ts';
import { readSignatureBlocks } from '../esp/secure-boot-v2.ts';
import type { TargetNeeds } from './firmware-target.ts';
import { accept, type Decoded, refuse } from './refusal.ts';

/** What an app image says of itself, after everything in it that can be checked was. */
export interface ImageFacts extends Pick<TargetNeeds, 'chipRevisionMin' | 'chipRevisionMax' | 'keyId'> {
  readonly chipId: number;
  /** What a board that runs it measures: SHA-256 without the signature sector, 64 hex digits. */
  readonly measurement: string;
  /** Zero for an image without app description, as are the digits of `elfSha256`. */
  readonly secureVersion: number;
  readonly elfSha256: string;
  readonly projectName?: string;
  readonly version?: string;
  readonly idfVersion?: string;
}

/** No bound: any revision. Source: esp-idf, esp_app_format.h, max_chip_rev_full. */
const NO_REVISION_BOUND = 0xffff;

/** By array: the devices of a node share images, and each needs to be looked through once. */
const known = new WeakMap<Uint8Array, Decoded<ImageFacts>>();

/**
 * Looks through an app image: header, segments, checksum, hash, description, signature block.
 *
 * The array must not change afterwards: asked again for the same one, it answers from memory.
 */
export function readImageFacts(image: Uint8Array): Decoded<ImageFacts> {
  let facts = known.get(image);
  if (facts === undefined) {
    facts = lookThrough(image);
    known.set(image, facts);
  }
  return facts;
}

function lookThrough(image: Uint8Array): Decoded<ImageFacts> {
  const verified = verifyAppImage(image);
  if (!verified.ok) {
    const { offset, message } = verified.refusal;
    return refuse('malformed', `byte ${offset}`, message);
  }
  const { header, measurement } = verified.value;
  const description = parseAppDescription(image, APP_DESCRIPTION_OFFSET);
  const { chipRevisionMin: min, chipRevisionMax: max } = header;
  const keyId = keyOf(image, verified.value);
  return accept({
    chipId: header.chipId,
    measurement,
    ...(min === 0 ? {} : { chipRevisionMin: min }),
    ...(max === 0 || max === NO_REVISION_BOUND ? {} : { chipRevisionMax: max }),
    ...(keyId === undefined ? {} : { keyId }),
    ...(description.ok
      ? {
          secureVersion: description.value.secureVersion,
          elfSha256: toHex(description.value.elfSha256),
          projectName: description.value.projectName,
          version: description.value.version,
          idfVersion: description.value.idfVersion,
        }
      : { secureVersion: 0, elfSha256: '0'.repeat(64) }),
  });
}

/** Digest of the first Secure Boot V2 key behind the image; undefined when nothing is signed there. */
function keyOf(image: Uint8Array, { imageLength }: VerifiedImage): string | undefined {
  const sector = roundUp(imageLength, 0x1000);
  if (image.length < sector + 0x1000) return undefined;
  return readSignatureBlocks(image.subarray(0, sector + 0x1000))[0]?.keyDigest;
}
