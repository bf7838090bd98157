import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDelta } from '../../src/delta/create-patch.ts';
import { DELTA_HEADER_BYTES, type DeltaBase, deltaBaseOf } from '../../src/delta/delta-file.ts';
import { DeltaReader } from '../../src/delta/delta-reader.ts';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { type Applied, run } from './apply.ts';

/** Two builds of one application: the second has 300 bytes more in the middle, and all after them moved. */
function build(version: '1.0.0' | '1.1.0'): Uint8Array {
  return buildAppImage({
    chip: CHIPS.esp32c3,
    projectName: 'thermo',
    version,
    sizeBytes: 24 * 1024,
    contents: (length) => {
      const code = SeededRandom.ofSeed(1).split('code').bytes(length);
      if (version === '1.0.0') return code;
      const fresh = SeededRandom.ofSeed(2).bytes(300);
      return new Uint8Array(
        Buffer.concat([code.subarray(0, 9000), fresh, code.subarray(9000)]).subarray(0, length),
      );
    },
  });
}

const running = build('1.0.0');
const wanted = build('1.1.0');
const delta = createDelta(baseOf(running), wanted);

function baseOf(image: Uint8Array): DeltaBase {
  const base = deltaBaseOf(image);
  if (base === undefined) throw new Error('not an app image');
  return base;
}

/** As a board would: it knows what runs, and what it was offered. */
function apply(slot: Uint8Array, file: Uint8Array, chunkBytes?: number): Applied {
  const expected = {
    baseValidationHash: baseOf(running).validationHash,
    targetSha256: createHash('sha256').update(wanted).digest(),
    targetBytes: wanted.length,
  };
  return run((ports) => new DeltaReader(ports, expected), slot, file, chunkBytes);
}

test('a delta of the next build makes it, and is a small part of it', () => {
  expect(apply(running, delta)).toEqual({ refusal: undefined, result: wanted });
  expect(delta.length).toBeLessThan(wanted.length / 10);
});

test('what lies behind the measured part of the base, a signature sector or the rest of a slot, changes nothing', () => {
  const slot = new Uint8Array(64 * 1024).fill(0xff);
  slot.set(running);
  expect(apply(slot, delta).refusal).toBeUndefined();
  const signed = new Uint8Array(Buffer.concat([running, new Uint8Array(4096).fill(0x5a)]));
  expect(createDelta(baseOf(signed), wanted)).toEqual(delta);
});

test('a base is known by the two names that boards use for it', () => {
  const base = baseOf(running);
  expect(Buffer.from(base.validationHash)).toEqual(Buffer.from(running.subarray(-32)));
  expect(base.measurement).toBe(createHash('sha256').update(running).digest('hex'));
});

describe('a board falls back to the full image', () => {
  test('when it runs another build than the delta is for, and nothing is written before', () => {
    const other = createDelta(baseOf(wanted), wanted);
    const { refusal, result } = apply(running, other);
    expect(refusal?.code).toBe('wrong-base');
    expect(result).toHaveLength(0);
  });

  test('when the file is no delta, or ends anywhere', () => {
    expect(apply(running, wanted).refusal?.code).toBe('bad-magic');
    for (const length of [0, 10, DELTA_HEADER_BYTES, DELTA_HEADER_BYTES + 2, delta.length - 1])
      expect(apply(running, delta.subarray(0, length)).refusal?.code).toBe('truncated');
  });

  test('when the flash does not take the result', () => {
    const ports = { baseBytes: running.length, readBase: () => running.subarray(0, 1), write: () => false };
    const reader = new DeltaReader(
      { ...ports, readBase: (offset, length) => running.subarray(offset, offset + length) },
      {
        baseValidationHash: baseOf(running).validationHash,
        targetSha256: new Uint8Array(32),
        targetBytes: wanted.length,
      },
    );
    expect(reader.push(delta)?.code).toBe('write-failed');
    expect(reader.finish()?.code).toBe('write-failed');
  });

  test('when any byte of the delta was changed, unless it was a reserved one', () => {
    fc.assert(
      fc.property(fc.nat(delta.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = delta.slice();
        changed[at] = (changed[at] ?? 0) ^ flip;
        const { refusal, result } = apply(running, changed);
        if (refusal === undefined) expect(result).toEqual(wanted);
        const reserved = at >= 36 && at < DELTA_HEADER_BYTES;
        // The last byte may end in padding, and a heatshrink distance may point at equal bytes.
        if (reserved) expect(refusal).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });
});
