import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeBootCounterLabel, nextTally, readBootCounter } from '../../src/esp/boot-counter.ts';
import { toHex } from '../../src/esp/byte-fields.ts';
import {
  decodeOtadataEntry,
  encodeOtadataEntry,
  makeOtadataEntry,
  otadataCrc,
  sequenceForSlot,
  slotOfSequence,
} from '../../src/esp/otadata.ts';

test('sequence CRCs are those of a real ROM', () => {
  const crcs = [1, 2, 3, 4, 5].map(otadataCrc);
  expect(crcs).toEqual([0x4743989a, 0x55f63774, 0xed4a5011, 0x709d68a8, 0xc8210fcd]);
  expect(toHex(encodeOtadataEntry(makeOtadataEntry(1, 'NEW')))).toBe(
    `01000000${'ff'.repeat(20)}000000009a984347`,
  );
});

test('any 32 bytes are an entry and come back as they were', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      expect(encodeOtadataEntry(decodeOtadataEntry(bytes))).toEqual(bytes);
    }),
  );
});

test('the sequence for a slot names that slot, is not below the current one, and is the smallest such', () => {
  expect([sequenceForSlot(1, 1, 2), sequenceForSlot(2, 0, 2), sequenceForSlot(3, 1, 2)]).toEqual([2, 3, 4]);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      fc.integer({ min: 1, max: 16 }),
      fc.nat(15),
      (current, count, at) => {
        const slot = at % count;
        const next = sequenceForSlot(current, slot, count);
        expect(slotOfSequence(next, count)).toBe(slot);
        expect(next >= current && next < current + count).toBe(true);
      },
    ),
  );
});

test('a boot counter counts to its limit by clearing bits only', () => {
  const label = makeBootCounterLabel(5);
  for (let begun = 0; begun < 136; begun++) {
    expect(readBootCounter(label)).toEqual({ bootsWithoutConfirm: 5, bootsBegun: begun });
    const tally = nextTally(label);
    if (tally === undefined) expect.fail('the tally is full too early');
    expect(tally.value & ~(label[tally.index] ?? 0)).toBe(0);
    label[tally.index] = tally.value;
  }
  expect(nextTally(label)).toBeUndefined();
  expect(readBootCounter(new Uint8Array(20).fill(0xff))).toBeUndefined();
  expect(() => makeBootCounterLabel(137)).toThrow(RangeError);
});
