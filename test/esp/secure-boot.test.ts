import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { toHex } from '../../src/esp/byte-fields.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { parseSecureBootV1, verifySecureBootV1 } from '../../src/esp/secure-boot-v1.ts';
import {
  checkSignature,
  readSignatureBlocks,
  signImage,
  type TrustedKeys,
} from '../../src/esp/secure-boot-v2.ts';
import { encodeSignatureBlock, keyDigestOf, parseSignatureBlock } from '../../src/esp/signature-block.ts';
import { SeededRandom } from '../../src/random/random.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey;
const p256 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
const image = buildAppImage({
  chip: CHIPS.esp32c6,
  projectName: 'signed',
  version: '1',
  sizeBytes: 5000,
  contents: (length) => SeededRandom.ofSeed(1).bytes(length),
});

function trusting(keys: readonly KeyObject[], revoked: readonly boolean[] = []): TrustedKeys {
  const digests = keys.map((key) => keyDigestOf(createPublicKey(key)));
  return { digests, revoked, schemes: ['rsa-3072', 'ecdsa-p256', 'ecdsa-p384'] };
}

test.each([
  ['RSA-3072', rsa],
  ['ECDSA P-256', p256],
  ['ECDSA P-384', p384],
])('an image signed with %s is accepted, and not when a byte of it changes', (_name, key) => {
  const signed = signImage(image, [key]);
  expect(signed.length).toBe(8192 + 4096);
  expect(checkSignature(signed, image.length, trusting([key]))).toEqual({
    acceptedBy: 0,
    problems: [],
    failedSlots: [],
  });
  signed[4999] = (signed[4999] ?? 0) ^ 1;
  expect(checkSignature(signed, image.length, trusting([key]))).toMatchObject({
    acceptedBy: undefined,
    problems: ['bad-digest', 'no-block', 'no-block'],
    failedSlots: [0],
  });
});

test('any one good block of three is enough, and a revoked key is worth nothing', () => {
  const signed = signImage(image, [rsa, p256, p384]);
  expect(readSignatureBlocks(signed).map(({ scheme }) => scheme)).toEqual([
    'rsa-3072',
    'ecdsa-p256',
    'ecdsa-p384',
  ]);
  const revoked = checkSignature(signed, image.length, trusting([rsa, p256], [true, false]));
  expect(revoked).toEqual({ acceptedBy: 1, problems: ['revoked-key'], failedSlots: [] });
  const none = checkSignature(signed, image.length, trusting([]));
  expect(none).toMatchObject({
    acceptedBy: undefined,
    problems: ['untrusted-key', 'untrusted-key', 'untrusted-key'],
  });
  const narrow = { ...trusting([rsa]), schemes: ['ecdsa-p256'] as const };
  expect(checkSignature(signed, image.length, narrow).problems[0]).toBe('unsupported-scheme');
});

test('a well-formed block with a wrong signature is refused and names the key to revoke', () => {
  const signed = signImage(image, [p256]);
  const block = signed.subarray(8192, 8192 + 1216);
  block[140] = (block[140] ?? 0) ^ 1;
  expect(parseSignatureBlock(block)).toMatchObject({ ok: false, refusal: { code: 'bad-crc' } });
  new DataView(block.buffer, block.byteOffset).setUint32(1196, crc32(block.subarray(0, 1196)), true);
  expect(checkSignature(signed, image.length, trusting([p256]))).toMatchObject({
    acceptedBy: undefined,
    problems: ['bad-signature', 'no-block', 'no-block'],
    failedSlots: [0],
  });
});

test('blocks made by espsecure are accepted, and its key digests are ours', () => {
  const recorded = JSON.parse(
    readFileSync(new URL('../vectors/espsecure-signatures.json', import.meta.url), 'utf8'),
  );
  const theirs = Buffer.from(recorded.image, 'base64');
  for (const { scheme, keyDigest, block } of recorded.v2) {
    const signed = new Uint8Array(8192).fill(0xff);
    signed.set(theirs);
    signed.set(Buffer.from(block, 'hex'), 4096);
    const parsed = parseSignatureBlock(signed.subarray(4096));
    expect(parsed).toMatchObject({ ok: true, value: { scheme, keyDigest } });
    const trusted: TrustedKeys = { digests: [undefined, keyDigest], revoked: [], schemes: [scheme] };
    expect(checkSignature(signed, theirs.length, trusted).acceptedBy).toBe(1);
    if (parsed.ok) {
      // Built again from its parts, the block is theirs to the last byte.
      const { publicKey, imageDigest, signature } = parsed.value;
      expect(toHex(encodeSignatureBlock(publicKey, imageDigest, signature))).toBe(block);
    }
  }
  const signedV1 = Buffer.concat([theirs, Buffer.from(recorded.v1.signature, 'hex')]);
  expect(verifySecureBootV1(signedV1, createPublicKey(recorded.v1.publicKey))).toBe(true);
});

test('a key of a kind that secure boot does not take is a clear mistake', () => {
  const ed25519 = generateKeyPairSync('ed25519').privateKey;
  expect(() => signImage(image, [ed25519])).toThrow(/RSA-3072/);
  expect(() => signImage(image, [])).toThrow(RangeError);
});

test('a Secure Boot V1 signature is read and checked', () => {
  const signature = sign('sha256', image, { key: p256, dsaEncoding: 'ieee-p1363' });
  const signed = Buffer.concat([image, Buffer.alloc(4), signature]);
  expect(parseSecureBootV1(signed)).toMatchObject({ ok: true, value: { signedLength: image.length } });
  expect(verifySecureBootV1(signed, createPublicKey(p256))).toBe(true);
  signed[100] = (signed[100] ?? 0) ^ 1;
  expect(verifySecureBootV1(signed, createPublicKey(p256))).toBe(false);
  expect(parseSecureBootV1(Buffer.alloc(80, 1))).toMatchObject({
    ok: false,
    refusal: { code: 'unknown-version' },
  });
});
