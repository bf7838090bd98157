import { createHash } from 'node:crypto';
import { APP_DESCRIPTION_SIZE, encodeAppDescription } from './app-description.ts';
import {
  CHECKSUM_SEED,
  HASH_SIZE,
  IMAGE_HEADER_SIZE,
  IMAGE_MAGIC,
  SEGMENT_HEADER_SIZE,
  SEGMENTS_MAX,
} from './app-image.ts';
import { BOOTLOADER_DESCRIPTION_SIZE, encodeBootloaderDescription } from './bootloader-description.ts';
import { roundUp, viewOf } from './byte-fields.ts';
import type { Chip } from './chips.ts';

/** Page of the flash cache: a mapped segment lies at the same place in its page in flash and in memory. */
const MMU_PAGE_SIZE = 0x10000;
const APP_SEGMENTS = 4;
/** Smallest app we make: headers, description and a few bytes of code and data. */
export const APP_IMAGE_SIZE_MIN = 1024;

export interface SegmentContents {
  readonly loadAddress: number;
  /** A multiple of 4 bytes long. */
  readonly data: Uint8Array;
}

export interface ImageOptions {
  readonly chip: Chip;
  readonly entryAddress: number;
  readonly segments: readonly SegmentContents[];
  readonly chipRevisionMin?: number;
  readonly chipRevisionMax?: number;
  /** log2 of the flash size in MiB; 2 is 4 MiB. */
  readonly spiSize?: number;
}

/** Lays out header, segments, checksum and hash. Throws RangeError for what the format cannot hold. */
export function assembleImage(options: ImageOptions): Uint8Array {
  const { chip, segments } = options;
  if (segments.length < 1 || segments.length > SEGMENTS_MAX)
    throw new RangeError(`an image has 1 to ${SEGMENTS_MAX} segments, not ${segments.length}`);
  const dataEnd = segments.reduce(
    (end, { data }) => end + SEGMENT_HEADER_SIZE + data.length,
    IMAGE_HEADER_SIZE,
  );
  const hashOffset = roundUp(dataEnd + 1, 16);
  const image = new Uint8Array(hashOffset + HASH_SIZE);
  const view = viewOf(image);
  image.set([IMAGE_MAGIC, segments.length, 2, ((options.spiSize ?? 2) << 4) | chip.flashSpeed80MHz]);
  view.setUint32(4, options.entryAddress, true);
  image[8] = 0xee;
  view.setUint16(12, chip.chipId, true);
  view.setUint16(15, options.chipRevisionMin ?? 0, true);
  view.setUint16(17, options.chipRevisionMax ?? 0xffff, true);
  image[23] = 1;
  let checksum = CHECKSUM_SEED;
  let offset = IMAGE_HEADER_SIZE;
  for (const { loadAddress, data } of segments) {
    if (data.length % 4 !== 0)
      throw new RangeError(`a segment of ${data.length} bytes is not a whole number of words`);
    view.setUint32(offset, loadAddress, true);
    view.setUint32(offset + 4, data.length, true);
    image.set(data, offset + SEGMENT_HEADER_SIZE);
    for (let index = 0; index < data.length; index++) checksum ^= data[index] ?? 0;
    offset += SEGMENT_HEADER_SIZE + data.length;
  }
  image[hashOffset - 1] = checksum;
  image.set(createHash('sha256').update(image.subarray(0, hashOffset)).digest(), hashOffset);
  return image;
}

export interface AppImageOptions {
  readonly chip: Chip;
  readonly projectName: string;
  readonly version: string;
  readonly secureVersion?: number;
  /** Length of the whole image; rounded up to a multiple of 16 and to `APP_IMAGE_SIZE_MIN`. */
  readonly sizeBytes: number;
  /** Fills code and data; asked once, so equal sources make equal images. */
  readonly contents: (length: number) => Uint8Array;
  readonly chipRevisionMin?: number;
  readonly chipRevisionMax?: number;
  readonly idfVersion?: string;
  /** As the C preprocessor writes them. */
  readonly date?: string;
  readonly time?: string;
}

/**
 * A genuine ESP-IDF app: read-only data first with the app description, then data and code for RAM, then mapped code.
 *
 * What it computes is noise, what it says is true: every tool that reads images accepts it.
 */
