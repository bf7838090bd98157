import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockStore } from '../../sim/board/block-store.ts';
import { provisionFlash, tableOfCsv } from '../../sim/board/provision.ts';
import { chip, FACTORY_TWO_OTA, imageOf } from '../board/fixture.ts';
import { brickproof, scratchFolder } from './command-line.ts';

const scratch = scratchFolder();
const SIZE = 512 << 10;
const dump = provisionFlash({
  store: new BlockStore(),
  chip,
  sizeBytes: SIZE,
  table: tableOfCsv(FACTORY_TWO_OTA),
  images: [imageOf('1'), imageOf('2')],
  confirmedSlot: 1,
}).read(0, SIZE);

/** Runs every command that reads on one file; what is not a bug ends with a known code, and with one line of complaint. */
function readEverything(bytes: Uint8Array): void {
  const file = scratch.write('any.bin', bytes);
  for (const line of [
    ['board', 'boot', file, '--boots', '2', '--confirm', '--log'],
    ['board', 'boot', file, '--chip', 'esp32c3', '--flash-size', '1MB', '--json', '--power-cut-at', '0:1'],
    ['image', 'inspect', file],
    ['image', 'verify', file, '--chip', 'esp32c3', '--key-digest', '00'.repeat(32)],
    ['partitions', 'show', file, '--flash-size', '4MB'],
    ['otadata', 'show', file],
    ['nvs', 'show', file],
  ]) {
    const { exitCode, err } = brickproof(...line);
    expect([0, 1, 64, 69]).toContain(exitCode);
    expect(err.split('\n').length).toBe(exitCode === 0 ? 1 : 2);
  }
}

test('no bytes at all surprise the commands that read', () => {
  const file = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 0x2100 }),
    fc.uint8Array({ minLength: 0x2000, maxLength: 0x2000 }),
    fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 300 })
      .map((text) => new TextEncoder().encode(text)),
    fc.tuple(fc.nat(5000), fc.uint8Array({ maxLength: 8 })).map(([at, wrong]) => {
      const bytes = imageOf('3');
      bytes.set(wrong, Math.min(at, bytes.length - wrong.length));
      return bytes;
    }),
  );
  fc.assert(fc.property(file, readEverything), { numRuns: 150 });
});

test('no dump with wrong bytes surprises them either', () => {
  const place = fc.oneof(fc.nat(0x40), fc.integer({ min: 0x8000, max: 0x8100 }), fc.nat(SIZE - 1));
  const changes = fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(changes, (wrong) => {
      const bytes = dump.slice();
      for (const [at, byte] of wrong) bytes[at] = byte;
      readEverything(bytes);
    }),
    { numRuns: 60 },
  );
});
