import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockStore } from '../../sim/board/block-store.ts';
import { bootLogLines } from '../../sim/board/boot-log.ts';
import { explainBoot } from '../../sim/board/boot-why.ts';
import { BOOT_COUNTER_BUILD, boot, ESP_IDF_BUILD } from '../../sim/board/bootloader.ts';
import { Efuse } from '../../sim/board/efuse.ts';
import { NorFlash } from '../../sim/board/nor-flash.ts';
import { provisionFlash, tableOfCsv } from '../../sim/board/provision.ts';
import { encodePartitionTable } from '../../src/esp/partition-table.ts';
import { chip, FACTORY_TWO_OTA, imageOf } from './fixture.ts';

const store = new BlockStore();
const SIZE = 512 << 10;
const dump = provisionFlash({
  store,
  chip,
  sizeBytes: SIZE,
  table: tableOfCsv(FACTORY_TWO_OTA),
  images: [imageOf('1'), imageOf('2')],
  confirmedSlot: 1,
}).read(0, SIZE);

const builds = [ESP_IDF_BUILD, BOOT_COUNTER_BUILD, { ...ESP_IDF_BUILD, antiRollback: true }];
const reset = fc.constantFrom('power-on' as const, 'deep-sleep' as const, 'software' as const);

function bootOf(
  bytes: Uint8Array,
  build: (typeof builds)[number],
  resetReason: 'power-on' | 'deep-sleep' | 'software',
) {
  const flash = NorFlash.ofImage(store, bytes);
  const input = {
    flash,
    efuse: new Efuse(chip, '7cdfa1000001'),
    build,
    resetReason,
    held: { appTest: true },
  };
  const outcome = boot(input);
  expect(outcome.passes.length).toBeLessThan(300);
  expect(bootLogLines(input, outcome).length).toBeGreaterThan(3);
  expect(explainBoot(outcome)).not.toBe('');
  return outcome;
}

/** Table, both otadata sectors and the heads of the slots: where a wrong byte has something to say. */
const place = fc.oneof(
  fc.integer({ min: 0x8000, max: 0x8100 }),
  fc.integer({ min: 0xd000, max: 0xd020 }),
  fc.integer({ min: 0xe000, max: 0xe020 }),
  fc.integer({ min: 0x10000, max: 0x10100 }),
  fc.integer({ min: 0x20000, max: 0x20100 }),
);

test('a dump with any bytes wrong boots or does not, and says why', () => {
  const changes = fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(changes, fc.constantFrom(...builds), reset, (wrong, build, reason) => {
      const bytes = dump.slice();
      for (const [at, byte] of wrong) bytes[at] = byte;
      bootOf(bytes, build, reason);
    }),
    { numRuns: 300 },
  );
});

test('a table with a right MD5 and any layout at all does no harm', () => {
  const row = fc.record({
    label: fc.stringMatching(/^[a-z]{1,8}$/),
    type: fc.constantFrom(0, 1, 0x40),
    subtype: fc.constantFrom(0, 1, 2, 0x10, 0x11, 0x12, 0x1f, 0x20),
    offset: fc.nat(SIZE),
    size: fc.nat(SIZE),
    encrypted: fc.boolean(),
    readOnly: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(...builds),
      reset,
      (partitions, build, reason) => {
        const bytes = dump.slice();
        bytes.set(encodePartitionTable({ partitions, hasMd5: true }), 0x8000);
        bootOf(bytes, build, reason);
      },
    ),
    { numRuns: 300 },
  );
});
