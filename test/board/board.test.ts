import { expect, test } from 'vitest';
import { FLASH_TIMES_MS } from '../../sim/board/nor-flash.ts';
import { decodeAnnouncement } from '../../src/device/messages.ts';
import { announceTopic } from '../../src/device/topics.ts';
import { Rig } from './rig.ts';

const MINUTE_MS = 60_000;
const crashing = {
  key: 'thermo:2.0.0',
  behaviours: [{ on: {}, does: { kind: 'crash', afterMs: 2000 } }],
} as const;

test('a board boots its first slot, joins the broker and says what it is', async () => {
  const rig = new Rig();
  const said: unknown[] = [];
  rig.channel.subscribe(announceTopic(rig.board.station), (_, payload) =>
    said.push(decodeAnnouncement(payload)),
  );
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  expect(rig.board).toMatchObject({
    state: 'running',
    online: true,
    slot: 'ota_0',
    version: '1.0.0',
    confirmed: true,
  });
  expect(said).toMatchObject([{ online: true, device: 'esp32', application: 'thermo', version: '1.0.0' }]);
});

test('an offered image is pulled, written, booted on probation and confirmed', async () => {
  const rig = new Rig();
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  const { digest } = rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  expect(rig.reports).toEqual([{ stage: 'accepted' }, { stage: 'written' }]);
  expect(rig.board).toMatchObject({ slot: 'ota_1', version: '2.0.0', digest, confirmed: true, online: true });
  const order = rig.kinds().filter((kind) => ['write-begin', 'write-end', 'boot', 'confirm'].includes(kind));
  expect(order).toEqual(['boot', 'write-begin', 'write-end', 'boot', 'confirm']);
});

test('an update waits for every flash command: otadata before the first byte, and the confirmation itself', async () => {
  const rig = new Rig();
  const { flash } = rig.board.parts;
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0');
  const operations = flash.operations;
  await rig.clock.run(() => flash.operations > operations, rig.clock.nowMs + MINUTE_MS);
  const begunAtMs = rig.clock.nowMs;
  await rig.clock.run(() => rig.pulls > 0, rig.clock.nowMs + MINUTE_MS);
  expect(rig.clock.nowMs - begunAtMs).toBeGreaterThanOrEqual(FLASH_TIMES_MS.eraseSector);
  await rig.clock.run(() => rig.board.slot === 'ota_1', rig.clock.nowMs + MINUTE_MS);
  const booted = flash.operations;
  await rig.clock.run(() => flash.operations > booted, rig.clock.nowMs + MINUTE_MS);
  expect(rig.board.confirmed).toBe(false);
  await rig.run(FLASH_TIMES_MS.eraseSector);
  expect(rig.board.confirmed).toBe(false);
  await rig.run(FLASH_TIMES_MS.programPage);
  expect(rig.board.confirmed).toBe(true);
});

test('an image that crashes before it confirms is left by the bootloader at the next boot', async () => {
  const rig = new Rig({ firmware: [crashing] });
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  const boots = rig.events.flatMap((event) => (event.kind === 'boot' ? [event] : []));
  expect(boots.map(({ slot }) => slot)).toEqual(['ota_0', 'ota_1', 'ota_0']);
  expect(boots[2]).toMatchObject({ rolledBack: true, resetReason: 'software-cpu' });
  expect(rig.board).toMatchObject({ version: '1.0.0', confirmed: true, online: true });
});

test('a boot counter grants a crashing image as many boots as were asked for, and no more', async () => {
  const rig = new Rig({ firmware: [crashing] });
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0', { bootsWithoutConfirm: 3 });
  await rig.run(2 * MINUTE_MS);
  const slots = rig.events.flatMap((event) => (event.kind === 'boot' ? [event.slot] : []));
  expect(slots).toEqual(['ota_0', 'ota_1', 'ota_1', 'ota_1', 'ota_0']);
});

test('an ESP-IDF bootloader knows no counter and grants one boot', async () => {
  const rig = new Rig({ firmware: [crashing], board: { bootloader: 'esp-idf' } });
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0', { bootsWithoutConfirm: 3 });
  await rig.run(2 * MINUTE_MS);
  const slots = rig.events.flatMap((event) => (event.kind === 'boot' ? [event.slot] : []));
  expect(slots).toEqual(['ota_0', 'ota_1', 'ota_0']);
});

