import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockStore, PAGE_SIZE, SECTOR_SIZE } from '../../sim/board/block-store.ts';
import { NorFlash, PowerLoss } from '../../sim/board/nor-flash.ts';
import { SeededRandom } from '../../src/random/random.ts';

const SIZE = 2 * PAGE_SIZE;

/** The plainest flash there can be: what the shared one must be equal to. */
class PlainFlash {
  readonly cells = new Uint8Array(SIZE).fill(0xff);
  program(offset: number, data: Uint8Array): number {
    let spoilt = 0;
    for (const [index, byte] of data.entries()) {
      const got = (this.cells[offset + index] ?? 0) & byte;
      this.cells[offset + index] = got;
      if (got !== byte) spoilt++;
    }
    return spoilt;
  }
}

const blob = SeededRandom.ofSeed(3).bytes(SIZE);
const place = fc.nat(SIZE - 1);
const operation = fc.oneof(
  fc.record({
    kind: fc.constant('program'),
    offset: place,
    from: place,
    length: fc.integer({ min: 0, max: 9000 }),
  }),
  fc.record({
    kind: fc.constant('program-immutable'),
    offset: place,
    from: place,
    length: fc.integer({ min: 0, max: 9000 }),
  }),
  fc.record({
    kind: fc.constant('stream'),
    offset: fc.nat(31),
    from: fc.nat(31),
    length: fc.integer({ min: 1, max: 3000 }),
  }),
  fc.record({
    kind: fc.constant('erase'),
    offset: fc.nat(31),
    from: place,
    length: fc.integer({ min: 1, max: 20 }),
  }),
  fc.record({ kind: fc.constant('fork'), offset: place, from: place, length: place }),
  fc.record({
    kind: fc.constant('identity'),
    offset: fc.nat(31),
    from: place,
    length: fc.integer({ min: 1, max: 20 }),
  }),
);

test('whatever is done to it, the shared flash holds what a plain one would', () => {
  const store = new BlockStore();
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
      let flash = NorFlash.blank(store, SIZE);
      const plain = new PlainFlash();
      const write = (offset: number, data: Uint8Array, immutable: boolean) => {
        const result = immutable ? flash.programImmutable(offset, data) : flash.program(offset, data);
        expect(result.bytesSpoilt).toBe(plain.program(offset, data));
      };
      for (const { kind, offset, from, length } of operations) {
        const data = blob.subarray(from, Math.min(SIZE, from + Math.min(length, SIZE - offset)));
        if (kind === 'program' || kind === 'program-immutable') write(offset, data, kind !== 'program');
        if (kind === 'stream') {
          // A download: consecutive pieces of one blob, erased ahead of it.
          const start = offset * SECTOR_SIZE;
          flash.eraseRange(start, SIZE - start);
          plain.cells.fill(0xff, start);
          for (let at = 0; at < Math.min(5 * length, SIZE - start); at += length)
            write(start + at, blob.subarray(at, Math.min(at + length, SIZE - start)), true);
        }
        const sectors = Math.min(length, SIZE / SECTOR_SIZE - offset);
        if (kind === 'erase') {
          flash.eraseRange(offset * SECTOR_SIZE, sectors * SECTOR_SIZE);
          plain.cells.fill(0xff, offset * SECTOR_SIZE, (offset + sectors) * SECTOR_SIZE);
        }
        if (kind === 'identity') flash.identityOf(offset * SECTOR_SIZE, sectors * SECTOR_SIZE);
        if (kind === 'fork') flash = flash.fork();
      }
      expect(Buffer.compare(flash.read(0, SIZE), plain.cells)).toBe(0);
      expect(NorFlash.ofImage(store, plain.cells).identityOf(0, SIZE)).toBe(flash.identityOf(0, SIZE));
    }),
    { numRuns: 200 },
  );
});

test('a fork and its origin go separate ways', () => {
  const store = new BlockStore();
  const origin = NorFlash.blank(store, SIZE);
  origin.program(0, blob.subarray(0, 5000));
  const fork = origin.fork();
  fork.program(70_000, Uint8Array.of(1, 2, 3));
  origin.eraseSector(0);
  expect(origin.read(0, 2)).toEqual(Uint8Array.of(255, 255));
  expect(fork.read(0, 5000)).toEqual(blob.slice(0, 5000));
  expect(origin.read(70_000, 3)).toEqual(Uint8Array.of(255, 255, 255));
});

