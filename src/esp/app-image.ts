import { createHash } from 'node:crypto';
import { APP_DESCRIPTION_OFFSET, type AppDescription, parseAppDescription } from './app-description.ts';
import { bytesEqual, roundUp, toHex, viewOf } from './byte-fields.ts';
import { type Chip, chipOfId, contains, isMapped } from './chips.ts';
import { accept, type Decoded, type Refusal, refuse } from './refusal.ts';

/** Source for layout and limits: esp-idf, esp_app_format.h and esp_image_format.c. */
export const IMAGE_HEADER_SIZE = 24;
export const IMAGE_MAGIC = 0xe9;
export const SEGMENT_HEADER_SIZE = 8;
export const SEGMENTS_MAX = 16;
export const CHECKSUM_SEED = 0xef;
export const HASH_SIZE = 32;
const SIXTEEN_MIB = 0x1000000;
/** Load addresses below this are not loaded: padding and reserved blocks. */
const LOADED_FROM = 0x10000000;
const NO_REVISION_BOUND = 0xffff;

export interface ImageHeader {
  readonly segmentCount: number;
  /** 0 QIO, 1 QOUT, 2 DIO, 3 DOUT, 4 fast read, 5 slow read. */
  readonly spiMode: number;
  /** 0 ÷2, 1 ÷3, 2 ÷4, 15 ÷1 of 80 MHz. */
  readonly spiSpeed: number;
  /** log2 of the flash size in MiB. */
  readonly spiSize: number;
  readonly entryAddress: number;
  readonly wpPin: number;
  readonly chipId: number;
  /** Bounds on the chip revision, major × 100 + minor; `max` 0 or 65535 is no bound. */
  readonly chipRevisionMin: number;
  readonly chipRevisionMax: number;
  readonly hashAppended: boolean;
}

export interface ImageSegment {
  readonly loadAddress: number;
  /** Where the data begin, from the start of the image. */
  readonly dataOffset: number;
  readonly length: number;
}

export interface AppImage {
  readonly header: ImageHeader;
  readonly segments: readonly ImageSegment[];
  readonly checksum: number;
  /** From the header to the end of checksum and appended hash; a signature sector comes after. */
  readonly imageLength: number;
  /** The hash as stored; undefined when the image carries none. */
  readonly storedHash: Uint8Array | undefined;
  /** Undefined for images that are not ESP-IDF apps (a bootloader, a bare program). */
  readonly description: AppDescription | undefined;
}

export interface VerifiedImage extends AppImage {
  /** SHA-256 over all `imageLength` bytes, appended hash included, lower-case hex: what evidence reports. */
  readonly measurement: string;
}

export type AppImageRefusal =
  | 'too-short'
  | 'bad-magic'
  | 'bad-segment-count'
  | 'bad-segment-length'
  | 'past-end'
  | 'wrong-chip'
  | 'chip-too-old'
  | 'chip-too-new'
  | 'misaligned-mapping'
  | 'bad-load-address'
  | 'bad-checksum'
  | 'bad-hash';

/** What the reader is: the image must be made for it. Left-out members are not checked. */
export interface ImageExpectation {
  readonly chip?: Chip;
  /** Revision of that part, major × 100 + minor. */
  readonly chipRevision?: number;
  /** A bootloader is loaded by the mask ROM, into memory no app may load to: where it goes is not checked. */
  readonly kind?: 'app' | 'bootloader';
}

/** Reads the structure; says nothing about integrity. Trailing bytes (a slot's rest, a signature) are ignored. */
export function parseAppImage(bytes: Uint8Array): Decoded<AppImage, AppImageRefusal> {
  const header = parseHeader(bytes);
  if (!header.ok) return header;
  const view = viewOf(bytes);
  const segments: ImageSegment[] = [];
  let offset = IMAGE_HEADER_SIZE;
  for (let index = 0; index < header.value.segmentCount; index++) {
    if (offset + SEGMENT_HEADER_SIZE > bytes.length)
      return refuse('past-end', offset, `segment ${index} begins past the end: the image is cut short`);
    const length = view.getUint32(offset + 4, true);
    if (length % 4 !== 0 || length >= SIXTEEN_MIB)
      return refuse('bad-segment-length', offset + 4, `segment ${index} has length ${length}`);
    const dataOffset = offset + SEGMENT_HEADER_SIZE;
    if (dataOffset + length > bytes.length)
      return refuse('past-end', dataOffset, `segment ${index} runs past the end: the image is cut short`);
    segments.push({ loadAddress: view.getUint32(offset, true), dataOffset, length });
    offset = dataOffset + length;
  }
  const hashOffset = roundUp(offset + 1, 16);
  const imageLength = hashOffset + (header.value.hashAppended ? HASH_SIZE : 0);
  if (imageLength > bytes.length)
    return refuse('past-end', offset, 'checksum or hash is missing: the image is cut short');
  const description = parseAppDescription(bytes, APP_DESCRIPTION_OFFSET);
  return accept({
    header: header.value,
    segments,
    checksum: bytes[hashOffset - 1] ?? 0,
    imageLength,
    storedHash: header.value.hashAppended ? bytes.slice(hashOffset, imageLength) : undefined,
    description: description.ok ? description.value : undefined,
  });
}

