import {
  checkPrimeSync,
  constants,
  createHash,
  createPrivateKey,
  type KeyObject,
  privateEncrypt,
} from 'node:crypto';
import { p256PublicKey, p256ScalarFromSeed, signP256 } from '../src/attestation/p256.ts';
import type { Chip } from '../src/esp/chips.ts';
import { type SignatureMaker, signImage } from '../src/esp/secure-boot-v2.ts';
import { SeededRandom } from '../src/random/random.ts';

/** Hash and salt of Secure Boot V2's RSA-PSS, and one 3072-bit block. Source: esp-idf, secure-boot-v2.rst. */
const HASH_BYTES = 32;
const BLOCK_BYTES = 384;
const PRIME_BYTES = 192;
const EXPONENT = 65537n;

const known = new Map<string, KeyObject>();

/**
 * The Secure Boot V2 key that scenarios call `name`, of the kind that `chip` checks: RSA-3072, or P-256 where it
 * knows no RSA. Made from the name, so that signed images have the same digest in every run; made once a process.
 */
export function bootKey(name: string, chip: Chip): KeyObject {
  const scheme = chip.secureBootV2.schemes.includes('rsa-3072') ? 'rsa-3072' : 'ecdsa-p256';
  const id = `${scheme}/${name}`;
  let key = known.get(id);
  if (key === undefined) {
    const random = new SeededRandom(`boot-key/${id}`);
    key = scheme === 'rsa-3072' ? makeRsaKey(random) : makeP256Key(random);
    known.set(id, key);
  }
  return key;
}

/** The image with a signature block by each key, the same bytes every time. */
export function signForBoard(image: Uint8Array, chip: Chip, names: readonly string[]): Uint8Array {
  const keys = names.map((name) => bootKey(name, chip));
  return signImage(image, keys, signWithoutChance);
}

/** Signatures as espsecure makes them, but for the random numbers, which are hashes of what is signed. */
const signWithoutChance: SignatureMaker = (scheme, key, content) => {
  if (scheme === 'rsa-3072') return signPss(key, content);
  return signP256(bigIntOf(Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url')), content);
};

/** RSASSA-PSS with SHA-256 and a salt made from the digest. Source: RFC 8017, sections 8.1.1 and 9.1.1. */
function signPss(key: KeyObject, content: Uint8Array): Uint8Array {
  const sha256 = (...parts: readonly Uint8Array[]) =>
    createHash('sha256').update(Buffer.concat(parts)).digest();
  const digest = sha256(content);
  const salt = sha256(Buffer.from('salt'), digest);
  const hash = sha256(new Uint8Array(8), digest, salt);
  const masked = Buffer.alloc(BLOCK_BYTES - HASH_BYTES - 1);
  masked[masked.length - HASH_BYTES - 1] = 1;
  masked.set(salt, masked.length - HASH_BYTES);
  let mask = new Uint8Array(0);
  for (let at = 0; at < masked.length; at++) {
    if (at % HASH_BYTES === 0) mask = sha256(hash, Uint8Array.of(0, 0, 0, at / HASH_BYTES));
    masked[at] = (masked[at] ?? 0) ^ (mask[at % HASH_BYTES] ?? 0);
  }
  masked[0] = (masked[0] ?? 0) & 0x7f;
  const encoded = Buffer.concat([masked, hash, Uint8Array.of(0xbc)]);
  return new Uint8Array(privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, encoded));
}

function makeRsaKey(random: SeededRandom): KeyObject {
  const [p, q] = [drawPrime(random.split('p')), drawPrime(random.split('q'))];
  const d = invert(EXPONENT, (p - 1n) * (q - 1n));
  const member = (value: bigint) => Buffer.from(evenHex(value), 'hex').toString('base64url');
  const jwk = {
    kty: 'RSA',
    n: member(p * q),
    e: member(EXPONENT),
    d: member(d),
    p: member(p),
    q: member(q),
    dp: member(d % (p - 1n)),
    dq: member(d % (q - 1n)),
    qi: member(invert(q, p)),
  };
  return createPrivateKey({ key: jwk, format: 'jwk' });
}

/** The first prime from a drawn number on whose top two bits are set, so that two of them make 3072 bits. */
function drawPrime(random: SeededRandom): bigint {
  const bytes = random.bytes(PRIME_BYTES);
  bytes[0] = (bytes[0] ?? 0) | 0xc0;
  let candidate = bigIntOf(bytes) | 1n;
  while ((candidate - 1n) % EXPONENT === 0n || !checkPrimeSync(candidate)) candidate += 2n;
  return candidate;
}

function makeP256Key(random: SeededRandom): KeyObject {
  const scalar = p256ScalarFromSeed(random.bytes(32));
  const point = Buffer.from(p256PublicKey(scalar));
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(0, 32).toString('base64url'),
    y: point.subarray(32).toString('base64url'),
    d: Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').toString('base64url'),
  };
  return createPrivateKey({ key: jwk, format: 'jwk' });
}

/** Inverse of `value` modulo `modulus`, by the extended Euclidean algorithm; the two have no common divisor. */
function invert(value: bigint, modulus: bigint): bigint {
  let [r0, r1] = [modulus, value % modulus];
  let [t0, t1] = [0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [t0, t1] = [t1, t0 - quotient * t1];
  }
  return ((t0 % modulus) + modulus) % modulus;
}

function bigIntOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function evenHex(value: bigint): string {
  const text = value.toString(16);
  return text.length % 2 === 0 ? text : `0${text}`;
}
