import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHIP_NAMES, CHIPS } from '../../src/esp/chips.ts';
import { OPCODE } from '../../src/rom/opcodes.ts';
import { dataRequest } from '../../src/rom/packet.ts';
import { Conversation } from './conversation.ts';

const SCRATCH = 0x3fcb0000;

function connected(chip: keyof typeof CHIPS = 'esp32c3'): Conversation {
  const host = new Conversation(CHIPS[chip]);
  host.sync();
  return host;
}

/** Status and error byte of the last answer that has no data. */
function status(frames: readonly string[]): string | undefined {
  return frames.at(-1)?.slice(16, 20);
}

describe('before a host is there', () => {
  test('nothing but SYNC is answered', () => {
    const host = new Conversation(CHIPS.esp32);
    expect(host.words(OPCODE.readReg, 0x40001000)).toEqual([]);
    expect(host.words(0x15)).toEqual([]);
    expect(host.sync()).toHaveLength(8);
    expect(host.words(OPCODE.readReg, 0x40001000)).toHaveLength(1);
  });

  test('a flood of syncs is answered eight times each', () => {
    const host = new Conversation(CHIPS.esp32c6);
    expect([host.sync(), host.sync(), host.sync()].map((frames) => frames.length)).toEqual([8, 8, 8]);
  });
});

describe('answers the ROM way', () => {
  test('an unknown command right after SYNC is refused eight times, under SYNC', () => {
    const host = connected('esp32');
    expect(host.words(OPCODE.getSecurityInfo)).toEqual(new Array(8).fill('010804000707122001050000'));
  });

  test('the error byte stays until a command clears it', () => {
    const host = connected();
    expect(status(host.words(0x55))).toBe('0105');
    expect(status(host.words(OPCODE.memBegin, 4, 1, 4, SCRATCH))).toBe('0005');
    expect(status(host.words(OPCODE.readReg, SCRATCH))).toBe('0000');
    expect(status(host.words(OPCODE.memBegin, 4, 1, 4, SCRATCH))).toBe('0000');
  });

  test('a frame from a device, direction 1, is an invalid message', () => {
    const host = connected();
    host.words(OPCODE.readReg, 0x40001000);
    expect(host.raw('010a04000000000000100040')).toEqual(['010a04006f50311b01050000']);
  });

  test('a packet cut short is read together with the bytes of the one before', () => {
    const host = connected();
    expect(host.words(OPCODE.readReg, 0x40001000)).toEqual(host.raw('000a'));
  });

  test('a wrong escape keeps its second byte', () => {
    const host = connected();
    host.bench.send(Buffer.from('c0000a0400000000000010db00db40c0', 'hex'));
    expect(host.frames()).toEqual(['010a04006f50311b00000000']);
  });

  test.each(CHIP_NAMES)('%s tells its kind', (name) => {
    const host = connected(name);
    const { address, value } = CHIPS[name].magicRegister;
    expect(Buffer.from(host.words(OPCODE.readReg, address)[0] ?? '', 'hex').readUInt32LE(4)).toBe(value);
    const [info = ''] = host.words(OPCODE.getSecurityInfo);
    const size = { esp32: 4, esp32s2: 16 }[name as string] ?? 24;
    expect(Buffer.from(info, 'hex').readUInt16LE(2)).toBe(size);
    if (size === 24) expect(Buffer.from(info, 'hex').readUInt32LE(8 + 12)).toBe(CHIPS[name].chipId);
  });
});

describe('registers', () => {
  test('a write goes through its mask, and one command may carry several', () => {
    const host = connected();
    host.words(OPCODE.writeReg, SCRATCH, 0x11223344, 0xffffffff, 0, SCRATCH + 4, 0xffffffff, 0x0000ff00, 0);
    expect(host.words(OPCODE.readReg, SCRATCH)).toEqual(['010a04004433221100000000']);
    expect(host.words(OPCODE.readReg, SCRATCH + 4)).toEqual(['010a040000ff000000000000']);
    host.words(OPCODE.writeReg, SCRATCH, 0xffffffff, 0x000000ff, 0);
    expect(host.words(OPCODE.readReg, SCRATCH)).toEqual(['010a0400ff33221100000000']);
  });

  test('what is downloaded to RAM can be read back', () => {
    const host = connected('esp32');
    host.words(OPCODE.memBegin, 8, 2, 4, 0x3ffe8000);
    host.ask(dataRequest(OPCODE.memData, 0, Uint8Array.of(1, 2, 3, 4)));
    host.ask(dataRequest(OPCODE.memData, 1, Uint8Array.of(5, 6, 7, 8)));
    expect(host.words(OPCODE.readReg, 0x3ffe8004)).toEqual(['010a04000506070800000000']);
  });
});