export function buildAppImage(options: AppImageOptions): Uint8Array {
  const { chip } = options;
  const size = Math.max(APP_IMAGE_SIZE_MIN, roundUp(options.sizeBytes, 16));
  const total = size - IMAGE_HEADER_SIZE - APP_SEGMENTS * SEGMENT_HEADER_SIZE - 4 - HASH_SIZE;
  const data = Math.min(0x3000, roundUp(total / 16, 4));
  const code = Math.min(0x10000, roundUp(total / 8, 4));
  const readOnly = Math.max(APP_DESCRIPTION_SIZE, roundUp((total - data - code) / 4, 4));
  const mapped = total - data - code - readOnly;
  const contents = options.contents(total);
  const description = encodeAppDescription({
    secureVersion: options.secureVersion ?? 0,
    version: options.version,
    projectName: options.projectName,
    time: options.time ?? '12:00:00',
    date: options.date ?? 'Jan  1 2025',
    idfVersion: options.idfVersion ?? 'v5.4.1',
    elfSha256: createHash('sha256')
      .update(`${options.projectName} ${options.version}\n`)
      .update(contents)
      .digest(),
    efuseBlockRevisionMin: 0,
    efuseBlockRevisionMax: 0xffff,
    mmuPageSizeLog2: 16,
  });
  contents.set(description);
  const dataStart = IMAGE_HEADER_SIZE + SEGMENT_HEADER_SIZE;
  const mappedStart = dataStart + readOnly + data + code + 3 * SEGMENT_HEADER_SIZE;
  const codePages = roundUp((mappedStart % MMU_PAGE_SIZE) + mapped, MMU_PAGE_SIZE);
  // Newer parts share one cache between code and data, so read-only data is mapped behind the code.
  const readOnlyBase = chip.name === 'esp32' || chip.name === 'esp32s2' ? 0 : codePages;
  let taken = 0;
  const take = (length: number): Uint8Array => {
    taken += length;
    return contents.subarray(taken - length, taken);
  };
  return assembleImage({
    chip,
    entryAddress: chip.loadAddresses.code + 0x400 * Number(code > 0x400),
    segments: [
      { loadAddress: chip.drom.start + readOnlyBase + dataStart, data: take(readOnly) },
      { loadAddress: chip.loadAddresses.data, data: take(data) },
      { loadAddress: chip.loadAddresses.code, data: take(code) },
      { loadAddress: chip.irom.start + (mappedStart % MMU_PAGE_SIZE), data: take(mapped) },
    ],
    ...(options.chipRevisionMin === undefined ? {} : { chipRevisionMin: options.chipRevisionMin }),
    ...(options.chipRevisionMax === undefined ? {} : { chipRevisionMax: options.chipRevisionMax }),
  });
}

export interface BootloaderImageOptions {
  readonly chip: Chip;
  readonly sizeBytes: number;
  readonly contents: (length: number) => Uint8Array;
  readonly idfVersion?: string;
  readonly dateTime?: string;
}

/** A second-stage bootloader as the mask ROM loads it: RAM segments only, its description first. */
export function buildBootloaderImage(options: BootloaderImageOptions): Uint8Array {
  const { chip } = options;
  const total =
    Math.max(512, roundUp(options.sizeBytes, 16)) -
    IMAGE_HEADER_SIZE -
    2 * SEGMENT_HEADER_SIZE -
    8 -
    HASH_SIZE;
  const data = Math.max(BOOTLOADER_DESCRIPTION_SIZE, roundUp(total / 4, 4));
  const contents = options.contents(total);
  contents.set(
    encodeBootloaderDescription({
      secureVersion: 0,
      version: 1,
      idfVersion: options.idfVersion ?? 'v5.4.1',
      dateTime: options.dateTime ?? 'Jan  1 2025 12:00:00',
    }),
  );
  return assembleImage({
    chip,
    entryAddress: chip.loadAddresses.bootCode,
    segments: [
      { loadAddress: chip.loadAddresses.bootData, data: contents.subarray(0, data) },
      { loadAddress: chip.loadAddresses.bootCode, data: contents.subarray(data) },
    ],
  });
}
