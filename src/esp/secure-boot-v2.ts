import { constants, createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { bytesEqual, roundUp } from './byte-fields.ts';
import type { SignatureScheme } from './chips.ts';
import {
  encodeSignatureBlock,
  hashOfScheme,
  parseSignatureBlock,
  SIGNATURE_BLOCK_SIZE,
  type SignatureBlock,
  type SignatureBlockRefusal,
  schemeOfKey,
} from './signature-block.ts';

/** The sector with up to three signature blocks starts where the padded image ends. */
export const SIGNATURE_SECTOR_SIZE = 0x1000;
export const SIGNATURE_BLOCKS_MAX = 3;
const SALT_SIZE = 32;

/** What a board's fuses say of keys. */
export interface TrustedKeys {
  /** Key digests burnt, by slot. */
  readonly digests: readonly (string | undefined)[];
  readonly revoked: readonly boolean[];
  /** Kinds of key the part can check. */
  readonly schemes: readonly SignatureScheme[];
}

export type BlockProblem =
  | SignatureBlockRefusal
  | 'unsupported-scheme'
  | 'untrusted-key'
  | 'revoked-key'
  | 'bad-digest'
  | 'bad-signature';

export interface SignatureCheck {
  /** Slot of the key that vouches for the image; undefined when none does. */
  readonly acceptedBy: number | undefined;
  /** What is wrong with each block before the good one, or with all. */
  readonly problems: readonly BlockProblem[];
  /** Slots of trusted keys whose signature did not hold: what aggressive revocation burns. */
  readonly failedSlots: readonly number[];
}

/**
 * Checks the blocks behind an image of `imageLength` bytes, in order; any one good block is enough.
 *
 * `bytes` may be a whole slot. Source: esp-idf, secure_boot_signatures_bootloader.c and the docs on revocation.
 */
export function checkSignature(bytes: Uint8Array, imageLength: number, trusted: TrustedKeys): SignatureCheck {
  const padded = roundUp(imageLength, SIGNATURE_SECTOR_SIZE);
  const sector = bytes.subarray(padded, padded + SIGNATURE_SECTOR_SIZE);
  const image = bytes.subarray(0, padded);
  const problems: BlockProblem[] = [];
  const failedSlots: number[] = [];
  for (let index = 0; index < SIGNATURE_BLOCKS_MAX; index++) {
    const parsed = parseSignatureBlock(
      sector.subarray(index * SIGNATURE_BLOCK_SIZE, (index + 1) * SIGNATURE_BLOCK_SIZE),
    );
    if (!parsed.ok) {
      problems.push(parsed.refusal.code);
      continue;
    }
    const block = parsed.value;
    const slot = trusted.digests.indexOf(block.keyDigest);
    if (!trusted.schemes.includes(block.scheme)) problems.push('unsupported-scheme');
    else if (slot < 0) problems.push('untrusted-key');
    else if (trusted.revoked[slot] === true) problems.push('revoked-key');
    else {
      const problem = checkBlock(block, image);
      if (problem === undefined) return { acceptedBy: slot, problems, failedSlots };
      problems.push(problem);
      failedSlots.push(slot);
    }
  }
  return { acceptedBy: undefined, problems, failedSlots };
}

/** The valid blocks of a signed file, whose last sector holds them; says nothing about trust. */
export function readSignatureBlocks(signed: Uint8Array): SignatureBlock[] {
  return readSector(signed.subarray(Math.max(0, signed.length - SIGNATURE_SECTOR_SIZE)));
}

/** The valid blocks behind an image of `imageLength` bytes; `bytes` may be a whole slot. */
export function readSignatureBlocksAt(bytes: Uint8Array, imageLength: number): SignatureBlock[] {
  const padded = roundUp(imageLength, SIGNATURE_SECTOR_SIZE);
  return readSector(bytes.subarray(padded, padded + SIGNATURE_SECTOR_SIZE));
}

function readSector(sector: Uint8Array): SignatureBlock[] {
  if (sector.length < SIGNATURE_SECTOR_SIZE) return [];
  const blocks: SignatureBlock[] = [];
  for (let index = 0; index < SIGNATURE_BLOCKS_MAX; index++) {
    const parsed = parseSignatureBlock(sector.subarray(index * SIGNATURE_BLOCK_SIZE));
    if (parsed.ok) blocks.push(parsed.value);
  }
  return blocks;
}

/** The signature of `content`: RSA-PSS with a salt of 32 bytes, or r then s; big-endian. */
export type SignatureMaker = (scheme: SignatureScheme, key: KeyObject, content: Uint8Array) => Uint8Array;

const signWithChance: SignatureMaker = (scheme, key, content) =>
  sign(hashOfScheme(scheme), content, signingOptions(scheme, key));

/**
 * The image padded to whole sectors, and a sector with one block a key.
 *
 * RSA-PSS and ECDSA draw random numbers unless `makeSignature` does not, so signing twice gives different bytes:
 * sign once and keep the file. Throws RangeError for no key, more than three, or a key of another kind.
 */
export function signImage(
  image: Uint8Array,
  privateKeys: readonly KeyObject[],
  makeSignature = signWithChance,
): Uint8Array {
  if (privateKeys.length < 1 || privateKeys.length > SIGNATURE_BLOCKS_MAX)
    throw new RangeError(`an image takes 1 to ${SIGNATURE_BLOCKS_MAX} signatures, not ${privateKeys.length}`);
  const padded = roundUp(image.length, SIGNATURE_SECTOR_SIZE);
  const signed = new Uint8Array(padded + SIGNATURE_SECTOR_SIZE).fill(0xff);
  signed.set(image);
  const content = signed.subarray(0, padded);
  for (const [index, key] of privateKeys.entries()) {
    const scheme = schemeOfKey(key);
    const digest = createHash(hashOfScheme(scheme)).update(content).digest();
    const block = encodeSignatureBlock(createPublicKey(key), digest, makeSignature(scheme, key, content));
    signed.set(block, padded + index * SIGNATURE_BLOCK_SIZE);
  }
  return signed;
}

/** What is wrong with one block over a padded image, whoever made it; undefined when it holds. */
export function checkBlock(block: SignatureBlock, image: Uint8Array): BlockProblem | undefined {
  const hash = hashOfScheme(block.scheme);
  if (!bytesEqual(createHash(hash).update(image).digest(), block.imageDigest)) return 'bad-digest';
  const holds = verify(hash, image, signingOptions(block.scheme, block.publicKey), block.signature);
  return holds ? undefined : 'bad-signature';
}

function signingOptions(scheme: SignatureScheme, key: KeyObject) {
  if (scheme !== 'rsa-3072') return { key, dsaEncoding: 'ieee-p1363' as const };
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: SALT_SIZE };
}