describe('downloads refuse', () => {
  const block = Uint8Array.of(1, 2, 3, 4);

  test('a BEGIN of the wrong length, or with blocks above 0x1800 bytes', () => {
    const host = connected('esp32');
    expect(status(host.words(OPCODE.memBegin, 4, 1, 4))).toBe('0105');
    expect(status(host.words(OPCODE.memBegin, 4, 1, 0x1801, 0x3ffe8000))).toBe('0105');
    expect(status(host.words(OPCODE.flashBegin, 0, 0, 0x400, 0, 0))).toBe('0105');
    expect(status(connected('esp32s2').words(OPCODE.flashBegin, 0, 0, 0x400, 0))).toBe('0105');
  });

  test('a block out of turn, and one longer than announced', () => {
    const host = connected();
    host.words(OPCODE.memBegin, 8, 2, 4, SCRATCH);
    expect(status(host.ask(dataRequest(OPCODE.memData, 1, block)))).toBe('0105');
    expect(status(host.ask(dataRequest(OPCODE.memData, 0, new Uint8Array(8))))).toBe('0105');
    expect(status(host.ask(dataRequest(OPCODE.memData, 0, block)))).toBe('0005');
    expect(status(host.ask(dataRequest(OPCODE.memData, 0, block)))).toBe('0105');
  });

  test('a wrong checksum, which still uses up its sequence number', () => {
    const host = connected();
    host.words(OPCODE.memBegin, 8, 2, 4, SCRATCH);
    expect(status(host.ask({ ...dataRequest(OPCODE.memData, 0, block), checksum: 0 }))).toBe('0107');
    expect(status(host.ask(dataRequest(OPCODE.memData, 0, block)))).toBe('0105');
    expect(status(host.ask(dataRequest(OPCODE.memData, 1, block)))).toBe('0005');
  });

  test('RAM that is not there, on chips that look', () => {
    expect(status(connected().words(OPCODE.memBegin, 4, 1, 4, 0x10000000))).toBe('010f');
    expect(status(connected().words(OPCODE.memBegin, 0x100000, 1, 4, SCRATCH))).toBe('010e');
    expect(status(connected('esp32').words(OPCODE.memBegin, 4, 1, 4, 0x10000000))).toBe('0000');
  });

  test('flash off a sector, past the end, or in blocks of no whole words', () => {
    const host = connected('esp32');
    expect(status(host.words(OPCODE.flashBegin, 0x400, 1, 0x400, 0x1004))).toBe('0106');
    expect(status(host.words(OPCODE.flashBegin, 0x400, 1, 0x400, 0x400000))).toBe('0106');
    host.words(OPCODE.spiSetParams, 0, 0x100000, 0x10000, 0x1000, 0x100, 0xffff);
    expect(status(host.words(OPCODE.flashBegin, 0x400, 1, 0x400, 0x100000))).toBe('0106');
    host.words(OPCODE.flashBegin, 0x400, 1, 0x400, 0x1000);
    expect(status(host.ask(dataRequest(OPCODE.flashData, 0, Uint8Array.of(1, 2, 3))))).toBe('0105');
  });

  test('a cell that does not take its value', () => {
    const host = connected('esp32');
    host.words(OPCODE.flashBegin, 4, 2, 4, 0x1000);
    host.ask(dataRequest(OPCODE.flashData, 0, Uint8Array.of(0, 0, 0, 0)));
    host.words(OPCODE.flashBegin, 0, 1, 4, 0x1000);
    expect(status(host.ask(dataRequest(OPCODE.flashData, 0, Uint8Array.of(1, 0, 0, 0))))).toBe('0108');
  });

  test('compressed data that is broken, and an Adler-32 that is wrong', () => {
    const stream = deflateSync(Buffer.alloc(64, 'brick'));
    const begin = (): Conversation => {
      const host = connected('esp32');
      host.words(OPCODE.flashDeflBegin, 0x400, 1, 0x400, 0x1000);
      return host;
    };
    expect(status(begin().ask(dataRequest(OPCODE.flashDeflData, 0, stream)))).toBe('0000');
    expect(status(begin().ask(dataRequest(OPCODE.flashDeflData, 0, Buffer.alloc(16, 7))))).toBe('010b');
    stream[stream.length - 1] = (stream.at(-1) ?? 0) ^ 0xff;
    expect(status(begin().ask(dataRequest(OPCODE.flashDeflData, 0, stream)))).toBe('010c');
  });

  test('more than 64 bytes of flash at once', () => {
    const host = connected();
    expect(status(host.words(OPCODE.readFlashSlow, 0, 65))).toBe('010a');
    expect(host.words(OPCODE.readFlashSlow, 0, 4)[0]).toHaveLength(2 * (8 + 64 + 4));
  });
});

