import { createECDH, createHmac, hash } from 'node:crypto';

/** Order of the P-256 group. Source: SEC 2 version 2, section 2.4.2. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/**
 * P-256 scalar from a seed, as DICE derives it: HMAC-DRBG over SHA-512 fed with the seed alone, first 32 bytes
 * of each draw, until one is in range. Source: open-dice specification, "Asymmetric key derivation".
 */
export function p256ScalarFromSeed(seed: Uint8Array): bigint {
  return drawScalar('sha512', seed, () => true).scalar;
}

/** X‖Y, 64 bytes, of the public point of `scalar`. */
export function p256PublicKey(scalar: bigint): Uint8Array {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(scalarBytes(scalar));
  return new Uint8Array(ecdh.getPublicKey().subarray(1));
}

/**
 * Deterministic ECDSA with SHA-256, r‖s in 64 bytes. Source: RFC 6979 section 3.2.
 *
 * node:crypto signs with a random k, which would make two runs of one scenario differ. The point multiplication
 * is native; the arithmetic around it is BigInt and not constant-time, so this signs for virtual boards only.
 */
export function signP256(scalar: bigint, message: Uint8Array): Uint8Array {
  const digest = toScalar(hash('sha256', message, 'buffer'));
  const seed = Buffer.concat([scalarBytes(scalar), scalarBytes(digest % ORDER)]);
  let r = 0n;
  let s = 0n;
  drawScalar('sha256', seed, (k) => {
    r = toScalar(p256PublicKey(k).subarray(0, 32)) % ORDER;
    s = (invert(k) * (digest + r * scalar)) % ORDER;
    return r !== 0n && s !== 0n;
  });
  return new Uint8Array(Buffer.concat([scalarBytes(r), scalarBytes(s)]));
}

/** Candidates of the deterministic generator, until one is a scalar in 1…order-1 that `accept` takes. */
function drawScalar(
  hashName: 'sha256' | 'sha512',
  seed: Uint8Array,
  accept: (scalar: bigint) => boolean,
): { readonly scalar: bigint } {
  const length = hashName === 'sha256' ? 32 : 64;
  let v: Uint8Array = new Uint8Array(length).fill(1);
  let k: Uint8Array = new Uint8Array(length);
  const mac = (...parts: readonly Uint8Array[]) => {
    const hmac = createHmac(hashName, k);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  };
  const zero = Uint8Array.of(0);
  k = mac(v, zero, seed);
  v = mac(v);
  k = mac(v, Uint8Array.of(1), seed);
  v = mac(v);
  // Each draw misses with probability 2^-32; a hundred in a row do not happen.
  for (let draws = 0; draws < 100; draws++) {
    v = mac(v);
    const scalar = toScalar(v.subarray(0, 32));
    if (scalar > 0n && scalar < ORDER && accept(scalar)) return { scalar };
    k = mac(v, zero);
    v = mac(v);
  }
  throw new Error('the deterministic generator gave no usable P-256 scalar');
}

/** Inverse modulo the group order, by the extended Euclidean algorithm. */
function invert(value: bigint): bigint {
  let [r0, r1] = [ORDER, value % ORDER];
  let [t0, t1] = [0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [t0, t1] = [t1, t0 - quotient * t1];
  }
  return ((t0 % ORDER) + ORDER) % ORDER;
}

function toScalar(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function scalarBytes(scalar: bigint): Uint8Array {
  return Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex');
}
