import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { defaultBootloader } from '../../sim/board/provision.ts';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { CHIPS, type ChipName } from '../../src/esp/chips.ts';
import { keyDigestOf } from '../../src/esp/signature-block.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { brickproof, brickproofJson, scratchFolder } from './command-line.ts';

const scratch = scratchFolder();

function appOf(chip: ChipName, projectName = 'thermo'): Uint8Array {
  const contents = (length: number) => SeededRandom.ofSeed(3).bytes(length);
  return buildAppImage({ chip: CHIPS[chip], projectName, version: '1.2', sizeBytes: 5000, contents });
}

function pem(name: string, key: KeyObject): string {
  const type = key.type === 'private' ? 'pkcs8' : 'spki';
  return scratch.write(
    name,
    key.export({ format: 'pem', type } as { format: 'pem'; type: 'spki' }).toString(),
  );
}
const keys = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey,
  p256: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
  p384: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey,
};
const digestOf = (key: KeyObject) => keyDigestOf(createPublicKey(key));

test('inspect tells header, segments, description and hash of an app', () => {
  const file = scratch.write('app.bin', appOf('esp32c3'));
  const { out } = brickproof('image', 'inspect', file);
  for (const line of [
    /app\.bin: app image of 5008 bytes$/m,
    /^ {2}chip {7}ESP32-C3 \(id 5\)$/m,
    /^ {2}flash {6}DIO, clock divided by 1, 4 MB$/m,
    /^ {2}integrity {2}right$/m,
    /^ {2}0 {2}0x000020 {2}0x3c0\w{5} {2}\d+ bytes {2}mapped$/m,
    /^ {2}project {9}thermo$/m,
    /^not signed for Secure Boot$/m,
  ])
    expect(out).toMatch(line);
  expect(brickproofJson('image', 'inspect', file)).toMatchObject({
    kind: 'app',
    chip: 'esp32c3',
    header: { segmentCount: 4 },
    integrity: 'right',
    description: { projectName: 'thermo', version: '1.2' },
    signatureBlocks: [],
  });
});

test.each(Object.values(CHIPS))('a bootloader of $label is known for one and verifies', (chip) => {
  const file = scratch.write('bootloader.bin', defaultBootloader(chip));
  expect(brickproofJson('image', 'inspect', file)).toMatchObject({ kind: 'bootloader', integrity: 'right' });
  expect(brickproof('image', 'verify', file, '--chip', chip.name)).toMatchObject({ exitCode: 0 });
});

test('a damaged image is inspected all the same, and verify refuses it by name', () => {
  const image = appOf('esp32c3');
  image[200] = (image[200] ?? 0) ^ 1;
  const file = scratch.write('damaged.bin', image);
  expect(brickproof('image', 'inspect', file).out).toMatch(/integrity {2}bad-checksum/);
  expect(brickproof('image', 'verify', file)).toMatchObject({
    exitCode: 1,
    err: expect.stringMatching(/refused: bad-checksum/),
  });
  expect(brickproof('image', 'verify', file, '--json').out).toMatch(/"ok": false/);
});

test.each([
  ['for another chip', appOf('esp32s3'), ['--chip', 'esp32c3'], /wrong-chip: the image is for ESP32-S3/],
  ['cut short', appOf('esp32c3').slice(0, 4000), [], /past-end/],
  ['no image', new Uint8Array(100), [], /bad-magic/],
  [
    'of the right chip but not signed',
    appOf('esp32c3'),
    ['--key-digest', 'ab'.repeat(32)],
    /not-trusted.*it carries none/,
  ],
] as const)('verify ends with 1 for a file that is %s', (_what, bytes, options, message) => {
  const answer = brickproof('image', 'verify', scratch.write('refused.bin', bytes), ...options);
  expect(answer).toMatchObject({ exitCode: 1, out: '', err: expect.stringMatching(message) });
});

test('an image inside a dump is reached by its offset', () => {
  const dump = new Uint8Array(0x20000).fill(0xff);
  dump.set(appOf('esp32c6'), 0x10000);
  const file = scratch.write('dump.bin', dump);
  expect(brickproof('image', 'verify', file, '--offset', '0x10000', '--chip', 'esp32-c6')).toMatchObject({
    exitCode: 0,
  });
  expect(brickproof('image', 'verify', file, '--offset', '0x30000')).toMatchObject({ exitCode: 64 });
});

test.each(Object.keys(keys) as (keyof typeof keys)[])(
  'what sign signs with %s, verify accepts for that key and no other',
  (name) => {
    const app = scratch.write('unsigned.bin', appOf('esp32c6'));
    const out = scratch.path('signed.bin');
    const signed = brickproof('image', 'sign', app, '--key', pem('key.pem', keys[name]), '--out', out);
    expect(signed.exitCode).toBe(0);
    const publicKey = pem('public.pem', createPublicKey(keys[name]));
    expect(brickproof('image', 'verify', out, '--public-key', publicKey).out).toContain(
      'signed by a given key',
    );
    expect(brickproof('image', 'verify', out, '--key-digest', digestOf(keys[name]))).toMatchObject({
      exitCode: 0,
    });
    const other = digestOf(name === 'rsa' ? keys.p256 : keys.rsa);
    expect(brickproof('image', 'verify', out, '--key-digest', other)).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('untrusted-key'),
    });
    expect(brickproof('image', 'inspect', out).out).toContain(digestOf(keys[name]));
  },
);