describe('secure download mode', () => {
  test('leaves writing and security info, and nothing that reads', () => {
    const host = new Conversation(CHIPS.esp32c3, { downloadMode: 'secure' });
    host.sync();
    host.words(OPCODE.spiAttach, 0, 0);
    expect(status(host.words(OPCODE.readReg, 0x40001000))).toBe('0105');
    expect(status(host.words(OPCODE.memBegin, 4, 1, 4, SCRATCH))).toBe('0105');
    expect(status(host.words(OPCODE.spiFlashMd5, 0, 4, 0, 0))).toBe('0105');
    expect(status(host.words(OPCODE.spiAttach, 0, 0))).toBe('0000');
    expect(host.words(OPCODE.getSecurityInfo)[0]?.slice(16, 24)).toBe('04000000');
    expect(status(host.words(OPCODE.flashBegin, 4, 1, 4, 0x1000, 0))).toBe('0000');
  });

  test('a chip whose download mode is burnt away starts from flash with the boot pin held', () => {
    const host = new Conversation(CHIPS.esp32c3, { downloadMode: 'disabled' });
    expect(host.sync()).toEqual([]);
  });
});

describe('leaving the loader', () => {
  test('a finished download that leaves without rebooting ends the loader', () => {
    const host = connected();
    host.words(OPCODE.flashBegin, 0, 0, 0x400, 0, 0);
    expect(status(host.words(OPCODE.flashEnd, 1))).toBe('0000');
    expect(host.sync()).toEqual([]);
  });

  test('an unfinished one fails, and ends the loader all the same', () => {
    const host = connected();
    host.words(OPCODE.flashBegin, 0x400, 1, 0x400, 0, 0);
    expect(status(host.words(OPCODE.flashEnd, 1))).toBe('0106');
    expect(host.sync()).toEqual([]);
  });

  test('with a reboot the chip starts anew', () => {
    const host = connected();
    host.words(OPCODE.flashBegin, 0, 0, 0x400, 0, 0);
    host.words(OPCODE.flashEnd, 0);
    expect(host.sync()).toHaveLength(8);
  });

  test('on an ESP32-S3 a changed pointer to the flash read function starts the code it points to', () => {
    const host = connected('esp32s3');
    host.words(OPCODE.memBegin, 4, 1, 4, 0x40378000);
    host.ask(dataRequest(OPCODE.memData, 0, Buffer.from('OHAI')));
    host.words(OPCODE.memEnd, 1, 0);
    host.words(OPCODE.writeReg, 0x3fcef688, 0x40378000, 0xffffffff, 0);
    expect(host.words(OPCODE.readFlashSlow, 0, 0)).toEqual([Buffer.from('OHAI').toString('hex')]);
  });

  test('MEM_END that stays keeps the loader; code that is no stub silences the board', () => {
    const host = connected();
    host.words(OPCODE.memBegin, 4, 1, 4, SCRATCH);
    host.ask(dataRequest(OPCODE.memData, 0, Uint8Array.of(1, 2, 3, 4)));
    host.words(OPCODE.memEnd, 1, 0);
    expect(host.sync()).toHaveLength(8);
    expect(host.words(OPCODE.memEnd, 0, SCRATCH)).toHaveLength(1);
    expect(host.sync()).toEqual([]);
  });
});

test('whatever comes down the line, the loader neither throws nor hangs nor grows', () => {
  const opcode = fc.constantFrom(...Object.values(OPCODE), 0, 1, 0xff);
  const data = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc
      .array(
        fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 4, 0x400, 0x1000, SCRATCH)),
        {
          maxLength: 8,
        },
      )
      .map((words) => new Uint8Array(Uint32Array.from(words).buffer)),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...CHIP_NAMES),
      fc.array(fc.tuple(opcode, data, fc.boolean()), { maxLength: 12 }),
      fc.uint8Array({ maxLength: 100 }),
      (chip, requests, noise) => {
        const host = connected(chip);
        for (const [code, bytes, cut] of requests) {
          if (cut) host.bench.send(bytes);
          host.ask({ opcode: code, checksum: 0xef, data: bytes });
        }
        host.bench.send(noise);
      },
    ),
    { numRuns: 150 },
  );
});
