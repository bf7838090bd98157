import { createHash } from 'node:crypto';

/**
 * Verifies Ed25519ph, the pre-hashed form of Ed25519. Source: RFC 8032 sections 5.1 and 5.1.7.
 *
 * cosign signs with it whenever its key is Ed25519, and node:crypto does not know it. Only public values
 * pass through here, so nothing is lost by arithmetic that is not constant-time.
 */
const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const SQRT_MINUS_ONE = power(2n, (P - 1n) / 4n);
const D = mod(-121665n * power(121666n, P - 2n));
/** dom2(1, ""): pre-hashed, without a context. Source: RFC 8032 section 2. */
const DOMAIN = Buffer.concat([Buffer.from('SigEd25519 no Ed25519 collisions'), Buffer.from([1, 0])]);
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** Extended coordinates: x = X/Z, y = Y/Z, x*y = T/Z. Source: RFC 8032 section 5.1.4. */
interface Point {
  readonly X: bigint;
  readonly Y: bigint;
  readonly Z: bigint;
  readonly T: bigint;
}
const NEUTRAL: Point = { X: 0n, Y: 1n, Z: 1n, T: 0n };
/** Its y is 4/5 and its x is even. */
const BASE = decodePoint(littleEndian(mod(4n * power(5n, P - 2n))));

/** True when `signature` is the holder of `publicKey`'s, over the SHA-512 of `message`. */
export function verifyEd25519ph(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const r = signature.subarray(0, KEY_BYTES);
  const s = toNumber(signature.subarray(KEY_BYTES));
  const a = decodePoint(publicKey);
  if (BASE === undefined || a === undefined || s >= ORDER) return false;
  const prehash = createHash('sha512').update(message).digest();
  const k = createHash('sha512').update(DOMAIN).update(r).update(publicKey).update(prehash).digest();
  const minusA = { ...a, X: mod(-a.X), T: mod(-a.T) };
  const expected = add(multiply(BASE, s), multiply(minusA, toNumber(k) % ORDER));
  return Buffer.compare(encodePoint(expected), r) === 0;
}

function add(p: Point, q: Point): Point {
  const a = mod((p.Y - p.X) * (q.Y - q.X));
  const b = mod((p.Y + p.X) * (q.Y + q.X));
  const c = mod(2n * D * mod(p.T * q.T));
  const d = mod(2n * p.Z * q.Z);
  return {
    X: mod((b - a) * (d - c)),
    Y: mod((d + c) * (b + a)),
    Z: mod((d - c) * (d + c)),
    T: mod((b - a) * (b + a)),
  };
}

function multiply(point: Point, scalar: bigint): Point {
  let sum = NEUTRAL;
  let doubled = point;
  for (let left = scalar; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) sum = add(sum, doubled);
    doubled = add(doubled, doubled);
  }
  return sum;
}

/** Source: RFC 8032 section 5.1.3; undefined for what is no point of the curve. */
function decodePoint(bytes: Uint8Array): Point | undefined {
  const number = toNumber(bytes);
  const y = number & (2n ** 255n - 1n);
  if (y >= P) return undefined;
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  let x = mod(u * power(v, 3n) * power(u * power(v, 7n), (P - 5n) / 8n));
  if (mod(v * x * x) === mod(-u)) x = mod(x * SQRT_MINUS_ONE);
  if (mod(v * x * x) !== u) return undefined;
  const isOdd = number >> 255n === 1n;
  if (x === 0n && isOdd) return undefined;
  if (((x & 1n) === 1n) !== isOdd) x = P - x;
  return { X: x, Y: y, Z: 1n, T: mod(x * y) };
}

function encodePoint({ X, Y, Z }: Point): Uint8Array {
  const inverse = power(Z, P - 2n);
  const bytes = littleEndian(mod(Y * inverse));
  if ((mod(X * inverse) & 1n) === 1n) bytes[KEY_BYTES - 1] = (bytes[KEY_BYTES - 1] ?? 0) | 0x80;
  return bytes;
}

function mod(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % (2n ** 255n - 19n);
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}

function toNumber(littleEndianBytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(littleEndianBytes).reverse().toString('hex')}`);
}

function littleEndian(value: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(value.toString(16).padStart(2 * KEY_BYTES, '0'), 'hex').reverse());
}