/** Everything a bootloader checks before it jumps, in its order, but for signatures. */
export function verifyAppImage(
  bytes: Uint8Array,
  expectation: ImageExpectation = {},
): Decoded<VerifiedImage, AppImageRefusal> {
  const header = parseHeader(bytes);
  if (!header.ok) return header;
  const unfit = checkTarget(header.value, expectation);
  if (unfit !== undefined) return { ok: false, refusal: unfit };
  const parsed = parseAppImage(bytes);
  if (!parsed.ok) return parsed;
  const image = parsed.value;
  const chip = expectation.chip ?? chipOfId(image.header.chipId);
  const placed = chip === undefined || expectation.kind === 'bootloader';
  const misplaced = placed ? undefined : checkPlacement(image, chip);
  if (misplaced !== undefined) return { ok: false, refusal: misplaced };

  const checksum = imageChecksum(bytes, image);
  if (checksum !== image.checksum)
    return refuse(
      'bad-checksum',
      0,
      `checksum is 0x${checksum.toString(16)}, the image says 0x${image.checksum.toString(16)}`,
    );

  const whole = createHash('sha256');
  if (image.storedHash !== undefined) {
    const hashOffset = image.imageLength - HASH_SIZE;
    whole.update(bytes.subarray(0, hashOffset));
    if (!bytesEqual(whole.copy().digest(), image.storedHash))
      return refuse('bad-hash', hashOffset, 'the appended SHA-256 does not match: the image is corrupted');
    whole.update(image.storedHash);
  } else {
    whole.update(bytes.subarray(0, image.imageLength));
  }
  return accept({ ...image, measurement: toHex(whole.digest()) });
}

/** What the checksum byte ought to be: the XOR of all segment data, headers left out. */
export function imageChecksum(bytes: Uint8Array, image: AppImage): number {
  let checksum = CHECKSUM_SEED;
  for (const { dataOffset, length } of image.segments) {
    const end = dataOffset + length;
    for (let at = dataOffset; at < end; at++) checksum ^= bytes[at] ?? 0;
  }
  return checksum;
}

function parseHeader(bytes: Uint8Array): Decoded<ImageHeader, AppImageRefusal> {
  if (bytes.length < IMAGE_HEADER_SIZE)
    return refuse('too-short', bytes.length, `an image header takes ${IMAGE_HEADER_SIZE} bytes`);
  if (bytes[0] !== IMAGE_MAGIC)
    return refuse('bad-magic', 0, `no image: first byte is 0x${(bytes[0] ?? 0).toString(16)}, not 0xe9`);
  const segmentCount = bytes[1] ?? 0;
  if (segmentCount < 1 || segmentCount > SEGMENTS_MAX)
    return refuse(
      'bad-segment-count',
      1,
      `${segmentCount} segments, where 1 to ${SEGMENTS_MAX} are possible`,
    );
  const view = viewOf(bytes);
  return accept({
    segmentCount,
    spiMode: bytes[2] ?? 0,
    spiSpeed: (bytes[3] ?? 0) & 0x0f,
    spiSize: (bytes[3] ?? 0) >> 4,
    entryAddress: view.getUint32(4, true),
    wpPin: bytes[8] ?? 0,
    chipId: view.getUint16(12, true),
    chipRevisionMin: view.getUint16(15, true),
    chipRevisionMax: view.getUint16(17, true),
    hashAppended: bytes[23] === 1,
  });
}

function checkTarget(
  header: ImageHeader,
  expectation: ImageExpectation,
): Refusal<AppImageRefusal> | undefined {
  const { chip, chipRevision } = expectation;
  if (chip !== undefined && header.chipId !== chip.chipId) {
    const other = chipOfId(header.chipId)?.label ?? `chip id ${header.chipId}`;
    return { code: 'wrong-chip', offset: 12, message: `the image is for ${other}, not for ${chip.label}` };
  }
  if (chipRevision === undefined) return undefined;
  if (chipRevision < header.chipRevisionMin) {
    const message = `needs chip revision ${header.chipRevisionMin} or later, this is ${chipRevision}`;
    return { code: 'chip-too-old', offset: 15, message };
  }
  const bounded = header.chipRevisionMax !== 0 && header.chipRevisionMax !== NO_REVISION_BOUND;
  if (bounded && chipRevision > header.chipRevisionMax) {
    const message = `needs chip revision ${header.chipRevisionMax} or earlier, this is ${chipRevision}`;
    return { code: 'chip-too-new', offset: 17, message };
  }
  return undefined;
}

function checkPlacement(image: AppImage, chip: Chip): Refusal<AppImageRefusal> | undefined {
  const log2 = image.description?.mmuPageSizeLog2 ?? 0;
  const page = log2 >= 13 && log2 <= 16 ? 1 << log2 : 0x10000;
  for (const [index, segment] of image.segments.entries()) {
    const { loadAddress: start, dataOffset, length } = segment;
    if (isMapped(chip, start)) {
      if (start % page === dataOffset % page) continue;
      const message = `segment ${index} at 0x${start.toString(16)} cannot be mapped from its place in flash`;
      return { code: 'misaligned-mapping', offset: dataOffset, message };
    }
    if (start < LOADED_FROM || length === 0) continue;
    const room = [chip.dram, chip.iram, ...chip.rtc].some(
      (window) => contains(window, start) && start + length <= window.end,
    );
    if (room) continue;
    const message = `segment ${index} would load at 0x${start.toString(16)}, where ${chip.label} has no memory`;
    return { code: 'bad-load-address', offset: dataOffset - SEGMENT_HEADER_SIZE, message };
  }
  return undefined;
}
