import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCbor, encodeCbor } from '../../src/attestation/cbor.ts';
import {
  DEBUG_STATES,
  decodeEat,
  type EatClaims,
  encodeEat,
  SLOT_STATES,
} from '../../src/attestation/eat.ts';
import { ueidFromBytes } from '../../src/attestation/ueid.ts';

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const ascii = (maxLength: number) =>
  fc
    .array(fc.integer({ min: 0x20, max: 0x7e }), { minLength: 1, maxLength })
    .map((codes) => String.fromCharCode(...codes));
const word = (maxLength: number) =>
  fc.string({ unit: 'grapheme', minLength: 1, maxLength }).filter((text) => text.length <= maxLength);

const anyClaims: fc.Arbitrary<EatClaims> = fc.record(
  {
    nonce: fc.uint8Array({ minLength: 8, maxLength: 64 }),
    ueid: exactly(16).map(ueidFromBytes),
    oemid: fc.oneof(exactly(3), exactly(16)),
    hwmodel: ascii(32),
    oemboot: fc.boolean(),
    dbgstat: fc.constantFrom(...DEBUG_STATES),
    bootcount: uint32,
    swname: word(64),
    swversion: word(64),
    applicationDigest: exactly(32),
    bootloaderDigest: exactly(32),
    applicationType: word(63),
    slot: fc.constantFrom('factory', 'ota_0', 'ota_1', 'ota_15'),
    slotState: fc.constantFrom(...SLOT_STATES),
    secureVersion: uint32,
    iat: fc.maxSafeNat(),
  },
  {
    requiredKeys: [
      'nonce',
      'ueid',
      'oemid',
      'hwmodel',
      'oemboot',
      'dbgstat',
      'bootcount',
      'swname',
      'swversion',
      'applicationDigest',
      'bootloaderDigest',
      'applicationType',
      'slot',
      'slotState',
      'secureVersion',
    ],
  },
);

test('any claims survive the token', () => {
  fc.assert(
    fc.property(anyClaims, (claims) => {
      expect(decodeEat(encodeEat(claims))).toEqual({ ok: true, value: claims });
    }),
  );
});

test('claims are one encoding: what is read and written again is the same bytes', () => {
  fc.assert(
    fc.property(anyClaims, (claims) => {
      const bytes = encodeEat(claims);
      const decoded = decodeCbor(bytes, 4096, 'claims');
      if (!decoded.ok) throw new Error(decoded.message);
      expect(encodeCbor(decoded.value)).toEqual(bytes);
    }),
  );
});

test.each([
  ['an indefinite length', 'bf01020aff'],
  ['a key twice', 'a201020103'],
  ['an integer longer than it need be', 'a1180102'],
  ['a tag', 'a101c11a5f5e1000'],
  ['undefined', 'a101f7'],
  ['bytes left over', 'a1010200'],
  ['a length beyond the end', 'a1015bffffffffffffffff'],
  ['an array of four thousand million', '9affffffff'],
  ['a hundred nested arrays', `${'81'.repeat(100)}00`],
  ['nothing', ''],
])('CBOR with %s is refused as not-cbor', (_what, hex) => {
  expect(decodeEat(new Uint8Array(Buffer.from(hex, 'hex')))).toMatchObject({ ok: false, fault: 'not-cbor' });
});

test('a claims set over 1 KiB is refused by its size, unread', () => {
  expect(decodeEat(new Uint8Array(1025))).toMatchObject({ ok: false, fault: 'too-large' });
});

test('a component measured twice is refused', () => {
  const [claims] = fc.sample(anyClaims, { numRuns: 1, seed: 1 });
  if (claims === undefined) throw new Error('no claims');
  const decoded = decodeCbor(encodeEat(claims), 4096, 'claims');
  if (!decoded.ok || !(decoded.value instanceof Map)) throw new Error('no claims');
  const measurements = decoded.value.get(273);
  if (!Array.isArray(measurements)) throw new Error('no measurements');
  decoded.value.set(273, [...measurements, measurements[0]]);
  expect(decodeEat(encodeCbor(decoded.value))).toMatchObject({ ok: false, fault: 'out-of-range' });
});
