import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { verifyAppImage } from '../../src/esp/app-image.ts';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { CHIP_NAMES, CHIPS } from '../../src/esp/chips.ts';
import { SeededRandom } from '../../src/random/random.ts';

const contents = (length: number) => SeededRandom.ofSeed(1).bytes(length);
const thermo = { projectName: 'thermo', version: '1.2.3', secureVersion: 2, contents };
const c3 = CHIPS.esp32c3;
const image = buildAppImage({ ...thermo, chip: c3, sizeBytes: 8192 });

test('an app of any chip and size verifies, is as long as asked and says what it is', () => {
  for (const name of CHIP_NAMES)
    for (const sizeBytes of [1, 1024, 70_000, 200_000]) {
      const chip = CHIPS[name];
      const bytes = buildAppImage({ ...thermo, chip, sizeBytes });
      expect(bytes.length).toBe(Math.max(1024, Math.ceil(sizeBytes / 16) * 16));
      const verified = verifyAppImage(bytes, { chip, chipRevision: chip.revision });
      if (!verified.ok) expect.fail(`${name}: ${verified.refusal.message}`);
      expect(verified.value.imageLength).toBe(bytes.length);
      expect(verified.value.description).toMatchObject({
        projectName: 'thermo',
        version: '1.2.3',
        secureVersion: 2,
      });
    }
});

test('the measurement is the SHA-256 of the image file, whatever lies behind it in the slot', () => {
  const slot = new Uint8Array(65536).fill(0xff);
  slot.set(image);
  const verified = verifyAppImage(slot, { chip: c3 });
  expect(verified.ok && verified.value.measurement).toBe(createHash('sha256').update(image).digest('hex'));
});

test('one flipped bit anywhere in headers, data, checksum or hash is refused', () => {
  for (let at = 0; at < image.length; at += 7) {
    const flipped = image.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 0x10;
    expect(verifyAppImage(flipped, { chip: c3 }).ok, `offset ${at}`).toBe(false);
  }
});

test('an image cut short anywhere is refused', () => {
  for (let length = 0; length < image.length; length += 61)
    expect(verifyAppImage(image.subarray(0, length), { chip: c3 }).ok).toBe(false);
});

test('an image for another chip or another revision is refused by name', () => {
  const code = (bytes: Uint8Array, chipRevision?: number) => {
    const verified = verifyAppImage(bytes, {
      chip: c3,
      ...(chipRevision === undefined ? {} : { chipRevision }),
    });
    return verified.ok ? 'accepted' : verified.refusal.code;
  };
  expect(code(buildAppImage({ ...thermo, chip: CHIPS.esp32s3, sizeBytes: 4096 }))).toBe('wrong-chip');
  const bounded = buildAppImage({
    ...thermo,
    chip: c3,
    sizeBytes: 4096,
    chipRevisionMin: 3,
    chipRevisionMax: 199,
  });
  expect([2, 3, 199, 200].map((revision) => code(bounded, revision))).toEqual([
    'chip-too-old',
    'accepted',
    'accepted',
    'chip-too-new',
  ]);
});
