import { beforeAll, describe, expect, test } from 'vitest';
import { bootKey, signForBoard } from '../../sim/boot-keys.ts';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { toHex } from '../../src/esp/byte-fields.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { brickproof, brickproofJson, scratchFolder } from '../cli/command-line.ts';
import { peer, peerStatus } from './python-peers.ts';

const scratch = scratchFolder();
const SCHEMES = [
  ['rsa3072', 'rsa-3072'],
  ['ecdsa256', 'ecdsa-p256'],
  ['ecdsa384', 'ecdsa-p384'],
] as const;
const keyOf = (scheme: string) => scratch.path(`${scheme}.pem`);
let app = '';

beforeAll(() => {
  for (const [scheme] of SCHEMES)
    peer('espsecure', 'generate-signing-key', '-v', '2', '-s', scheme, keyOf(scheme));
  const contents = (length: number) => SeededRandom.ofSeed(4).bytes(length);
  const image = buildAppImage({
    chip: CHIPS.esp32c6,
    projectName: 'signed',
    version: '1',
    sizeBytes: 70_000,
    contents,
  });
  app = scratch.write('app.bin', image);
});

describe.each(SCHEMES)('%s', (scheme, ours) => {
  const other = scheme === 'rsa3072' ? 'ecdsa256' : 'rsa3072';

  test('we verify what espsecure signs, and know the key by the digest espsecure gives it', () => {
    const [signed, digest] = [scratch.path('theirs.bin'), scratch.path('digest.bin')];
    peer('espsecure', 'sign-data', '-v', '2', '-k', keyOf(scheme), '-o', signed, app);
    peer('espsecure', 'digest-sbv2-public-key', '-k', keyOf(scheme), '-o', digest);
    const keyDigest = toHex(scratch.read('digest.bin'));
    expect(brickproofJson('image', 'inspect', signed).signatureBlocks).toMatchObject([
      { scheme: ours, keyDigest, verdict: 'holds' },
    ]);
    expect(brickproof('image', 'verify', signed, '--key-digest', keyDigest).exitCode).toBe(0);
    expect(brickproof('image', 'verify', signed, '--public-key', keyOf(scheme)).exitCode).toBe(0);
    expect(brickproof('image', 'verify', signed, '--public-key', keyOf(other)).exitCode).toBe(1);
  });

  test('espsecure verifies what we sign, and not with another key', () => {
    const signed = scratch.path('ours.bin');
    expect(brickproof('image', 'sign', app, '--key', keyOf(scheme), '--out', signed).exitCode).toBe(0);
    expect(peer('espsecure', 'verify-signature', '-v', '2', '-k', keyOf(scheme), signed)).toContain(
      'verification successful using the supplied key',
    );
    expect(peerStatus('espsecure', 'verify-signature', '-v', '2', '-k', keyOf(other), signed)).not.toBe(0);
  });
});

test.each([
  ['esp32', 'ecdsa256'],
  ['esp32c2', 'rsa3072'],
] as const)(
  'espsecure verifies what scenarios sign for an %s, without a random number in it',
  (chip, other) => {
    const key = bootKey('release', CHIPS[chip]);
    const pem = scratch.write(`${chip}.pem`, Buffer.from(key.export({ format: 'pem', type: 'pkcs8' })));
    const signed = scratch.write(
      `${chip}.bin`,
      signForBoard(scratch.read('app.bin'), CHIPS[chip], ['release']),
    );
    expect(peer('espsecure', 'verify-signature', '-v', '2', '-k', pem, signed)).toContain(
      'verification successful using the supplied key',
    );
    expect(peerStatus('espsecure', 'verify-signature', '-v', '2', '-k', keyOf(other), signed)).not.toBe(0);
  },
);

// espsecure reads every block as one of the key's own kind and stumbles over others, so the three are of one kind.
test.each(SCHEMES)('blocks of %s are appended by either side, to what the other has signed', (scheme) => {
  const more = ['second', 'third'].map((name) => keyOf(`${scheme}-${name}`)) as [string, string];
  for (const key of more) peer('espsecure', 'generate-signing-key', '-v', '2', '-s', scheme, key);
  const [one, two, three] = ['one.bin', 'two.bin', 'three.bin'].map(scratch.path) as [string, string, string];
  peer('espsecure', 'sign-data', '-v', '2', '-k', keyOf(scheme), '-o', one, app);
  expect(brickproof('image', 'sign', one, '--append', '--key', more[0], '--out', two).exitCode).toBe(0);
  peer('espsecure', 'sign-data', '-v', '2', '--append-signatures', '-k', more[1], '-o', three, two);
  const { signatureBlocks } = brickproofJson('image', 'inspect', three);
  expect(signatureBlocks.map(({ verdict }: { verdict: string }) => verdict)).toEqual([
    'holds',
    'holds',
    'holds',
  ]);
  for (const key of [keyOf(scheme), ...more]) {
    expect(brickproof('image', 'verify', three, '--public-key', key).exitCode).toBe(0);
    expect(peerStatus('espsecure', 'verify-signature', '-v', '2', '-k', key, three)).toBe(0);
  }
});

test('espsecure finds the byte we spoil, as we find it', () => {
  const signed = scratch.path('whole.bin');
  brickproof('image', 'sign', app, '--key', keyOf('rsa3072'), '--out', signed);
  const bytes = scratch.read('whole.bin');
  // In the padding: neither checksum nor hash covers it, the signature does.
  bytes[70_100] = 0;
  const spoilt = scratch.write('spoilt.bin', bytes);
  expect(peerStatus('espsecure', 'verify-signature', '-v', '2', '-k', keyOf('rsa3072'), spoilt)).not.toBe(0);
  expect(brickproof('image', 'verify', spoilt).exitCode).toBe(0);
  expect(brickproof('image', 'verify', spoilt, '--public-key', keyOf('rsa3072'))).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('bad-digest'),
  });
});

test('a Secure Boot V1 signature of espsecure is seen for one', () => {
  const [key, signed] = [scratch.path('v1.pem'), scratch.path('v1.bin')];
  peer('espsecure', 'generate-signing-key', '-v', '1', key);
  const contents = (length: number) => SeededRandom.ofSeed(4).bytes(length);
  const image = buildAppImage({
    chip: CHIPS.esp32,
    projectName: 'old',
    version: '1',
    sizeBytes: 5008,
    contents,
  });
  peer('espsecure', 'sign-data', '-v', '1', '-k', key, '-o', signed, scratch.write('old.bin', image));
  expect(brickproofJson('image', 'inspect', signed)).toMatchObject({
    secureBootV1: true,
    integrity: 'right',
  });
});
