import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readBootTable } from '../../sim/board/boot-table.ts';
import { RESET_REASONS, type ResetReason } from '../../sim/board/reset-reason.ts';
import { SOUND_SUPPLY, WEAK_SUPPLY } from '../../sim/board/supply.ts';
import { DELTA_FORMAT } from '../../src/device/messages.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { packDelta } from '../../src/oci/pack-delta.ts';
import { Rig } from './rig.ts';

const MINUTE_MS = 60_000;
const IMAGE_SIZE = 150_000;
/** Flash commands of an update of that size, from the first erase to the confirmation, and some of the next. */
const OPERATIONS_MAX = 700;

/** One thing that happens to a board. Numbers of operations count from the board's next one. */
type Blow =
  | { readonly kind: 'run' | 'update' | 'update-by-delta'; readonly durationMs: number }
  | { readonly kind: 'reset'; readonly reason: ResetReason }
  | { readonly kind: 'hang'; readonly what: 'tasks' | 'interrupts' }
  | { readonly kind: 'power-off' | 'power-on' | 'weak-supply' | 'sound-supply' }
  | { readonly kind: 'cut'; readonly operation: number; readonly byte: number; readonly brownOut: boolean };

const blow: fc.Arbitrary<Blow> = fc.oneof(
  fc.record({ kind: fc.constant('run' as const), durationMs: fc.integer({ min: 1, max: 10_000 }) }),
  fc.record({
    kind: fc.constantFrom('update' as const, 'update-by-delta' as const),
    durationMs: fc.integer({ min: 1, max: 4_000 }),
  }),
  fc.record({
    kind: fc.constant('reset' as const),
    reason: fc.constantFrom(...(Object.keys(RESET_REASONS) as ResetReason[])),
  }),
  fc.record({ kind: fc.constant('hang' as const), what: fc.constantFrom('tasks', 'interrupts') }),
  fc.record({ kind: fc.constantFrom('power-off', 'power-on', 'weak-supply', 'sound-supply') }),
  fc.record({
    kind: fc.constant('cut' as const),
    operation: fc.nat({ max: OPERATIONS_MAX }),
    byte: fc.nat({ max: 4095 }),
    brownOut: fc.boolean(),
  }),
);

async function strike(rig: Rig, what: Blow): Promise<void> {
  const { board } = rig;
  const { flash } = board.parts;
  switch (what.kind) {
    case 'run':
      return rig.run(what.durationMs);
    case 'update':
      rig.offer('thermo:2.0.0', { bootsWithoutConfirm: 2 });
      return rig.run(what.durationMs);
    case 'update-by-delta':
      // Wherever it has come since, it is offered a delta from what it was made with.
      rig.offer('thermo:2.0.0', { bootsWithoutConfirm: 2, delta: OFFERED_DELTA });
      return rig.run(what.durationMs);
    case 'reset':
      return board.reset(what.reason);
    case 'hang':
      return board.hang(what.what);
    case 'power-off':
      return board.cutPower();
    case 'power-on':
      return board.powerOn();
    case 'weak-supply':
      board.supply = WEAK_SUPPLY;
      return;
    case 'sound-supply':
      board.supply = SOUND_SUPPLY;
      return;
    case 'cut':
      flash.cutPowerAt({ ...what, operation: flash.operations + what.operation });
  }
}

const images = [{ chip: 'esp32', source: { kind: 'generated', sizeBytes: IMAGE_SIZE } }] as const;
const FIRMWARE = [
  { key: 'thermo:1.0.0', images },
  { key: 'thermo:2.0.0', images, deltaFrom: ['thermo:1.0.0'] },
];

function makeRig(bootloader: 'esp-idf' | 'boot-counter'): Rig {
  const rig = new Rig({ board: { bootloader }, firmware: FIRMWARE });
  rig.delta = Uint8Array.from(DELTA.bytes);
  return rig;
}

const DELTA = (() => {
  const { factory } = new Rig({ firmware: FIRMWARE });
  const packed = packDelta(factory.image('thermo:1.0.0', 'esp32'), factory.image('thermo:2.0.0', 'esp32'));
  if (!packed.ok) throw new Error(packed.refusal.message);
  return packed.value;
})();
const OFFERED_DELTA = {
  from: DELTA.from,
  digest: digestOf(DELTA.bytes),
  sizeBytes: DELTA.bytes.length,
  format: DELTA_FORMAT,
};

test('whatever befalls a board, left alone it runs an authentic image, and takes the next update', async () => {
  let resumed = 0;
  let updated = 0;
  let patched = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('esp-idf' as const, 'boot-counter' as const),
      fc.array(blow, { minLength: 1, maxLength: 12 }),
      async (bootloader, blows) => {
        const rig = makeRig(bootloader);
        const { board, factory } = rig;
        const table = board.parts.flash.read(0x8000, 4096);
        board.powerOn();
        await rig.run(10_000);
        for (const one of blows) await strike(rig, one);
        board.supply = SOUND_SUPPLY;
        board.parts.flash.cutPowerAt(undefined);
        board.powerOn();
        await rig.run(2 * MINUTE_MS);
        expect(board).toMatchObject({ state: 'running', online: true, confirmed: true });
        expect(factory.images.map(({ digest }) => digest)).toContain(board.digest);
        expect(rig.events).not.toContainEqual(expect.objectContaining({ kind: 'boot', slot: null }));
        if (board.version !== '2.0.0') rig.offer('thermo:2.0.0');
        else updated++;
        await rig.run(MINUTE_MS);
        expect(board).toMatchObject({ state: 'running', version: '2.0.0', confirmed: true });
        expect(board.parts.flash.read(0x8000, 4096)).toEqual(table);
        expect(readBootTable(board.parts.flash)?.otaCount).toBe(2);
        if (rig.events.some((event) => event.kind === 'write-begin' && event.offsetBytes > 0)) resumed++;
        if (rig.events.some((event) => event.kind === 'write-begin' && event.deltaFrom !== undefined))
          patched++;
      },
    ),
    { numRuns: 200 },
  );
  expect(resumed).toBeGreaterThan(0);
  expect(updated).toBeGreaterThan(0);
  expect(patched).toBeGreaterThan(0);
});