test.each([
  ['hang', { kind: 'hang', afterMs: 1000 }, 'task-watchdog'],
  ['failed self-test', { kind: 'fail-self-test' }, 'software'],
] as const)('a %s ends in the old image', async (_, does, resetReason) => {
  const rig = new Rig({ firmware: [{ key: 'thermo:2.0.0', behaviours: [{ on: {}, does }] }] });
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0');
  await rig.run(2 * MINUTE_MS);
  const last = rig.events.flatMap((event) => (event.kind === 'boot' ? [event] : [])).at(-1);
  expect(last).toMatchObject({ slot: 'ota_0', rolledBack: true, resetReason });
});

test('an image that never confirms runs on probation until something resets the board', async () => {
  const rig = new Rig({
    firmware: [{ key: 'thermo:2.0.0', behaviours: [{ on: {}, does: { kind: 'never-confirm' } }] }],
  });
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0');
  await rig.run(10 * MINUTE_MS);
  expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: false, online: true });
  rig.board.reset('software');
  await rig.run(MINUTE_MS);
  expect(rig.board).toMatchObject({ version: '1.0.0', confirmed: true });
});

test('a download goes on after a partition where it was, not from the start', async () => {
  const rig = new Rig();
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0');
  await rig.clock.run(() => rig.pulls >= 4, rig.clock.nowMs + MINUTE_MS);
  rig.link.partition();
  await rig.run(30_000);
  expect(rig.board.version).toBe('1.0.0');
  rig.link.heal();
  await rig.run(2 * MINUTE_MS);
  expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
  const begins = rig.events.filter(({ kind }) => kind === 'write-begin');
  expect(begins).toHaveLength(1);
});

test('a long partition takes the board off the broker, and its return brings it back', async () => {
  const rig = new Rig();
  const said: (boolean | undefined)[] = [];
  rig.channel.subscribe(announceTopic(rig.board.station), (_, payload) =>
    said.push(decodeAnnouncement(payload)?.online),
  );
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.link.partition();
  await rig.run(5 * MINUTE_MS);
  expect(rig.board.online).toBe(false);
  expect(said).toEqual([true, false]);
  rig.link.heal();
  await rig.run(MINUTE_MS);
  expect(rig.board.online).toBe(true);
  expect(said).toEqual([true, false, true]);
});

test('a sender that falls silent is given up, and a new offer of the same image goes on from there', async () => {
  const rig = new Rig();
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0');
  await rig.clock.run(() => rig.pulls >= 4, rig.clock.nowMs + MINUTE_MS);
  rig.deaf = true;
  await rig.run(20 * MINUTE_MS);
  expect(rig.board.state).toBe('running');
  rig.deaf = false;
  rig.offer('thermo:2.0.0');
  await rig.run(MINUTE_MS);
  const begins = rig.events.flatMap((event) => (event.kind === 'write-begin' ? [event.offsetBytes] : []));
  expect(begins).toHaveLength(2);
  expect(begins[1]).toBeGreaterThan(0);
  expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
});

test.each([
  ['too-large', { sizeBytes: 2 * 1024 * 1024 }],
  ['wrong-chip', { chip: 'esp32s3' }],
] as const)('an offer that is %s is refused before a byte is asked for', async (code, more) => {
  const rig = new Rig();
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0', more);
  await rig.run(MINUTE_MS);
  expect(rig.reports).toMatchObject([{ stage: 'refused', code }]);
  expect(rig.pulls).toBe(0);
});

test('an image whose digest is not the offered one is never booted', async () => {
  const rig = new Rig();
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  rig.offer('thermo:2.0.0', { digest: `sha256:${'ab'.repeat(32)}` });
  await rig.run(MINUTE_MS);
  expect(rig.reports.at(-1)).toMatchObject({ stage: 'failed', code: 'digest-mismatch' });
  expect(rig.board).toMatchObject({ version: '1.0.0', slot: 'ota_0' });
});

test.each([0, 1, 3, 10, 40, 200])(
  'power lost at flash operation %i of an update leaves a board that boots',
  async (operation) => {
    const rig = new Rig();
    rig.board.powerOn();
    await rig.run(MINUTE_MS);
    const { flash } = rig.board.parts;
    flash.cutPowerAt({ operation: flash.operations + operation, byte: 7 });
    rig.offer('thermo:2.0.0');
    await rig.run(MINUTE_MS);
    expect(rig.board.state).toBe('off');
    rig.board.powerOn();
    await rig.run(MINUTE_MS);
    expect(rig.board).toMatchObject({ state: 'running', online: true, confirmed: true, version: '1.0.0' });
  },
);
