import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { deltaBaseOf } from '../../src/delta/delta-file.ts';
import { verifyAppImage } from '../../src/esp/app-image.ts';
import { readSignatureBlocks, signImage } from '../../src/esp/secure-boot-v2.ts';
import { findDeltaLayer } from '../../src/oci/delta-layer.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { ANNOTATION, FIRMWARE_ARTIFACT_TYPE, readFirmwareMeta } from '../../src/oci/firmware-artifact.ts';
import { type ImageIndex, type ImageManifest, parseManifest } from '../../src/oci/manifest.ts';
import { type ChipBuild, packFirmware } from '../../src/oci/pack.ts';
import { consecutiveBuilds } from '../delta/consecutive-builds.ts';
import { appImage, packThermo, thermoBuild } from './fixture.ts';

test('equal builds give equal digests, in whatever order the chips were given', () => {
  const build = thermoBuild();
  const shuffled = packFirmware({ ...build, chips: [...build.chips].reverse() });
  expect(shuffled).toEqual({ ok: true, value: packThermo() });
  // Recorded from the first build: a change of the format must be meant, for it changes every digest.
  expect(packThermo().digest).toBe('sha256:23a13c20028aa22e6691fd10d7511e3d7bef1e0d10045d1eddd6b3897dc825b6');
});

test('the index holds one entry per chip, sorted, and everything named is there', () => {
  const packed = packThermo();
  const index = parseManifest(packed.index.bytes, packed.index.mediaType);
  if (!index.ok) throw new Error(index.refusal.message);
  const { manifests, artifactType } = index.value as ImageIndex;
  expect(artifactType).toBe(FIRMWARE_ARTIFACT_TYPE);
  expect(manifests.map(({ platform }) => platform)).toEqual([
    { os: 'esp-idf', architecture: 'esp32' },
    { os: 'esp-idf', architecture: 'esp32c3' },
    { os: 'esp-idf', architecture: 'esp32s3' },
  ]);
  expect(packed.manifests.map(({ digest }) => digest)).toEqual(manifests.map(({ digest }) => digest));
  const blobs = new Set(packed.blobs.map((blob) => digestOf(blob)));
  for (const { bytes, mediaType } of packed.manifests) {
    const parsed = parseManifest(bytes, mediaType);
    if (!parsed.ok) throw new Error(parsed.refusal.message);
    const { config, layers } = parsed.value as ImageManifest;
    for (const { digest } of [config, ...layers]) expect(blobs).toContain(digest);
    expect(readFirmwareMeta(parsed.value.annotations ?? {})).toMatchObject({ ok: true });
  }
});

test('the empty config is the one that the specification names', () => {
  const digests = packThermo().blobs.map((blob) => digestOf(blob));
  expect(digests).toContain('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
});

test('what the image says of itself stands in the annotations, and what was said about it beside', () => {
  const image = appImage(9, 6000, 7, { secureVersion: 4, chipRevisionMin: 1, chipRevisionMax: 99 });
  const build = {
    ...thermoBuild(),
    revision: 'f00dcafe',
    chips: [{ chip: 'esp32s3', image, keyId: 'KEY3' }],
  };
  const packed = packFirmware({
    ...build,
    chips: [{ ...build.chips[0], flashSizeBytes: 8 << 20 } as ChipBuild],
  });
  if (!packed.ok) throw new Error(packed.refusal.message);
  const [manifest] = packed.value.manifests;
  const parsed = parseManifest(manifest?.bytes ?? new Uint8Array(0), manifest?.mediaType ?? '');
  const meta = readFirmwareMeta((parsed.ok && parsed.value.annotations) || {});
  const verified = verifyAppImage(image);
  expect(meta).toMatchObject({
    ok: true,
    value: {
      secureVersion: 4,
      chipRevisionMin: 1,
      chipRevisionMax: 99,
      idfVersion: 'v5.4.1',
      revision: 'f00dcafe',
      keyId: 'KEY3',
      flashSizeBytes: 8 << 20,
      measurement: verified.ok && verified.value.measurement,
    },
  });
  const index = parseManifest(packed.value.index.bytes, packed.value.index.mediaType);
  expect(index.ok && (index.value as ImageIndex).manifests[0]?.platform).toEqual({
    os: 'esp-idf',
    architecture: 'esp32s3',
    'os.features': ['chip-revision-max=99', 'chip-revision-min=1', 'flash-size=8388608', 'key-id=KEY3'],
  });
});

test('a signed image is for boards that trust its key', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const image = signImage(appImage(13, 6000), [privateKey]);
  const packed = packFirmware({ ...thermoBuild(), chips: [{ chip: 'esp32c6', image }] });
  if (!packed.ok) throw new Error(packed.refusal.message);
  const index = parseManifest(packed.value.index.bytes, packed.value.index.mediaType);
  const [entry] = index.ok ? (index.value as ImageIndex).manifests : [];
  expect(entry?.platform?.['os.features']).toEqual([`key-id=${readSignatureBlocks(image)[0]?.keyDigest}`]);
});

