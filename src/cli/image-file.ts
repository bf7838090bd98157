import type { AppDescription } from '../esp/app-description.ts';
import {
  type AppImage,
  type AppImageRefusal,
  IMAGE_HEADER_SIZE,
  parseAppImage,
  SEGMENT_HEADER_SIZE,
  verifyAppImage,
} from '../esp/app-image.ts';
import { type BootloaderDescription, parseBootloaderDescription } from '../esp/bootloader-description.ts';
import { roundUp, toHex } from '../esp/byte-fields.ts';
import { chipOfId, isMapped } from '../esp/chips.ts';
import { accept, type Decoded } from '../esp/refusal.ts';
import { checkBlock, readSignatureBlocks, SIGNATURE_SECTOR_SIZE } from '../esp/secure-boot-v2.ts';
import type { SignatureBlock } from '../esp/signature-block.ts';
import { rejectUsage } from './failure.ts';
import { readInput } from './input-file.ts';
import { parseWhole } from './number-argument.ts';
import { printable } from './text-layout.ts';

/** An image in a file, and what can be said of it without knowing whom to trust. */
export interface ImageFile {
  readonly name: string;
  /** From the image's first byte to the end of the file. */
  readonly bytes: Uint8Array;
  readonly image: AppImage;
  readonly kind: 'app' | 'bootloader';
  readonly bootloader: BootloaderDescription | undefined;
  /** Length of what a Secure Boot V2 signature is over: the image and its padding. */
  readonly paddedLength: number;
  readonly blocks: readonly SignatureBlock[];
}

/** The bytes from `offset` of a dump, or of a file, on. Fails as `usage` when there are none. */
export function readImageBytes(
  path: string,
  offset: string | undefined,
): { name: string; bytes: Uint8Array } {
  const whole = readInput(path);
  if (offset === undefined) return { name: path, bytes: whole };
  const start = parseWhole('--offset', offset, 0, whole.length - 1);
  return { name: `${path} at ${offset}`, bytes: whole.subarray(start) };
}

/** Reads an image whether or not it is damaged; refuses what has not the shape of one. */
export function parseImageFile(name: string, bytes: Uint8Array): Decoded<ImageFile, AppImageRefusal> {
  const parsed = parseAppImage(bytes);
  if (!parsed.ok) return parsed;
  const image = parsed.value;
  const bootloader = parseBootloaderDescription(bytes, IMAGE_HEADER_SIZE + SEGMENT_HEADER_SIZE);
  const paddedLength = roundUp(image.imageLength, SIGNATURE_SECTOR_SIZE);
  return accept({
    name,
    bytes,
    image,
    kind: kindOf(image, bootloader.ok),
    bootloader: bootloader.ok && image.description === undefined ? bootloader.value : undefined,
    paddedLength,
    blocks:
      bytes.length < paddedLength + SIGNATURE_SECTOR_SIZE
        ? []
        : readSignatureBlocks(bytes.subarray(0, paddedLength + SIGNATURE_SECTOR_SIZE)),
  });
}

/** As above, for commands that can do nothing without an image. Fails as `usage`. */
export function openImage(path: string, offset?: string): ImageFile {
  const { name, bytes } = readImageBytes(path, offset);
  const parsed = parseImageFile(name, bytes);
  return parsed.ok ? parsed.value : rejectUsage(`${name}: ${parsed.refusal.message}`);
}

/** Bootloaders before ESP-IDF 5.1 say nothing of themselves, but unlike an app none runs from mapped flash. */
function kindOf(image: AppImage, describedAsBootloader: boolean): ImageFile['kind'] {
  if (image.description !== undefined) return 'app';
  const chip = chipOfId(image.header.chipId);
  const mapped = chip === undefined || image.segments.some(({ loadAddress }) => isMapped(chip, loadAddress));
  return describedAsBootloader || !mapped ? 'bootloader' : 'app';
}

/** Project and version of an app as it gives them; `otherwise` where it gives none. Safe for a terminal. */
export function nameApp(description: AppDescription | undefined, otherwise: string): string {
  const name = [description?.projectName, description?.version].filter((part) => part).join(' ');
  return name === '' ? otherwise : printable(name);
}

/** `right`, or why checksum or hash are not. */
export function describeIntegrity({ bytes, kind }: ImageFile): string {
  const verdict = verifyAppImage(bytes, { kind });
  return verdict.ok ? 'right' : `${verdict.refusal.code}: ${verdict.refusal.message}`;
}

/** Whether each block is a right signature of its own key over the image; trust is another matter. */
export function describeBlocks({ bytes, paddedLength, blocks }: ImageFile) {
  const content = bytes.subarray(0, paddedLength);
  return blocks.map((block) => ({
    scheme: block.scheme,
    keyDigest: block.keyDigest,
    imageDigest: toHex(block.imageDigest),
    verdict: checkBlock(block, content) ?? 'holds',
  }));
}
