import { expect, test } from 'vitest';
import { FaultRig, MINUTE_MS, SLOT_1 } from './fixture.ts';

test('a bit that flips in a half-written slot is found by verification, and the next attempt succeeds', async () => {
  const rig = await FaultRig.running();
  await rig.midway();
  const before = rig.board.parts.flash.read(SLOT_1, 200_000);
  await rig.inject('bit-flip');
  const after = rig.board.parts.flash.read(SLOT_1, 200_000);
  const changed = [...before].flatMap((byte, at) => (byte === after[at] ? [] : [byte ^ (after[at] ?? 0)]));
  expect(changed).toHaveLength(1);
  expect([1, 2, 4, 8, 16, 32, 64, 128]).toContain(changed[0]);
  await rig.run(MINUTE_MS);
  expect(rig.reports.at(-1)).toMatchObject({ stage: 'failed', code: 'image-invalid' });
  expect(rig.board).toMatchObject({ version: '1.0.0', state: 'running', online: true });
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
});

test('a bit that flips where an update will go first is erased with everything else', async () => {
  const rig = await FaultRig.running();
  rig.board.cutPower();
  rig.board.parts.flash.program(SLOT_1, rig.factory.image('thermo:1.0.0', 'esp32'));
  const before = rig.board.parts.flash.read(SLOT_1, 200_000);
  await rig.inject('bit-flip');
  expect(rig.board.parts.flash.read(SLOT_1, 200_000)).not.toEqual(before);
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
});

test('a slot with nothing in it has no bit to flip', async () => {
  const rig = await FaultRig.running();
  await rig.inject('bit-flip');
  expect(rig.board.parts.flash.read(SLOT_1, 65_536).every((byte) => byte === 0xff)).toBe(true);
});

test('an update into a worn-out slot fails by name and leaves the running one alone; in a sound slot it succeeds', async () => {
  const rig = await FaultRig.running();
  const heal = await rig.inject('flash-worn-out');
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  expect(rig.reports.at(-1)).toMatchObject({ stage: 'failed', code: 'flash-error' });
  expect(rig.board).toMatchObject({ state: 'running', version: '1.0.0', online: true, confirmed: true });
  rig.board.reset('software');
  await rig.run(MINUTE_MS);
  expect(rig.board).toMatchObject({ state: 'running', version: '1.0.0', slot: 'ota_0' });
  await heal();
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
});

test('wear of a board without power strikes the slot that otadata does not name', async () => {
  const rig = await FaultRig.running();
  rig.board.cutPower();
  await rig.inject('flash-worn-out');
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  expect(rig.reports.at(-1)).toMatchObject({ code: 'flash-error' });
});