function flipped(image: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(image);
  copy[2000] = (copy[2000] ?? 0) ^ 1;
  return copy;
}

describe('a build that would brick or mislead is refused', () => {
  const build = thermoBuild();
  const [first, ...others] = build.chips;
  if (first === undefined) throw new Error('the fixture has no chips');
  test.each<[string, object, RegExp]>([
    ['no chips', { chips: [] }, /at least one/],
    ['an image of another chip', { chips: [{ ...first, image: appImage(0) }] }, /the image is for esp32 /],
    ['not an app image', { chips: [{ ...first, image: new Uint8Array(100) }] }, /0xe9/],
    ['an image with a flipped byte', { chips: [{ ...first, image: flipped(first.image) }] }, /checksum/],
    ['an image cut short', { chips: [{ ...first, image: first.image.slice(0, 3000) }] }, /cut short/],
    [
      'an image larger than the flash',
      { chips: [{ ...first, flashSizeBytes: 4096 }] },
      /whole flash only 4096/,
    ],
    ['an unknown chip', { chips: [{ ...first, chip: 'esp99' }] }, /esp99/],
    ['a chip twice', { chips: [first, first, ...others] }, /twice/],
    ['a chip in capitals', { chips: [{ ...first, chip: 'ESP32-S3' }] }, /chip name/],
    ['no version', { version: '' }, /version/],
    ['a key id with a space', { chips: [{ ...first, keyId: 'KEY 3' }] }, /key id/],
    ['a revision over two lines', { revision: 'abc\ndef' }, /revision/],
    [
      'a secure version beyond any fuse',
      { chips: [{ ...first, image: appImage(9, 6000, 1, { secureVersion: 33 }) }] },
      /above 32/,
    ],
    ['esp-idf rollback with three boots', { rollback: 'esp-idf' }, /exactly 1/],
    ['no boots at all', { bootsWithoutConfirm: 0 }, /1 to 136/],
  ])('%s', (_, change, message) => {
    const packed = packFirmware({ ...build, ...change });
    expect(packed.ok).toBe(false);
    expect(!packed.ok && packed.refusal.message).toMatch(message);
  });
});

const OPTIONAL: ReadonlySet<string> = new Set([
  ANNOTATION.title,
  ANNOTATION.revision,
  ANNOTATION.idfVersion,
  ANNOTATION.flashSize,
  ANNOTATION.chipRevisionMin,
  ANNOTATION.chipRevisionMax,
  ANNOTATION.keyId,
]);

test('an artifact that leaves out an annotation is refused by its name', () => {
  const parsed = parseManifest(
    packThermo().manifests[0]?.bytes ?? new Uint8Array(0),
    'application/vnd.oci.image.manifest.v1+json',
  );
  const annotations = (parsed.ok && parsed.value.annotations) || {};
  for (const key of Object.values(ANNOTATION).filter((name) => !OPTIONAL.has(name))) {
    const { [key]: _, ...rest } = annotations;
    const read = readFirmwareMeta(rest);
    expect(!read.ok && read.refusal.message).toContain(`${key} is missing`);
  }
});

test('an artifact is packed with a delta from each base, in whatever order they were given, each once', () => {
  const { from, to } = consecutiveBuilds(48 * 1024);
  const older = consecutiveBuilds(40 * 1024).from;
  const pack = (deltaFrom: readonly Uint8Array[]) => {
    const chips = [{ chip: 'esp32c3', image: to, deltaFrom }];
    const packed = packFirmware({ ...thermoBuild('1.4.1'), chips });
    if (!packed.ok) throw new Error(packed.refusal.message);
    return packed.value;
  };
  const packed = pack([from, older]);
  expect(pack([older, from, older])).toEqual(packed);
  const [manifest] = packed.manifests;
  const parsed = parseManifest(manifest?.bytes ?? new Uint8Array(0), manifest?.mediaType ?? '');
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  for (const base of [from, older]) {
    const measured = `sha256:${deltaBaseOf(base)?.measurement}` as const;
    const layer = findDeltaLayer(parsed.value as ImageManifest, measured, digestOf(to));
    expect(packed.blobs.map((blob) => digestOf(blob))).toContain(layer?.digest);
  }
  const useless = packFirmware({
    ...thermoBuild(),
    chips: [{ chip: 'esp32c3', image: to, deltaFrom: [appImage(9)] }],
  });
  expect(useless).toMatchObject({
    refusal: { place: 'esp32c3', message: expect.stringMatching(/base: is for esp32s3/) },
  });
});