test('up to three keys sign one image, each on its own good, and nobody signs twice', () => {
  const app = scratch.write('unsigned.bin', appOf('esp32c6'));
  const [one, three] = [scratch.path('one.bin'), scratch.path('three.bin')];
  const [rsa, p256, p384] = [
    pem('rsa.pem', keys.rsa),
    pem('p256.pem', keys.p256),
    pem('p384.pem', keys.p384),
  ];
  brickproof('image', 'sign', app, '--key', rsa, '--out', one);
  expect(brickproof('image', 'sign', one, '--key', p256, '--out', three)).toMatchObject({
    exitCode: 64,
    err: expect.stringContaining('--append'),
  });
  expect(brickproof('image', 'sign', one, '--append', '--key', rsa, '--out', three).err).toContain(
    'two signatures by the key',
  );
  expect(
    brickproof('image', 'sign', one, '--append', '--key', p256, '--key', p384, '--out', three).exitCode,
  ).toBe(0);
  const { signatureBlocks } = brickproofJson('image', 'inspect', three);
  expect(
    signatureBlocks.map(({ scheme, verdict }: Record<string, string>) => `${scheme} ${verdict}`),
  ).toEqual(['rsa-3072 holds', 'ecdsa-p256 holds', 'ecdsa-p384 holds']);
  for (const key of Object.values(keys))
    expect(brickproof('image', 'verify', three, '--key-digest', digestOf(key)).exitCode).toBe(0);
  const fourth = pem('fourth.pem', generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey);
  expect(brickproof('image', 'sign', three, '--append', '--key', fourth, '--out', one).err).toContain(
    'at most 3 fit',
  );
});

test('what the chip will not look at is said, and with --chip refused', () => {
  const app = scratch.write('c3.bin', appOf('esp32c3'));
  const out = scratch.path('c3-signed.bin');
  const signed = brickproof('image', 'sign', app, '--key', pem('p256.pem', keys.p256), '--out', out);
  expect(signed).toMatchObject({
    exitCode: 0,
    err: expect.stringContaining('ESP32-C3 does not check ecdsa-p256'),
  });
  const digest = ['--key-digest', digestOf(keys.p256)];
  expect(brickproof('image', 'verify', out, ...digest).exitCode).toBe(0);
  expect(brickproof('image', 'verify', out, '--chip', 'esp32c3', ...digest)).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('unsupported-scheme'),
  });
});

test.each([
  ['no key', 'not a key', /no private key in PEM form/],
  [
    'a key behind a passphrase',
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
    /passphrase/,
  ],
  [
    'a public key',
    createPublicKey(keys.rsa).export({ format: 'pem', type: 'spki' }).toString(),
    /no private key/,
  ],
  [
    'a key of another kind',
    generateKeyPairSync('rsa', { modulusLength: 2048 })
      .privateKey.export({ format: 'pem', type: 'pkcs8' })
      .toString(),
    /takes RSA-3072/,
  ],
])('sign refuses %s and writes nothing', (_what, text, message) => {
  const app = scratch.write('unsigned.bin', appOf('esp32c6'));
  const key = scratch.write('bad.pem', text);
  const answer = brickproof('image', 'sign', app, '--key', key, '--out', scratch.path('never.bin'));
  expect(answer).toMatchObject({ exitCode: 64, err: expect.stringMatching(message) });
  expect(() => scratch.read('never.bin')).toThrow();
});

test('a damaged image, or one with something behind it, is not signed', () => {
  const key = pem('rsa.pem', keys.rsa);
  const sign = (bytes: Uint8Array) =>
    brickproof(
      'image',
      'sign',
      scratch.write('bad.bin', bytes),
      '--key',
      key,
      '--out',
      scratch.path('never.bin'),
    );
  const damaged = appOf('esp32c6');
  damaged[300] = (damaged[300] ?? 0) ^ 1;
  expect(sign(damaged)).toMatchObject({ exitCode: 64, err: expect.stringContaining('not worth signing') });
  const longer = new Uint8Array(0x4000);
  longer.set(appOf('esp32c6'));
  expect(sign(longer)).toMatchObject({ exitCode: 64, err: expect.stringContaining('behind its image') });
});

test('texts out of an image cannot steer a terminal', () => {
  const file = scratch.write('nasty.bin', appOf('esp32c3', 'a\u001b[2Jb'));
  for (const command of ['inspect', 'verify'])
    expect(brickproof('image', command, file).out).toContain('a\\x1b[2Jb');
});
