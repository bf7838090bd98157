import { createPublicKey, type KeyObject } from 'node:crypto';
import { verifyAppImage } from '../esp/app-image.ts';
import { chipOfId } from '../esp/chips.ts';
import { SIGNATURE_BLOCKS_MAX, SIGNATURE_SECTOR_SIZE, signImage } from '../esp/secure-boot-v2.ts';
import { keyDigestOf, SIGNATURE_BLOCK_SIZE, schemeOfKey } from '../esp/signature-block.ts';
import { rejectUsage } from './failure.ts';
import { describeBlocks, type ImageFile } from './image-file.ts';

/**
 * The image with one more signature block for each key, behind those it has.
 *
 * Fails as `usage` for a damaged image, for one that is signed already unless `append`, and for too many blocks.
 */
export function signFile(file: ImageFile, keys: readonly KeyObject[], append: boolean): Uint8Array {
  const { name, bytes, kind, paddedLength, blocks } = file;
  const verdict = verifyAppImage(bytes, { kind });
  if (!verdict.ok) rejectUsage(`${name} is not worth signing: ${verdict.refusal.message}`);
  if (blocks.length > 0 && !append)
    rejectUsage(`${name} is signed already, ${blocks.length} block(s); say --append to add another`);
  if (blocks.length === 0 && bytes.length > paddedLength)
    rejectUsage(
      `${name} has ${bytes.length - paddedLength} bytes behind its image where the signatures go; cut them off`,
    );
  if (blocks.length > 0 && bytes.length > paddedLength + SIGNATURE_SECTOR_SIZE)
    rejectUsage(`${name} goes on behind its signatures; cut that off`);
  const broken = describeBlocks(file).findIndex(({ verdict }) => verdict !== 'holds');
  if (broken >= 0) rejectUsage(`${name}: signature block ${broken} does not hold; sign the image afresh`);
  const total = blocks.length + keys.length;
  if (total > SIGNATURE_BLOCKS_MAX)
    rejectUsage(`${name}: ${total} signature blocks, where at most ${SIGNATURE_BLOCKS_MAX} fit`);
  const digests = [
    ...blocks.map(({ keyDigest }) => keyDigest),
    ...keys.map((key) => keyDigestOf(createPublicKey(key))),
  ];
  const twice = digests.find((digest, index) => digests.indexOf(digest) !== index);
  if (twice !== undefined) rejectUsage(`${name}: two signatures by the key with digest ${twice}`);

  const signed = signImage(bytes.subarray(0, paddedLength), keys);
  const fresh = signed.slice(paddedLength, paddedLength + keys.length * SIGNATURE_BLOCK_SIZE);
  for (let index = 0; index < blocks.length; index++) {
    const at = paddedLength + index * SIGNATURE_BLOCK_SIZE;
    signed.set(bytes.subarray(at, at + SIGNATURE_BLOCK_SIZE), at);
  }
  signed.set(fresh, paddedLength + blocks.length * SIGNATURE_BLOCK_SIZE);
  return signed;
}

/** What the chip of the image will not do with such signatures, one sentence each. */
export function signingConcerns({ image }: ImageFile, keys: readonly KeyObject[], blocks: number): string[] {
  const chip = chipOfId(image.header.chipId);
  if (chip === undefined) return [];
  const { schemes, blocks: blocksMax } = chip.secureBootV2;
  const unknown = keys.map(schemeOfKey).filter((scheme) => !schemes.includes(scheme));
  return [
    ...unknown.map(
      (scheme) => `an ${chip.label} does not check ${scheme} signatures, only ${schemes.join(' and ')}`,
    ),
    ...(blocks > blocksMax ? [`an ${chip.label} looks at ${blocksMax} signature block only`] : []),
  ];
}
