import { expect, test } from 'vitest';
import { hexOf } from '../../src/attestation/bytes.ts';
import { p256PublicKey, signP256 } from '../../src/attestation/p256.ts';
import { verifyKeyFromRaw } from '../../src/attestation/signing-key.ts';

/** Source: RFC 6979 appendix A.2.5, ECDSA on P-256 with SHA-256. */
const SCALAR = 0xc9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721n;

test.each([
  [
    'sample',
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  ],
  [
    'test',
    'f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083',
  ],
])('the signature of "%s" is the one RFC 6979 gives', (message, signature) => {
  const bytes = new TextEncoder().encode(message);
  expect(hexOf(signP256(SCALAR, bytes))).toBe(signature);
  expect(verifyKeyFromRaw(p256PublicKey(SCALAR))?.verify(bytes, signP256(SCALAR, bytes))).toBe(true);
});

test('bytes that are no point on the curve, or of no key length, make no key', () => {
  expect(verifyKeyFromRaw(new Uint8Array(64).fill(1))).toBeUndefined();
  expect(verifyKeyFromRaw(new Uint8Array(33))).toBeUndefined();
});
