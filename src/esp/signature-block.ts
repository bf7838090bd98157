import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { toHex, viewOf } from './byte-fields.ts';
import type { SignatureScheme } from './chips.ts';
import { accept, type Decoded, refuse } from './refusal.ts';

/**
 * One Secure Boot V2 signature block. Numbers in it are little-endian, where everybody else's are big-endian.
 *
 * Source: esp-idf, secure-boot-v2.rst; esptool, espsecure.
 */
export const SIGNATURE_BLOCK_SIZE = 1216;
const MAGIC = 0xe7;
const CRC_OFFSET = 1196;
const RSA_VERSION = 2;
const ECDSA_VERSION = 3;
const RSA_SIZE = 384;

/** Where the parts of a block lie, by scheme. */
const LAYOUTS = {
  'rsa-3072': { digest: [4, 36], key: [36, 812], signature: [812, 1196] },
  'ecdsa-p256': { digest: [4, 36], key: [36, 101], signature: [101, 165] },
  'ecdsa-p384': { digest: [4, 52], key: [52, 149], signature: [149, 245] },
} as const;
const CURVES = {
  'ecdsa-p256': { id: 2, size: 32, jwk: 'P-256', openssl: 'prime256v1', hashId: 0 },
  'ecdsa-p384': { id: 3, size: 48, jwk: 'P-384', openssl: 'secp384r1', hashId: 1 },
} as const;

export interface SignatureBlock {
  readonly scheme: SignatureScheme;
  /** Digest of the padded image: SHA-256, for P-384 SHA-384. */
  readonly imageDigest: Uint8Array;
  /** SHA-256 of the key's bytes as they stand in the block, lower-case hex: what eFuse holds. */
  readonly keyDigest: string;
  readonly publicKey: KeyObject;
  /** RSA: big-endian; ECDSA: r then s, big-endian each. */
  readonly signature: Uint8Array;
}

export type SignatureBlockRefusal = 'too-short' | 'no-block' | 'bad-crc' | 'unknown-scheme' | 'bad-key';

export function parseSignatureBlock(bytes: Uint8Array): Decoded<SignatureBlock, SignatureBlockRefusal> {
  if (bytes.length < SIGNATURE_BLOCK_SIZE)
    return refuse('too-short', bytes.length, `a signature block takes ${SIGNATURE_BLOCK_SIZE} bytes`);
  if (bytes[0] !== MAGIC) return refuse('no-block', 0, 'no signature block here');
  if (viewOf(bytes).getUint32(CRC_OFFSET, true) !== crc32(bytes.subarray(0, CRC_OFFSET)))
    return refuse('bad-crc', CRC_OFFSET, 'the CRC of the signature block is wrong');
  const scheme = schemeOf(bytes);
  if (scheme === undefined)
    return refuse('unknown-scheme', 1, 'the block is neither RSA-3072 nor ECDSA P-256 or P-384');
  const { digest, key, signature } = LAYOUTS[scheme];
  const publicKey = readKey(scheme, bytes);
  if (publicKey === undefined) return refuse('bad-key', key[0], 'the block holds no valid public key');
  return accept({
    scheme,
    imageDigest: bytes.slice(...digest),
    keyDigest: createHash('sha256')
      .update(bytes.subarray(...key))
      .digest('hex'),
    publicKey,
    signature:
      scheme === 'rsa-3072'
        ? reversed(bytes.subarray(...signature))
        : reversedHalves(bytes.subarray(...signature)),
  });
}

/** Throws RangeError for a key of a kind that Secure Boot V2 does not take. */
export function encodeSignatureBlock(
  publicKey: KeyObject,
  imageDigest: Uint8Array,
  signature: Uint8Array,
): Uint8Array {
  const scheme = schemeOfKey(publicKey);
  const layout = LAYOUTS[scheme];
  const bytes = new Uint8Array(SIGNATURE_BLOCK_SIZE);
  const view = viewOf(bytes);
  bytes[0] = MAGIC;
  bytes.set(imageDigest, layout.digest[0]);
  const jwk = publicKey.export({ format: 'jwk' });
  if (scheme === 'rsa-3072') {
    bytes[1] = RSA_VERSION;
    const modulus = fromBase64(jwk.n);
    const exponent = Number(bigIntOf(fromBase64(jwk.e)));
    const n = bigIntOf(modulus);
    bytes.set(reversed(modulus), 36);
    view.setUint32(420, exponent, true);
    // R and M' spare the hardware two divisions: R = 2^6144 mod n, M' = -n^-1 mod 2^32.
    bytes.set(littleEndian((1n << 6144n) % n, RSA_SIZE), 424);
    view.setUint32(808, Number(-inverseModulo32(n) & 0xffffffffn), true);
    bytes.set(reversed(signature), 812);
  } else {
    const curve = CURVES[scheme];
    bytes[1] = ECDSA_VERSION;
    bytes[2] = curve.hashId;
    bytes[layout.key[0]] = curve.id;
    bytes.set(reversed(fromBase64(jwk.x)), layout.key[0] + 1);
    bytes.set(reversed(fromBase64(jwk.y)), layout.key[0] + 1 + curve.size);
    bytes.set(reversedHalves(signature), layout.signature[0]);
  }
  view.setUint32(CRC_OFFSET, crc32(bytes.subarray(0, CRC_OFFSET)), true);
  return bytes;
}

