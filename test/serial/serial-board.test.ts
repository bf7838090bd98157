import { describe, expect, test } from 'vitest';
import { BlockStore } from '../../sim/board/block-store.ts';
import { NorFlash } from '../../sim/board/nor-flash.ts';
import { CHIP_NAMES, CHIPS } from '../../src/esp/chips.ts';
import { readBootLogLine } from '../../src/rom/boot-log.ts';
import { OPCODE } from '../../src/rom/opcodes.ts';
import { encodeRequest, syncRequest, wordsOf } from '../../src/rom/packet.ts';
import { encodeFrame } from '../../src/rom/slip.ts';
import { Conversation } from './conversation.ts';
import { downloadBoard } from './download-board.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const SYNC = encodeFrame(encodeRequest(syncRequest()));

describe('starting', () => {
  test.each(CHIP_NAMES)('%s says how it started and waits for a download', (name) => {
    const lines = text(downloadBoard(CHIPS[name]).takeOutput()).split('\r\n');
    expect(lines.at(-2)).toBe('waiting for download');
    expect(lines.map(readBootLogLine)).toContainEqual(
      expect.objectContaining({ kind: 'reset', reason: 1, bootMode: CHIPS[name].bootModes.download }),
    );
  });

  test('without the boot pin it starts from flash, and a blank one has no image', () => {
    const { takeOutput } = downloadBoard(CHIPS.esp32c3, { bootPinHeld: false });
    const events = text(takeOutput()).split('\r\n').map(readBootLogLine);
    expect(events).toContainEqual(expect.objectContaining({ bootMode: 0xc }));
    expect(events).toContainEqual({ kind: 'no-image', line: 'invalid header: 0xffffffff' });
  });

  test('the lines reset it into the loader and back out', () => {
    const { board, takeOutput, send } = downloadBoard(CHIPS.esp32, { bootPinHeld: false });
    takeOutput();
    board.setModemLines({ dtr: false, rts: true });
    send(SYNC);
    expect(takeOutput()).toHaveLength(0);
    board.setModemLines({ dtr: true, rts: true });
    board.setModemLines({ dtr: true, rts: false });
    expect(text(takeOutput())).toContain('waiting for download');
    board.setModemLines({ dtr: false, rts: false });
    send(SYNC);
    expect(takeOutput().length).toBeGreaterThan(0);
    board.setModemLines({ dtr: false, rts: true });
    board.setModemLines({ dtr: false, rts: false });
    expect(text(takeOutput())).toContain('SPI_FAST_FLASH_BOOT');
  });

  test('EN comes up by itself after its capacitor has charged', async () => {
    const { board, pass, takeOutput } = downloadBoard(CHIPS.esp32, { bootPinHeld: false });
    takeOutput();
    board.setModemLines({ dtr: false, rts: true });
    board.setModemLines({ dtr: true, rts: true });
    expect(takeOutput()).toHaveLength(0);
    await pass(1000);
    expect(text(takeOutput())).toContain('SPI_FAST_FLASH_BOOT');
  });
});

describe('speed', () => {
  test('the loader takes the speed of the host that synchronises first', () => {
    const { board, send, takeOutput } = downloadBoard(CHIPS.esp32);
    takeOutput();
    board.setHostBaudRate(460_800);
    send(SYNC);
    expect(takeOutput().length).toBeGreaterThan(0);
    expect(board.baudRate).toBe(460_800);
  });

  test('after CHANGE_BAUDRATE nothing is heard at the old speed', () => {
    const host = new Conversation(CHIPS.esp32c3);
    host.bench.board.setHostBaudRate(115_200);
    host.sync();
    expect(host.words(OPCODE.changeBaudRate, 921_600, 0)).toHaveLength(1);
    expect(host.sync()).toEqual([]);
    host.bench.board.setHostBaudRate(921_600);
    expect(host.sync()).toHaveLength(8);
  });

  test('the clock divider tells the crystal at the speed in use', () => {
    const host = new Conversation(CHIPS.esp32);
    host.bench.board.setHostBaudRate(115_200);
    host.sync();
    const [frame = ''] = host.words(OPCODE.readReg, 0x3ff40014);
    expect(((Buffer.from(frame, 'hex').readUInt32LE(4) & 0xfffff) * 115_200) / 1e6).toBeCloseTo(40, 0);
  });
});

describe('the flash part behind its controller', () => {
  test.each([
    ['esp32', 0x3ff42000, { usr: 0x1c, usr2: 0x24, miso: 0x2c, w0: 0x80 }],
    ['esp32c3', 0x60002000, { usr: 0x18, usr2: 0x20, miso: 0x28, w0: 0x58 }],
  ] as const)('%s reads its JEDEC id by registers', (chip, base, { usr, usr2, miso, w0 }) => {
    const flash = NorFlash.blank(new BlockStore(), 8 * 1024 * 1024);
    const host = new Conversation(CHIPS[chip], { flash });
    host.sync();
    const write = (offset: number, value: number): unknown =>
      host.words(OPCODE.writeReg, base + offset, value, 0xffffffff, 0);
    write(miso, 23);
    write(usr, 2 ** 31 + 2 ** 28);
    write(usr2, 0x70000000 + 0x9f);
    write(w0, 0);
    write(0, 1 << 18);
    expect(host.words(OPCODE.readReg, base)).toEqual(['010a04000000000000000000']);
    expect(host.words(OPCODE.readReg, base + w0)).toEqual(['010a0400ef40170000000000']);
  });
});

test('at real pace an answer takes the time that erasing and the wire take', async () => {
  const host = new Conversation(CHIPS.esp32, { pace: 'real' });
  const { pass, send, takeOutput } = host.bench;
  await pass(1000);
  send(SYNC);
  await pass(1000);
  takeOutput();
  send(
    encodeFrame(
      encodeRequest({ opcode: OPCODE.flashBegin, checksum: 0, data: wordsOf(0x3000, 12, 0x400, 0) }),
    ),
  );
  await pass(3 * 45);
  expect(takeOutput()).toHaveLength(0);
  await pass(2);
  expect(takeOutput().length).toBeGreaterThan(0);
});

test('a watchdog that a tool arms resets the chip', async () => {
  const host = new Conversation(CHIPS.esp32c3);
  const { pass } = host.bench;
  host.sync();
  const write = (address: number, value: number): unknown =>
    host.words(OPCODE.writeReg, address, value, 0xffffffff, 0);
  write(0x60008094, 2000);
  write(0x60008090, 0x80000000);
  await pass(1000);
  expect(host.bench.takeOutput()).toHaveLength(0);
  write(0x600080a8, 0x50d83aa1);
  write(0x60008094, 2000);
  write(0x60008090, 0x80000000);
  await pass(1000);
  expect(text(host.bench.takeOutput())).toContain('rst:0x10 (RTCWDT_RTC_RST)');
});