test('a cut in a program command leaves what was done, half a byte, and the rest as it was', () => {
  const flash = NorFlash.blank(new BlockStore(), SIZE);
  flash.cutPowerAt({ operation: 1, byte: 3 });
  expect(() => flash.program(0, new Uint8Array(1024))).toThrow(PowerLoss);
  expect(() => flash.program(0, new Uint8Array(1))).toThrow(PowerLoss);
  const cells = flash.read(0, 1024);
  expect([cells.indexOf(0xf0), cells.indexOf(0xff), cells.lastIndexOf(0)]).toEqual([259, 260, 258]);
  flash.restorePower();
  flash.program(512, new Uint8Array(1));
  expect(flash.read(512, 1)[0]).toBe(0);
});

test('a cut in an erase leaves the rest of the sector as it was', () => {
  const flash = NorFlash.blank(new BlockStore(), SIZE);
  flash.program(0, new Uint8Array(8192));
  flash.cutPowerAt({ operation: flash.operations, byte: 100 });
  expect(() => flash.eraseRange(0, 8192)).toThrow(PowerLoss);
  const cells = flash.read(0, 8192);
  expect([cells.indexOf(0x0f), cells.indexOf(0)]).toEqual([100, 101]);
  expect(flash.eraseCount(0)).toBe(1);
  expect(flash.eraseCount(4096)).toBe(0);
});

test('a cut that is a brown-out tears the command alike and says what it was', () => {
  const cells = [false, true].map((brownOut) => {
    const flash = NorFlash.blank(new BlockStore(), SIZE);
    flash.cutPowerAt({ operation: 0, byte: 3, brownOut });
    expect(() => flash.program(0, new Uint8Array(8))).toThrow(expect.objectContaining({ brownOut }));
    return flash.read(0, 8);
  });
  expect(cells[0]).toEqual(cells[1]);
});

test('a worn-out sector keeps what it held, less a stuck cell, and cannot be written as asked; its neighbours can', () => {
  const flash = NorFlash.blank(new BlockStore(), 2 * PAGE_SIZE);
  flash.program(0, blob.subarray(0, 3 * SECTOR_SIZE));
  flash.wearOut({ offset: SECTOR_SIZE, size: SECTOR_SIZE });
  flash.eraseRange(0, PAGE_SIZE);
  const held = blob.slice(SECTOR_SIZE, 2 * SECTOR_SIZE);
  held[0] = 0;
  expect(flash.read(SECTOR_SIZE, SECTOR_SIZE)).toEqual(held);
  expect([0, 2 * SECTOR_SIZE].map((offset) => flash.read(offset, 1)[0])).toEqual([0xff, 0xff]);
  expect(flash.program(0, Uint8Array.of(0xe9)).bytesSpoilt).toBe(0);
  expect(flash.program(SECTOR_SIZE, Uint8Array.of(0xe9)).bytesSpoilt).toBe(1);
  flash.wearOut(undefined);
  flash.eraseSector(SECTOR_SIZE);
  expect(flash.read(SECTOR_SIZE, 1)[0]).toBe(0xff);
});

test('a flipped bit changes one bit, in written and in erased cells, of this part alone', () => {
  const flash = NorFlash.blank(new BlockStore(), SIZE);
  flash.program(0, Uint8Array.of(0x0f));
  const other = flash.fork();
  const identity = flash.identityOf(0, SIZE);
  for (const offset of [0, 100, SECTOR_SIZE]) flash.flipBit(offset, 7);
  expect([0, 1, 100, SECTOR_SIZE].map((offset) => flash.read(offset, 1)[0])).toEqual([
    0x8f, 0xff, 0x7f, 0x7f,
  ]);
  expect(flash.identityOf(0, SIZE)).not.toBe(identity);
  expect(other.read(0, 1)[0]).toBe(0x0f);
});

test('commands are counted and last as long as the datasheet says', () => {
  const flash = NorFlash.blank(new BlockStore(), 3 * PAGE_SIZE);
  expect(flash.eraseRange(SECTOR_SIZE, 2 * PAGE_SIZE - SECTOR_SIZE)).toBe(15 * 45 + 150);
  expect(flash.operations).toBe(16);
  expect(flash.program(200, new Uint8Array(100)).durationMs).toBeCloseTo(1.4);
  expect(flash.operations).toBe(18);
  expect([0, SECTOR_SIZE, 2 * PAGE_SIZE].map((offset) => flash.eraseCount(offset))).toEqual([0, 1, 0]);
  for (let sector = 0; sector < 7; sector++) flash.eraseSector(sector * SECTOR_SIZE);
  expect([0, SECTOR_SIZE, 7 * SECTOR_SIZE].map((offset) => flash.eraseCount(offset))).toEqual([1, 2, 1]);
  expect(flash.worstEraseCount).toBe(2);
});
