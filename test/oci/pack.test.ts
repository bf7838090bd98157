import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { ANNOTATION, FIRMWARE_ARTIFACT_TYPE, readFirmwareMeta } from '../../src/oci/firmware-artifact.ts';
import { type ImageIndex, type ImageManifest, parseManifest } from '../../src/oci/manifest.ts';
import { packFirmware } from '../../src/oci/pack.ts';
import { appImage, packThermo, thermoBuild } from './fixture.ts';

test('equal builds give equal digests, in whatever order the chips were given', () => {
  const build = thermoBuild();
  const shuffled = packFirmware({ ...build, chips: [...build.chips].reverse() });
  expect(shuffled).toEqual({ ok: true, value: packThermo() });
  // Recorded from the first build: a change of the format must be meant, for it changes every digest.
  expect(packThermo().digest).toBe('sha256:8354b3da7d8241d265e6d4f89efa3f985ac7f490ec0d12d5d9984512fb444f0c');
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

describe('a build that would brick or mislead is refused', () => {
  const build = thermoBuild();
  const [first, ...others] = build.chips;
  if (first === undefined) throw new Error('the fixture has no chips');
  test.each<[string, object, RegExp]>([
    ['no chips', { chips: [] }, /at least one/],
    ['an image of another chip', { chips: [{ ...first, image: appImage(0) }] }, /the image is for esp32 /],
    ['not an app image', { chips: [{ ...first, image: new Uint8Array(100) }] }, /0xe9/],
    ['an unknown chip', { chips: [{ ...first, chip: 'esp99' }] }, /esp99/],
    ['a chip twice', { chips: [first, first, ...others] }, /twice/],
    ['a chip in capitals', { chips: [{ ...first, chip: 'ESP32-S3' }] }, /chip name/],
    ['no version', { version: '' }, /version/],
    ['a measurement that is not a hash', { chips: [{ ...first, measurement: 'abc' }] }, /64 hex digits/],
    ['a secure version beyond any fuse', { chips: [{ ...first, secureVersion: 33 }] }, /above 32/],
    ['esp-idf rollback with three boots', { rollback: 'esp-idf' }, /exactly 1/],
    ['no boots at all', { bootsWithoutConfirm: 0 }, /1 to 255/],
  ])('%s', (_, change, message) => {
    const packed = packFirmware({ ...build, ...change });
    expect(packed.ok).toBe(false);
    expect(!packed.ok && packed.refusal.message).toMatch(message);
  });
});

test('an artifact that leaves out an annotation is refused by its name', () => {
  const parsed = parseManifest(
    packThermo().manifests[0]?.bytes ?? new Uint8Array(0),
    'application/vnd.oci.image.manifest.v1+json',
  );
  const annotations = (parsed.ok && parsed.value.annotations) || {};
  for (const key of Object.values(ANNOTATION).filter((name) => name !== ANNOTATION.title)) {
    const { [key]: _, ...rest } = annotations;
    const read = readFirmwareMeta(rest);
    expect(!read.ok && read.refusal.message).toContain(`${key} is missing`);
  }
});
