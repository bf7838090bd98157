import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clearDownloadNote, readDownloadNote, writeDownloadNote } from '../../sim/board/download-note.ts';
import { RESET_REASONS, type ResetReason } from '../../sim/board/reset-reason.ts';
import { RtcMemory } from '../../sim/board/rtc-memory.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { Rig } from './rig.ts';

const MINUTE_MS = 60_000;
const SOFT_RESETS = Object.keys(RESET_REASONS).filter((reason) => reason !== 'power-on') as ResetReason[];
const note = {
  slotOffset: 0x190000,
  sizeBytes: 200_000,
  digest: `sha256:${'5a'.repeat(32)}`,
  writtenBytes: 65_536,
};

describe('the memory', () => {
  test('is as large as the chip says, and the ESP32-C2 has none', () => {
    const sizes = Object.values(CHIPS).map((chip) => [chip.name, new RtcMemory(chip).sizeBytes]);
    expect(sizes).toContainEqual(['esp32', 8192]);
    expect(sizes).toContainEqual(['esp32c3', 8192]);
    expect(sizes).toContainEqual(['esp32c2', 0]);
    expect(() => new RtcMemory(CHIPS.esp32c2).write(0, new Uint8Array(1))).toThrow(RangeError);
    expect(() => new RtcMemory(CHIPS.esp32).read(8190, 3)).toThrow(RangeError);
  });

  test('reads what was written until it loses power', () => {
    const memory = new RtcMemory(CHIPS.esp32);
    memory.write(8, Uint8Array.of(1, 2));
    memory.write(2, Uint8Array.of(3));
    expect([...memory.read(2, 8)]).toEqual([3, 0, 0, 0, 0, 0, 1, 2]);
    memory.losePower();
    expect([...memory.read(8, 2)]).toEqual([0, 0]);
  });
});

describe('the note of a download', () => {
  test('reads back as it was left, until it is cleared or the power goes', () => {
    const memory = new RtcMemory(CHIPS.esp32);
    expect(readDownloadNote(memory)).toBeUndefined();
    writeDownloadNote(memory, note);
    expect(readDownloadNote(memory)).toEqual(note);
    clearDownloadNote(memory);
    expect(readDownloadNote(memory)).toBeUndefined();
    writeDownloadNote(memory, note);
    memory.losePower();
    expect(readDownloadNote(memory)).toBeUndefined();
  });

  test('is nothing on a chip without RTC memory', () => {
    const memory = new RtcMemory(CHIPS.esp32c2);
    writeDownloadNote(memory, note);
    clearDownloadNote(memory);
    expect(readDownloadNote(memory)).toBeUndefined();
  });

  test('is not believed when a single bit of it is wrong, nor are arbitrary cells', () => {
    fc.assert(
      fc.property(fc.nat({ max: 48 * 8 - 1 }), (bit) => {
        const memory = new RtcMemory(CHIPS.esp32);
        writeDownloadNote(memory, note);
        const cells = memory.read(bit >> 3, 1);
        memory.write(bit >> 3, Uint8Array.of((cells[0] ?? 0) ^ (1 << (bit & 7))));
        expect(readDownloadNote(memory)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 48, maxLength: 48 }), (cells) => {
        const memory = new RtcMemory(CHIPS.esp32);
        memory.write(0, cells);
        expect(readDownloadNote(memory)).toBeUndefined();
      }),
    );
  });
});

describe('a download', () => {
  /** A board with an update under way: some chunks are written, more are to come. */
  async function midway(chip: 'esp32' | 'esp32c2' = 'esp32'): Promise<Rig> {
    const images = [{ chip, source: { kind: 'generated', sizeBytes: 200_000 } }] as const;
    const firmware = ['thermo:1.0.0', 'thermo:2.0.0'].map((key) => ({ key, images }));
    const rig = new Rig({ board: { chip }, firmware });
    rig.board.powerOn();
    await rig.run(MINUTE_MS);
    rig.offer('thermo:2.0.0');
    await rig.clock.run(() => rig.pulls >= 5, rig.clock.nowMs + MINUTE_MS);
    expect(rig.board.state).toBe('updating');
    return rig;
  }
  const offsets = (rig: Rig) =>
    rig.events.flatMap((event) => (event.kind === 'write-begin' ? [event.offsetBytes] : []));

  test.each(SOFT_RESETS)('goes on where it was after a %s reset', async (reason) => {
    const rig = await midway();
    rig.board.reset(reason);
    await rig.run(MINUTE_MS);
    expect(rig.board).toMatchObject({ state: 'running', online: true, version: '1.0.0' });
    rig.offer('thermo:2.0.0');
    await rig.run(MINUTE_MS);
    expect(offsets(rig)).toEqual([0, 2 * 32 * 1024]);
    expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true, slot: 'ota_1' });
  });

  test.each([
    [
      'a power cut',
      'esp32',
      (rig: Rig) => {
        rig.board.cutPower();
        rig.board.powerOn();
      },
    ],
    ['a reset by the EN pin', 'esp32', (rig: Rig) => rig.board.reset('power-on')],
    ['a panic of a chip without RTC memory', 'esp32c2', (rig: Rig) => rig.board.reset('software-cpu')],
  ] as const)('starts again after %s', async (_, chip, interrupt) => {
    const rig = await midway(chip);
    interrupt(rig);
    await rig.run(MINUTE_MS);
    rig.offer('thermo:2.0.0');
    await rig.run(MINUTE_MS);
    expect(offsets(rig)).toEqual([0, 0]);
    expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
  });

  test('of another image does not go on where the first one was', async () => {
    const rig = await midway();
    rig.board.reset('software-cpu');
    await rig.run(MINUTE_MS);
    rig.offer('thermo:2.0.0', { digest: `sha256:${'ab'.repeat(32)}` });
    await rig.run(MINUTE_MS);
    expect(offsets(rig)).toEqual([0, 0]);
    expect(rig.reports.at(-1)).toMatchObject({ stage: 'failed', code: 'digest-mismatch' });
    expect(rig.board.version).toBe('1.0.0');
  });

  test('that went on over damaged bytes fails by name, and the next one starts again and succeeds', async () => {
    const rig = await midway();
    rig.board.reset('software-cpu');
    rig.board.parts.flash.flipBit(0x190000 + 40_000, 3);
    await rig.run(MINUTE_MS);
    rig.offer('thermo:2.0.0');
    await rig.run(MINUTE_MS);
    expect(rig.reports.at(-1)).toMatchObject({ stage: 'failed', code: 'image-invalid' });
    expect(rig.board).toMatchObject({ version: '1.0.0', state: 'running' });
    rig.offer('thermo:2.0.0');
    await rig.run(MINUTE_MS);
    expect(offsets(rig)).toEqual([0, 2 * 32 * 1024, 0]);
    expect(rig.board).toMatchObject({ version: '2.0.0', confirmed: true });
  });
});
