import { createHash } from 'node:crypto';
import { parseAppImage } from '../esp/app-image.ts';
import { viewOf } from '../esp/byte-fields.ts';
import { accept, type Decoded } from '../esp/refusal.ts';
import { type DeltaRefusalCode, refuseDelta } from './refusal.ts';

/**
 * A delta file, as Espressif's esp_delta_ota component takes it: 64 bytes of magic, the base's
 * validation hash and zeros, then a detools patch. Source: idf-extra-components, esp_delta_ota,
 * examples/https_delta_ota, main.c and esp_delta_ota_patch_gen.py.
 */
export const DELTA_HEADER_BYTES = 64;
const MAGIC = 0xfccdde10;
const HASH_OFFSET = 4;
const HASH_BYTES = 32;

export function encodeDeltaHeader(baseHash: Uint8Array): Uint8Array {
  if (baseHash.length !== HASH_BYTES)
    throw new RangeError(`a base hash has ${HASH_BYTES} bytes, not ${baseHash.length}`);
  const header = new Uint8Array(DELTA_HEADER_BYTES);
  viewOf(header).setUint32(0, MAGIC, true);
  header.set(baseHash, HASH_OFFSET);
  return header;
}

/** The base's validation hash. The reserved bytes are not looked at, as on a device. */
export function parseDeltaHeader(header: Uint8Array): Decoded<Uint8Array, DeltaRefusalCode> {
  if (header.length < DELTA_HEADER_BYTES)
    return {
      ok: false,
      refusal: refuseDelta('truncated', 0, `a delta file begins with ${DELTA_HEADER_BYTES} bytes of header`),
    };
  if (viewOf(header).getUint32(0, true) !== MAGIC)
    return {
      ok: false,
      refusal: refuseDelta('bad-magic', 0, 'no delta file: the magic 0xfccdde10 is missing'),
    };
  return accept(header.slice(HASH_OFFSET, HASH_OFFSET + HASH_BYTES));
}

/** What a delta may take from a base image, and what it is known by. */
export interface DeltaBase {
  /**
   * The measured part of the image: header to appended hash. A signature sector after it differs
   * between boards that report the same measurement, so no delta of ours reads it.
   */
  readonly bytes: Uint8Array;
  /** What esp_partition_get_sha256 says of the slot: the appended hash, or one over all where there is none. */
  readonly validationHash: Uint8Array;
  /** SHA-256 over `bytes`, lower-case hex: what the board reports in its evidence. */
  readonly measurement: string;
}

/** Reads a base from an app image or from a whole slot; undefined when there is no app image. */
export function deltaBaseOf(image: Uint8Array): DeltaBase | undefined {
  const parsed = parseAppImage(image);
  if (!parsed.ok) return undefined;
  const bytes = image.subarray(0, parsed.value.imageLength);
  const digest = createHash('sha256').update(bytes).digest();
  return {
    bytes,
    validationHash: parsed.value.storedHash ?? new Uint8Array(digest),
    measurement: digest.toString('hex'),
  };
}