/** Throws RangeError naming what is possible. */
export function schemeOfKey(key: KeyObject): SignatureScheme {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa' && details?.modulusLength === 3072) return 'rsa-3072';
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === CURVES['ecdsa-p256'].openssl)
    return 'ecdsa-p256';
  if (key.asymmetricKeyType === 'ec' && details?.namedCurve === CURVES['ecdsa-p384'].openssl)
    return 'ecdsa-p384';
  throw new RangeError('Secure Boot V2 takes RSA-3072, ECDSA P-256 and ECDSA P-384 keys');
}

/** Name of the image digest's hash. */
export function hashOfScheme(scheme: SignatureScheme): 'sha256' | 'sha384' {
  return scheme === 'ecdsa-p384' ? 'sha384' : 'sha256';
}

/** SHA-256 of a public key as a block holds it, lower-case hex: what is burnt into eFuse. */
export function keyDigestOf(publicKey: KeyObject): string {
  const scheme = schemeOfKey(publicKey);
  const block = encodeSignatureBlock(publicKey, new Uint8Array(0), new Uint8Array(0));
  return toHex(
    createHash('sha256')
      .update(block.subarray(...LAYOUTS[scheme].key))
      .digest(),
  );
}

function schemeOf(bytes: Uint8Array): SignatureScheme | undefined {
  if (bytes[1] === RSA_VERSION) return 'rsa-3072';
  if (bytes[1] !== ECDSA_VERSION) return undefined;
  if (bytes[2] === 0 && bytes[36] === CURVES['ecdsa-p256'].id) return 'ecdsa-p256';
  return bytes[2] === 1 && bytes[52] === CURVES['ecdsa-p384'].id ? 'ecdsa-p384' : undefined;
}

function readKey(scheme: SignatureScheme, bytes: Uint8Array): KeyObject | undefined {
  try {
    if (scheme === 'rsa-3072') {
      const n = toBase64(reversed(bytes.subarray(36, 36 + RSA_SIZE)));
      const e = toBase64(reversed(bytes.subarray(420, 424)));
      return createPublicKey({ key: { kty: 'RSA', n, e }, format: 'jwk' });
    }
    const { size, jwk } = CURVES[scheme];
    const start = LAYOUTS[scheme].key[0] + 1;
    const x = toBase64(reversed(bytes.subarray(start, start + size)));
    const y = toBase64(reversed(bytes.subarray(start + size, start + 2 * size)));
    return createPublicKey({ key: { kty: 'EC', crv: jwk, x, y }, format: 'jwk' });
  } catch {
    // A point that is not on its curve: foreign bytes, not a mistake of ours.
    return undefined;
  }
}

/** Inverse of an odd number modulo 2^32, by Newton's iteration: every step doubles the right bits. */
function inverseModulo32(n: bigint): bigint {
  let inverse = 1n;
  for (let step = 0; step < 5; step++) inverse = (inverse * (2n - n * inverse)) & 0xffffffffn;
  return inverse;
}

function bigIntOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}

function littleEndian(value: bigint, size: number): Uint8Array {
  return reversed(Buffer.from(value.toString(16).padStart(2 * size, '0'), 'hex'));
}

function reversed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes).reverse();
}

function reversedHalves(bytes: Uint8Array): Uint8Array {
  const half = bytes.length / 2;
  return Uint8Array.from([...reversed(bytes.subarray(0, half)), ...reversed(bytes.subarray(half))]);
}

function fromBase64(text: string | undefined): Uint8Array {
  return Buffer.from(text ?? '', 'base64url');
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}
