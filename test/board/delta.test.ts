import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { partitionOfSlot, readBootTable } from '../../sim/board/boot-table.ts';
import { EMIT_BYTES_MAX } from '../../src/delta/decompressor.ts';
import { DELTA_FORMAT, type Offer } from '../../src/device/messages.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { packDelta } from '../../src/oci/pack-delta.ts';
import { Rig } from './rig.ts';

const MINUTE_MS = 60_000;
const images = [{ chip: 'esp32', source: { kind: 'generated', sizeBytes: 96_000 } }] as const;
const FIRMWARE = [
  { key: 'thermo:1.0.0', images },
  { key: 'thermo:2.0.0', images, deltaFrom: ['thermo:1.0.0'] },
];
const SECTOR_BYTES = 4096;

const delta = (() => {
  const { factory } = new Rig({ firmware: FIRMWARE });
  return deltaBetween(factory.image('thermo:1.0.0', 'esp32'), factory.image('thermo:2.0.0', 'esp32'));
})();

function deltaBetween(base: Uint8Array, image: Uint8Array): Uint8Array<ArrayBuffer> {
  const packed = packDelta(base, image);
  if (!packed.ok) throw new Error(packed.refusal.message);
  return Uint8Array.from(packed.value.bytes);
}

async function startedRig(): Promise<Rig> {
  const rig = new Rig({ firmware: FIRMWARE });
  rig.board.powerOn();
  await rig.run(10_000);
  rig.delta = delta.slice();
  return rig;
}

const offerDelta = (rig: Rig, more: Partial<NonNullable<Offer['delta']>> = {}, offer: Partial<Offer> = {}) =>
  rig.offer('thermo:2.0.0', {
    ...offer,
    delta: {
      from: rig.board.digest,
      digest: digestOf(rig.delta),
      sizeBytes: rig.delta.length,
      format: DELTA_FORMAT,
      ...more,
    },
  });

function slotBytes(rig: Rig, slot: string): Uint8Array {
  const { flash } = rig.board.parts;
  const table = readBootTable(flash);
  const partition = table && partitionOfSlot(table, slot);
  if (partition === undefined) throw new Error(`no ${slot}`);
  return flash.read(partition.offset, partition.size);
}

const otadata = (rig: Rig): Uint8Array => rig.board.parts.flash.read(0xd000, 2 * SECTOR_BYTES);

test('a delta ends on the very flash bytes that the full image ends on, for a tenth of the traffic', async () => {
  const [full, patched] = [await startedRig(), await startedRig()];
  full.offer('thermo:2.0.0');
  offerDelta(patched);
  await full.run(MINUTE_MS);
  await patched.run(MINUTE_MS);
  expect(patched.board).toMatchObject({ version: '2.0.0', slot: 'ota_1', confirmed: true });
  for (const slot of ['ota_0', 'ota_1'])
    expect(Buffer.compare(slotBytes(patched, slot), slotBytes(full, slot)), slot).toBe(0);
  expect(otadata(patched)).toEqual(otadata(full));
  expect(patched.reports).toEqual([{ stage: 'accepted' }, { stage: 'written' }]);
  expect(patched.sentBytes * 10).toBeLessThan(full.sentBytes);
  expect(patched.events).toContainEqual(
    expect.objectContaining({ kind: 'write-begin', deltaFrom: expect.stringMatching(/^sha256:/) }),
  );
});

