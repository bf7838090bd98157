import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FirmwareFactory } from '../../sim/firmware-factory.ts';
import { nextBuild } from '../../sim/next-build.ts';
import { packDelta } from '../../src/oci/pack-delta.ts';
import { SeededRandom } from '../../src/random/random.ts';
import type { PlannedFirmware } from '../../src/scenario/plan.ts';

const planned = (key: string, ...deltaFrom: string[]): PlannedFirmware => ({
  key,
  application: 'thermo',
  version: key.split(':')[1] ?? '',
  secureVersion: 0,
  rollback: 'esp-idf',
  bootsWithoutConfirm: 1,
  references: [`registry.local/${key}`],
  images: [{ chip: 'esp32c3', source: { kind: 'generated', sizeBytes: 128 * 1024 } }],
  behaviours: [],
  ...(deltaFrom.length > 0 && { deltaFrom }),
});

test('a delta between consecutive builds is a few per cent of the image, and to a build once removed a few more', () => {
  const factory = new FirmwareFactory([
    planned('thermo:1.0.0'),
    planned('thermo:1.1.0', 'thermo:1.0.0'),
    planned('thermo:1.2.0', 'thermo:1.1.0', 'thermo:1.0.0'),
  ]);
  const image = (key: string) => factory.image(key, 'esp32c3');
  const share = (from: string, to: string) => {
    const packed = packDelta(image(from), image(to));
    return packed.ok ? packed.value.bytes.length / image(to).length : Number.NaN;
  };
  const next = share('thermo:1.0.0', 'thermo:1.1.0');
  const removed = share('thermo:1.0.0', 'thermo:1.2.0');
  expect(next).toBeGreaterThan(0.01);
  expect(next).toBeLessThan(0.06);
  expect(removed).toBeGreaterThan(next);
  expect(removed).toBeLessThan(0.12);
});

test('two firmwares may each have a delta from the other', () => {
  const back = { ...planned('thermo:1.0.0'), deltaFrom: ['thermo:1.1.0'] };
  const factory = new FirmwareFactory([back, planned('thermo:1.1.0', 'thermo:1.0.0')]);
  const alone = new FirmwareFactory([planned('thermo:1.0.0')]);
  expect(factory.image('thermo:1.0.0', 'esp32c3')).toEqual(alone.image('thermo:1.0.0', 'esp32c3'));
});

test('the next build is as long as the one before, whatever that is, and the same every time', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.string(), (previous, name) => {
      const build = () => nextBuild(previous, new SeededRandom(name));
      expect(build()).toHaveLength(previous.length);
      expect(build()).toEqual(build());
    }),
  );
});
