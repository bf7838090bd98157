import { describe, expect, test } from 'vitest';
import type { StampedEvent } from '../../src/scenario/fleet-event.ts';
import { Rig } from './rig.ts';

const MINUTE_MS = 60_000;
const lastBoot = (rig: Rig) =>
  rig.events.findLast((event): event is Extract<StampedEvent, { kind: 'boot' }> => event.kind === 'boot');

async function running(): Promise<Rig> {
  const rig = new Rig();
  rig.board.powerOn();
  await rig.run(MINUTE_MS);
  return rig;
}

describe('a hang', () => {
  test.each([
    ['tasks', 5_000, 'task-watchdog'],
    ['interrupts', 300, 'interrupt-watchdog'],
  ] as const)('of %s ends after %i ms with a %s reset', async (what, timeoutMs, resetReason) => {
    const rig = await running();
    const boots = rig.board.bootCount;
    rig.board.hang(what);
    await rig.run(timeoutMs - 1);
    expect(rig.board).toMatchObject({ state: 'running', bootCount: boots });
    await rig.run(2);
    expect(rig.board.state).toBe('booting');
    await rig.run(MINUTE_MS);
    expect(lastBoot(rig)).toMatchObject({ resetReason, slot: 'ota_0' });
    expect(rig.board).toMatchObject({ state: 'running', online: true });
  });

  test('leaves nothing of the application that answers', async () => {
    const rig = await running();
    rig.board.hang('tasks');
    rig.offer('thermo:2.0.0');
    await rig.run(4_000);
    expect(rig.reports).toEqual([]);
  });

  test('in an update costs the time until the watchdog bites, and no byte of what was written', async () => {
    const rig = await running();
    rig.offer('thermo:2.0.0');
    await rig.clock.run(() => rig.pulls >= 5, rig.clock.nowMs + MINUTE_MS);
    rig.board.hang('interrupts');
    await rig.run(MINUTE_MS);
    rig.offer('thermo:2.0.0');
    await rig.run(MINUTE_MS);
    const offsets = rig.events.flatMap((event) => (event.kind === 'write-begin' ? [event.offsetBytes] : []));
    expect(offsets).toEqual([0, 65_536]);
    expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
  });

  test('in the bootloader is ended by the RTC watchdog after nine seconds', async () => {
    const rig = await running();
    rig.board.reset('software');
    await rig.run(100);
    rig.board.hang('tasks');
    await rig.run(8_999);
    expect(rig.board.state).toBe('booting');
    await rig.run(MINUTE_MS);
    expect(lastBoot(rig)).toMatchObject({ resetReason: 'rtc-watchdog-system', slot: 'ota_0' });
    expect(rig.board).toMatchObject({ state: 'running', online: true });
  });

  test('of a board without power is none', async () => {
    const rig = await running();
    rig.board.cutPower();
    rig.board.hang('tasks');
    await rig.run(MINUTE_MS);
    expect(rig.board.state).toBe('off');
  });
});

describe('a chip that finds nothing to boot', () => {
  /** Everything from that flash offset on is gone. */
  async function erasedFrom(offset: number, chip: 'esp32' | 'esp32c3'): Promise<Rig> {
    const images = [{ chip, source: { kind: 'generated', sizeBytes: 70_000 } }] as const;
    const firmware = ['thermo:1.0.0', 'thermo:2.0.0'].map((key) => ({ key, images }));
    const rig = new Rig({ board: { chip }, firmware });
    const { flash } = rig.board.parts;
    flash.eraseRange(offset, flash.sizeBytes - offset);
    rig.board.powerOn();
    await rig.run(1_000);
    return rig;
  }

  test.each([
    ['no app', 0x9000, 'esp32', 'software'],
    ['no app', 0x9000, 'esp32c3', 'software'],
    ['no bootloader', 0, 'esp32', 'rtc-watchdog-system'],
    ['no bootloader', 0, 'esp32c3', 'task-watchdog'],
  ] as const)('%s (erased from %i) on an %s, resets for ever: %s', async (_, offset, chip, reason) => {
    const rig = await erasedFrom(offset, chip);
    expect(rig.board.state).toBe('bricked');
    expect(rig.board.bootLoop?.resetReason).toBe(reason);
  });

  test('counts its resets without an event', async () => {
    const rig = await erasedFrom(0x9000, 'esp32');
    const events = rig.clock.eventCount;
    const told = rig.events.length;
    const boots = rig.board.bootCount;
    await rig.run(60 * MINUTE_MS);
    expect(rig.clock.eventCount).toBe(events);
    expect(rig.events).toHaveLength(told);
    expect(rig.board.bootCount - boots).toBeGreaterThan(10_000);
  });

  test('keeps its count without power, and boots when its flash is mended', async () => {
    const rig = await erasedFrom(0x9000, 'esp32');
    await rig.run(MINUTE_MS);
    rig.board.cutPower();
    const boots = rig.board.bootCount;
    await rig.run(MINUTE_MS);
    expect(rig.board.bootCount).toBe(boots);
    rig.board.parts.flash.program(0x10000, rig.factory.image('thermo:1.0.0', 'esp32'));
    rig.board.powerOn();
    await rig.run(MINUTE_MS);
    expect(rig.board).toMatchObject({ state: 'running', bootLoop: undefined, bootCount: boots + 1 });
  });
});
