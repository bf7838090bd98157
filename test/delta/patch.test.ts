import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPatch } from '../../src/delta/create-patch.ts';
import { planBlocks } from '../../src/delta/patch-blocks.ts';
import type { PatchCompression } from '../../src/delta/patch-format.ts';
import { suffixArray } from '../../src/delta/suffix-array.ts';
import { applyPatch } from './apply.ts';

const COMPRESSIONS: readonly PatchCompression[] = ['none', 'crle', 'heatshrink'];
/** Few different bytes, so that matches, runs and overlaps are common. */
const texture = fc.uint8Array({ maxLength: 3000, max: 3 });
const anyImage = fc.oneof(texture, fc.uint8Array({ maxLength: 3000 }));

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: Uint8Array;
}
const edits = fc.array(
  fc.record({
    at: fc.nat(3000),
    remove: fc.nat(60),
    insert: fc.uint8Array({ maxLength: 60 }),
  }),
  { maxLength: 8 },
);

function edit(image: Uint8Array, changes: readonly Edit[]): Uint8Array {
  let text = [...image];
  for (const { at, remove, insert } of changes)
    text = [...text.slice(0, at), ...insert, ...text.slice(at + remove)];
  return Uint8Array.from(text);
}

test('a suffix array lists every suffix once, each before all that sort after it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200, max: 2 }), (text) => {
      const expected = Array.from(text.keys()).sort((a, b) =>
        Buffer.compare(text.subarray(a), text.subarray(b)),
      );
      expect([...suffixArray(text)]).toEqual(expected);
    }),
  );
});

test('blocks cover the target in order, without gaps, and stay inside the base', () => {
  fc.assert(
    fc.property(anyImage, edits, (base, changes) => {
      const target = edit(base, changes);
      let covered = 0;
      for (const { targetFrom, baseFrom, diffBytes, extraBytes } of planBlocks(base, target)) {
        expect(targetFrom).toBe(covered);
        expect(baseFrom + diffBytes).toBeLessThanOrEqual(base.length);
        covered += diffBytes + extraBytes;
      }
      expect(covered).toBe(target.length);
    }),
  );
});

describe.each(COMPRESSIONS)('%s', (compression) => {
  test('a patch makes the target from the base, wherever the stream is cut', () => {
    fc.assert(
      fc.property(anyImage, anyImage, fc.integer({ min: 1, max: 400 }), (base, target, chunkBytes) => {
        const applied = applyPatch(base, createPatch(base, target, compression), chunkBytes);
        expect(applied).toEqual({ refusal: undefined, result: target });
      }),
    );
  });

  test('an image with a few edits gives a patch that is smaller than the edits and some bytes each', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1500, maxLength: 3000 }), edits, (base, changes) => {
        const target = edit(base, changes);
        const patch = createPatch(base, target, compression === 'none' ? 'crle' : compression);
        expect(applyPatch(base, patch).result).toEqual(target);
        const inserted = changes.reduce((sum, { insert }) => sum + insert.length, 0);
        // 9 bits a literal; at most two blocks an edit, 15 bytes of sizes each; a zero run costs 2 bytes per 128.
        expect(patch.length).toBeLessThan(100 + 1.2 * inserted + changes.length * 64);
      }),
    );
  });

  test('a patch that lost its end, or got more than its end, is refused', () => {
    fc.assert(
      fc.property(texture, texture, fc.nat(), (base, target, cut) => {
        fc.pre(target.length > 0);
        const patch = createPatch(base, target, compression);
        const shorter = applyPatch(base, patch.subarray(0, cut % patch.length));
        expect(shorter.refusal?.code).toBe('truncated');
        const longer = applyPatch(base, Uint8Array.from([...patch, 0x55, 0]));
        expect(longer.refusal?.code).toMatch(/^(trailing|malformed)$/);
      }),
    );
  });
});

test('the same images give the same patch', () => {
  const base = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) >> 3);
  const target = edit(base, [{ at: 100, remove: 7, insert: Uint8Array.of(1, 2, 3) }]);
  expect(createPatch(base, target)).toEqual(createPatch(base, target));
});

test('any bytes at all leave the reader in peace, and it never writes more than it announced', () => {
  const anyPatch = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    // Likelier to get past the header: sequential, each compression, a small target.
    fc
      .tuple(fc.constantFrom(0, 2, 4), fc.nat(63), fc.uint8Array({ maxLength: 300 }))
      .map(([compression, size, rest]) => Uint8Array.from([compression, size, ...rest])),
  );
  fc.assert(
    fc.property(anyPatch, fc.uint8Array({ maxLength: 100 }), (patch, base) => {
      const { refusal, result } = applyPatch(base, patch, 7);
      expect(result.length).toBeLessThanOrEqual(1 << 20);
      if (refusal === undefined) expect(patch.length).toBeGreaterThan(1);
    }),
    { numRuns: 2000 },
  );
});