describe('the image itself is pulled in the same session, once, when', () => {
  test.each<[string, string, (rig: Rig) => unknown]>([
    [
      'the offer says another base',
      'wrong-base',
      (rig) => offerDelta(rig, { from: `sha256:${'ab'.repeat(32)}` }),
    ],
    [
      'the patch itself is for another base, whatever the offer says',
      'wrong-base',
      (rig) => {
        rig.delta[10] = (rig.delta[10] ?? 0) ^ 1;
        return offerDelta(rig);
      },
    ],
    ['the format is another one', 'unsupported-format', (rig) => offerDelta(rig, { format: 'vcdiff' })],
    [
      'the patch ends early',
      'truncated',
      (rig) => {
        rig.delta = rig.delta.slice(0, rig.delta.length - 40);
        return offerDelta(rig);
      },
    ],
    [
      'the patch makes something else',
      'wrong-result',
      (rig) => {
        const image = (key: string) => rig.factory.image(key, rig.board.chip);
        const other = Uint8Array.from(image('thermo:2.0.0'));
        other[50_000] = (other[50_000] ?? 0) ^ 1;
        rig.delta = deltaBetween(image('thermo:1.0.0'), other);
        return offerDelta(rig);
      },
    ],
  ])('%s', async (_, code, spoil) => {
    const rig = await startedRig();
    spoil(rig);
    await rig.run(MINUTE_MS);
    expect(rig.reports.filter(({ stage }) => stage === 'full-image')).toMatchObject([{ code }]);
    expect(rig.reports.at(-1)).toEqual({ stage: 'written' });
    expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
    expect(new Set(rig.sessions).size).toBe(1);
  });

  test('the agent takes the delta back', async () => {
    const rig = await startedRig();
    rig.deaf = true;
    const { delta: _, ...without } = offerDelta(rig);
    await rig.run(5_000);
    rig.deaf = false;
    rig.offer('thermo:2.0.0', without);
    await rig.run(MINUTE_MS);
    expect(rig.sentBytes).toBe(rig.factory.image('thermo:2.0.0', rig.board.chip).length);
    expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
  });
});

test('a corrupted patch never changes what boots: the board ends on the offered image, or where it was', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
      async (flips) => {
        const rig = await startedRig();
        const before = otadata(rig);
        for (const [at, mask] of flips) {
          const place = at % rig.delta.length;
          rig.delta[place] = (rig.delta[place] ?? 0) ^ mask;
        }
        rig.servesImage = false;
        offerDelta(rig);
        await rig.run(30_000);
        // Nobody sends the image: only the delta could have brought the board anywhere.
        const untouched = rig.reports.some(({ stage }) => stage === 'full-image');
        // Bits that no decoder looks at: the reserved bytes of the header, and padding.
        if (untouched) {
          expect(rig.board).toMatchObject({ version: '1.0.0', slot: 'ota_0' });
          // ESP-IDF wipes the entry that is not in force before it writes; it was never written here.
          expect(otadata(rig)).toEqual(before);
        } else {
          await rig.run(MINUTE_MS);
          expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('what a reset interrupts is read again from its start, and no note of an older download survives it', async () => {
  const rig = await startedRig();
  rig.offer('thermo:2.0.0');
  await rig.clock.run(() => rig.pulls >= 2, rig.clock.nowMs + MINUTE_MS);
  rig.board.reset('software');
  await rig.run(20_000);
  // The full image would go on where it was; a delta now writes over it from the start.
  offerDelta(rig);
  await rig.clock.run(
    () => rig.kinds().filter((kind) => kind === 'write-begin').length === 2,
    rig.clock.nowMs + MINUTE_MS,
  );
  await rig.run(500);
  rig.board.reset('software');
  await rig.run(20_000);
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  const begins = rig.events.flatMap((event) => (event.kind === 'write-begin' ? [event.offsetBytes] : []));
  expect(begins).toEqual([0, 0, 0]);
  expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
});

test('a delta is applied in bounded memory: small reads of the base, sectors of result', async () => {
  const rig = await startedRig();
  const { flash } = rig.board.parts;
  const table = readBootTable(flash);
  const base = table && partitionOfSlot(table, 'ota_0');
  const reads: number[] = [];
  const writes: number[] = [];
  const read = flash.read.bind(flash);
  flash.read = (offset, length) => {
    if (base !== undefined && offset > base.offset && offset < base.offset + base.size) reads.push(length);
    return read(offset, length);
  };
  const program = flash.programImmutable.bind(flash);
  flash.programImmutable = (offset, data) => {
    writes.push(data.length);
    return program(offset, data);
  };
  offerDelta(rig);
  await rig.run(20_000);
  expect(rig.reports.at(-1)).toEqual({ stage: 'written' });
  expect(reads.length).toBeGreaterThan(100);
  expect(Math.max(...reads)).toBeLessThanOrEqual(EMIT_BYTES_MAX);
  expect(Math.max(...writes)).toBe(SECTOR_BYTES);
});
