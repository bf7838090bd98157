import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeCbor } from '../../src/attestation/cbor.ts';
import { decodeSign1, encodeSign1, verifySign1 } from '../../src/attestation/cose.ts';
import { signingKeyFromSeed, verifyKeyFromRaw } from '../../src/attestation/signing-key.ts';
import { digestOf } from './board.ts';

test.each(['EdDSA', 'ES256'] as const)('any payload signed with %s reads back and verifies', (algorithm) => {
  const key = signingKeyFromSeed(algorithm, digestOf('seed'));
  const verifyKey = verifyKeyFromRaw(key.publicKey);
  if (verifyKey === undefined) throw new Error('no public key');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('tagged', 'untagged'), (payload, form) => {
      const bytes = encodeSign1(key, payload, form);
      expect(encodeSign1(key, payload, form)).toEqual(bytes);
      const decoded = decodeSign1(bytes, form, 'the message');
      if (!decoded.ok) throw new Error(decoded.message);
      expect(decoded.value.payload).toEqual(payload);
      expect(verifySign1(decoded.value, verifyKey)).toBe(true);
      expect(verifySign1({ ...decoded.value, payload: Uint8Array.of(...payload, 0) }, verifyKey)).toBe(false);
    }),
    { numRuns: 30 },
  );
});

test('a message that says EdDSA does not verify under a P-256 key', () => {
  const key = signingKeyFromSeed('EdDSA', digestOf('seed'));
  const other = verifyKeyFromRaw(signingKeyFromSeed('ES256', digestOf('seed')).publicKey);
  const decoded = decodeSign1(encodeSign1(key, digestOf('payload'), 'tagged'), 'tagged', 'the message');
  if (!decoded.ok || other === undefined) throw new Error('no message');
  expect(verifySign1(decoded.value, other)).toBe(false);
});

test.each([
  [
    'an unprotected header that is not empty',
    [algHeader(-8), new Map([[4, 1]]), bytes(1), bytes(64)],
    'wrong-type',
  ],
  ['a detached payload', [algHeader(-8), new Map(), null, bytes(64)], 'wrong-type'],
  ['a short signature', [algHeader(-8), new Map(), bytes(1), bytes(63)], 'wrong-type'],
  ['a fifth field', [algHeader(-8), new Map(), bytes(1), bytes(64), 0], 'wrong-type'],
  [
    'a second protected field',
    [
      encodeCbor(
        new Map([
          [1, -8],
          [4, 1],
        ]),
      ),
      new Map(),
      bytes(1),
      bytes(64),
    ],
    'wrong-type',
  ],
  ['no algorithm', [new Uint8Array(0), new Map(), bytes(1), bytes(64)], 'not-cbor'],
  ['ML-DSA-65', [algHeader(-49), new Map(), bytes(1), bytes(64)], 'unsupported-algorithm'],
])('a message with %s is refused', (_what, parts, fault) => {
  expect(decodeSign1(encodeCbor(parts), 'untagged', 'the message')).toMatchObject({ ok: false, fault });
});

test('a token without tag 18, and a certificate with it, are refused', () => {
  const key = signingKeyFromSeed('EdDSA', digestOf('seed'));
  expect(decodeSign1(encodeSign1(key, bytes(1), 'untagged'), 'tagged', 'it')).toMatchObject({
    fault: 'wrong-type',
  });
  expect(decodeSign1(encodeSign1(key, bytes(1), 'tagged'), 'untagged', 'it')).toMatchObject({
    fault: 'not-cbor',
  });
});

function algHeader(algorithm: number): Uint8Array {
  return encodeCbor(new Map([[1, algorithm]]));
}

function bytes(length: number): Uint8Array {
  return new Uint8Array(length);
}
