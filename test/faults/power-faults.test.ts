import { expect, test } from 'vitest';
import { brownsOut, RADIO_START_MILLIAMPERES, SOUND_SUPPLY, WEAK_SUPPLY } from '../../sim/board/supply.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { FaultRig, MINUTE_MS } from './fixture.ts';

test('a sound supply bears the radio of every chip; a weak one bears the chip, but not its radio', () => {
  for (const chip of Object.values(CHIPS)) {
    expect(brownsOut(chip, SOUND_SUPPLY, RADIO_START_MILLIAMPERES)).toBe(false);
    expect(brownsOut(chip, WEAK_SUPPLY, RADIO_START_MILLIAMPERES)).toBe(true);
    expect(brownsOut(chip, WEAK_SUPPLY, 100)).toBe(false);
  }
});

test('a brown-out loop leaves a radio alone that is on; from the next start on, the board browns out until it heals', async () => {
  const rig = await FaultRig.running();
  const heal = await rig.inject('brown-out-loop');
  await rig.run(MINUTE_MS);
  expect(rig.board.online).toBe(true);
  rig.board.reset('software');
  await rig.run(MINUTE_MS);
  expect(rig.board.online).toBe(false);
  const reasons = rig.boots.slice(2).map(({ resetReason }) => resetReason);
  expect(reasons.length).toBeGreaterThan(10);
  expect(new Set(reasons)).toEqual(new Set(['brown-out']));
  await heal();
  await rig.run(MINUTE_MS);
  expect(rig.board).toMatchObject({ state: 'running', online: true, confirmed: true, version: '1.0.0' });
});

test('a brown-out on probation gives the new image up, and the update succeeds when the supply is sound again', async () => {
  const rig = await FaultRig.running();
  const heal = await rig.inject('brown-out-loop');
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  expect(rig.boots.slice(0, 3).map(({ slot }) => slot)).toEqual(['ota_0', 'ota_1', 'ota_0']);
  expect(rig.boots[2]).toMatchObject({ rolledBack: true, resetReason: 'brown-out' });
  await heal();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true, online: true });
});

test.each([
  [0, 0],
  [0, 4095],
  [1, undefined],
  [9, 7],
  [60, 128],
  [700, 255],
  [833, 16],
  [835, 16],
] as const)(
  'a brown-out in flash operation %i at byte %s of an update tears it as a power cut does, and the board goes on by itself',
  async (operation, byte) => {
    const rig = await FaultRig.running();
    const heal = await rig.inject('brown-out-loop', { operation, ...(byte !== undefined && { byte }) });
    rig.offer('thermo:2.0.0');
    await rig.run(MINUTE_MS);
    expect(rig.boots[1]).toMatchObject({ resetReason: 'brown-out' });
    expect(rig.events.filter(({ kind }) => kind === 'power')).toHaveLength(1);
    await heal();
    await rig.run(MINUTE_MS);
    expect(rig.board).toMatchObject({ state: 'running', online: true, confirmed: true, version: '1.0.0' });
    rig.offer('thermo:2.0.0');
    await rig.run(MINUTE_MS);
    expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true, online: true });
  },
);

test.each([
  ['brown-out-loop', true],
  ['power-cut', false],
] as const)('after a %s in mid-download the board knows how far it was: %s', async (fault, knows) => {
  const rig = await FaultRig.running();
  const heal = await rig.inject(fault, { operation: 700, byte: 255 });
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  await heal();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  const offsets = rig.events.flatMap((event) => (event.kind === 'write-begin' ? [event.offsetBytes] : []));
  expect(offsets).toEqual([0, knows ? 5 * 32 * 1024 : 0]);
  expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
});

test('a power cut takes the board off, and healing brings it back', async () => {
  const rig = await FaultRig.running();
  const heal = await rig.inject('power-cut');
  await rig.run(MINUTE_MS);
  expect(rig.board).toMatchObject({ state: 'off', online: false });
  await heal();
  await rig.run(MINUTE_MS);
  expect(rig.board).toMatchObject({ state: 'running', online: true });
});
