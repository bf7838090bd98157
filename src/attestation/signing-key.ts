import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { p256PublicKey, p256ScalarFromSeed, signP256 } from './p256.ts';

/** EdDSA is Ed25519, ES256 is ECDSA on P-256 with SHA-256. Source: RFC 9053 sections 2.1 and 2.2. */
export type SignatureAlgorithm = 'EdDSA' | 'ES256';

/** Bytes of a signature, either algorithm. */
export const SIGNATURE_BYTES = 64;

export interface SigningKey {
  readonly algorithm: SignatureAlgorithm;
  /** Raw public key: 32 bytes for EdDSA, X‖Y in 64 bytes for ES256. */
  readonly publicKey: Uint8Array;
  /** 64 bytes, the same for the same message every time. */
  sign(message: Uint8Array): Uint8Array;
}

export interface VerifyKey {
  readonly algorithm: SignatureAlgorithm;
  readonly publicKey: Uint8Array;
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** PrivateKeyInfo before the 32-byte seed, SubjectPublicKeyInfo before the 32-byte key. Source: RFC 8410 sections 7 and 4. */
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const ED25519_SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** The key pair of a 32-byte seed: the seed itself for EdDSA, the DICE generator's scalar for ES256. */
export function signingKeyFromSeed(algorithm: SignatureAlgorithm, seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new RangeError(`a key seed has 32 bytes, not ${seed.length}`);
  if (algorithm === 'ES256') {
    const scalar = p256ScalarFromSeed(seed);
    const publicKey = p256PublicKey(scalar);
    return { algorithm, publicKey, sign: (message) => signP256(scalar, message) };
  }
  const key = createPrivateKey(pemOf('PRIVATE KEY', ED25519_PKCS8_PREFIX, seed));
  const publicKey = new Uint8Array(Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url'));
  return { algorithm, publicKey, sign: (message) => new Uint8Array(sign(null, message, key)) };
}

/** The algorithm whose raw public keys have this length, or undefined. */
export function algorithmOfPublicKey(publicKey: Uint8Array): SignatureAlgorithm | undefined {
  if (publicKey.length === 32) return 'EdDSA';
  return publicKey.length === 64 ? 'ES256' : undefined;
}

/** Undefined when the bytes are no public key: a wrong length, or a point off the curve. */
export function verifyKeyFromRaw(publicKey: Uint8Array): VerifyKey | undefined {
  const algorithm = algorithmOfPublicKey(publicKey);
  if (algorithm === undefined) return undefined;
  if (algorithm === 'EdDSA') return new Ed25519VerifyKey(publicKey);
  const text = (from: number, to: number) => Buffer.from(publicKey.subarray(from, to)).toString('base64url');
  try {
    const jwk = { kty: 'EC', crv: 'P-256', x: text(0, 32), y: text(32, 64) };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return {
      algorithm,
      publicKey,
      verify: (message, signature) =>
        verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature),
    };
  } catch {
    return undefined;
  }
}

/**
 * Holds the raw key alone, because a verifier remembers one for each device and firmware: a key object weighs
 * kilobytes, and reading the key from text at each use is cheaper than making one.
 */
class Ed25519VerifyKey implements VerifyKey {
  readonly algorithm = 'EdDSA';
  readonly publicKey: Uint8Array;

  constructor(publicKey: Uint8Array) {
    this.publicKey = publicKey;
  }

  verify(message: Uint8Array, signature: Uint8Array): boolean {
    return verify(null, message, pemOf('PUBLIC KEY', ED25519_SPKI_PREFIX, this.publicKey), signature);
  }
}

/** A key as text, the one form of a key that node:crypto takes without first trying whether it is a key object. */
function pemOf(label: string, prefix: Uint8Array, bytes: Uint8Array): string {
  const base64 = Buffer.concat([prefix, bytes]).toString('base64');
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
}
