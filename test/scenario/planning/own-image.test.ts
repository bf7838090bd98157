import { describe, expect, test } from 'vitest';
import { buildAppImage } from '../../../src/esp/app-image-build.ts';
import { CHIPS, type ChipName } from '../../../src/esp/chips.ts';
import { makePlan } from '../../../src/scenario/planning/make-plan.ts';
import { FILES, folderOf, STORY } from '../story.ts';

const imageFor = (chip: ChipName): Uint8Array =>
  buildAppImage({
    chip: CHIPS[chip],
    projectName: 'weather',
    version: '3.1.0',
    sizeBytes: 8192,
    contents: (length) => new Uint8Array(length).fill(0x5a),
  });

function planWith(file: string, images: Readonly<Record<string, Uint8Array>>) {
  const text = STORY.replace('fleet:\n', `  from-disk:1.0.0: { file: ${file} }\nfleet:\n`);
  return makePlan(folderOf({ ...FILES, 'scenario.yaml': text, ...images }));
}

const refusal = (file: string, images: Readonly<Record<string, Uint8Array>>): string => {
  try {
    planWith(file, images);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

describe("a user's own image", () => {
  test('brings its own name, version and chip', () => {
    const plan = planWith('build/app.bin', { 'build/app.bin': imageFor('esp32c3') });
    const found = plan.firmware.find((firmware) => firmware.key === 'from-disk:1.0.0');
    expect(found).toMatchObject({ application: 'weather', version: '3.1.0' });
    expect(found?.images.map((image) => image.chip)).toEqual(['esp32c3']);
    expect(plan.files.find((file) => file.path === 'build/app.bin')?.kind).toBe('image');
  });

  test('may be one of several, each for its chip', () => {
    const images = { 'a.bin': imageFor('esp32'), 'b.bin': imageFor('esp32s3') };
    const plan = planWith('{ esp32: a.bin, esp32s3: b.bin }', images);
    expect(plan.firmware.at(-1)?.images.map((image) => image.chip)).toEqual(['esp32', 'esp32s3']);
  });

  test('that is missing is refused at its name', () => {
    expect(refusal('build/app.bin', {})).toBe('scenario.yaml:14:28: there is no file build/app.bin');
  });

  test('for the wrong chip is refused', () => {
    expect(refusal('{ esp32: a.bin }', { 'a.bin': imageFor('esp32s3') })).toBe(
      'scenario.yaml:14:37: a.bin is no image a board would start: the image is for ESP32-S3, not for ESP32',
    );
  });

  test('cut short anywhere is refused, and never accepted', () => {
    const whole = imageFor('esp32');
    for (let length = 0; length < whole.length; length += 97)
      expect(refusal('a.bin', { 'a.bin': whole.slice(0, length) })).toMatch(
        /^scenario\.yaml:14:28: a\.bin is no image a board would start: /,
      );
  });

  test('with one bit turned is refused', () => {
    const broken = imageFor('esp32');
    broken[5000] = (broken[5000] ?? 0) ^ 1;
    expect(refusal('a.bin', { 'a.bin': broken })).toContain('is no image a board would start');
  });

  test('cannot run on boards it was not built for', () => {
    const text = STORY.replace('fleet:\n', '  own:1.0.0: { file: a.bin }\nfleet:\n').replace(
      'runs: thermo:1.0.0\n',
      'runs: own:1.0.0\n',
    );
    const files = { ...FILES, 'scenario.yaml': text, 'a.bin': imageFor('esp32') };
    expect(() => makePlan(folderOf(files))).toThrow(
      'scenario.yaml:19:11: own:1.0.0 has no image for esp32s3, which this group has',
    );
  });
});
