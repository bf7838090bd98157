import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BlockStore } from '../../sim/board/block-store.ts';
import { NorFlash } from '../../sim/board/nor-flash.ts';
import { CHIPS, type ChipName } from '../../src/esp/chips.ts';
import { OPCODE } from '../../src/rom/opcodes.ts';
import { dataRequest, wordsOf } from '../../src/rom/packet.ts';
import { encodeFrame } from '../../src/rom/slip.ts';
import { Conversation } from './conversation.ts';

const OHAI = Buffer.from('OHAI').toString('hex');
/** `lui a0, 0x49415`: how RISC-V code begins to build the greeting. */
const LUI_GREETING = wordsOf(0x49415537);

const CODE: Readonly<Record<'esp32' | 'esp32c3', { readonly address: number; readonly bytes: Uint8Array }>> =
  {
    esp32: { address: 0x400a8000, bytes: Buffer.from('....OHAI') },
    esp32c3: { address: 0x40380000, bytes: LUI_GREETING },
  };

/** Uploads what the loader takes for a stub, and starts it. */
function startStub(host: Conversation, chip: 'esp32' | 'esp32c3'): string[] {
  const { address, bytes } = CODE[chip];
  host.sync();
  host.words(OPCODE.memBegin, bytes.length, 1, 0x1800, address);
  host.ask(dataRequest(OPCODE.memData, 0, bytes));
  return host.words(OPCODE.memEnd, 0, address);
}

function stub(chip: ChipName & ('esp32' | 'esp32c3') = 'esp32c3', contents?: Uint8Array): Conversation {
  const flash = contents === undefined ? undefined : NorFlash.ofImage(new BlockStore(), contents);
  const host = new Conversation(CHIPS[chip], flash === undefined ? {} : { flash });
  expect(startStub(host, chip)).toHaveLength(2);
  return host;
}

/** The two status bytes of the last answer: an error code and a spare. */
function status(frames: readonly string[]): string | undefined {
  return frames.at(-1)?.slice(-4);
}

const CONTENTS = Uint8Array.from({ length: 256 * 1024 }, (_, at) => (at * 31 + (at >> 8)) & 0xff);

test.each(['esp32', 'esp32c3'] as const)('a stub uploaded to an %s is started and says OHAI', (chip) => {
  const host = new Conversation(CHIPS[chip]);
  expect(startStub(host, chip).at(-1)).toBe(OHAI);
});

test('its SYNC has the value 0, which is how a host tells it from the ROM', () => {
  expect(stub().sync()).toEqual(new Array(8).fill('01080200000000000000'));
});

test('it reads registers, and refuses what it does not know', () => {
  const host = stub();
  expect(host.words(OPCODE.readReg, 0x40001000)).toEqual(['010a02006f50311b0000']);
  expect(status(host.words(OPCODE.readReg))).toBe('c000');
  expect(status(host.words(OPCODE.readFlashSlow, 0, 4))).toBe('ff00');
  expect(status(host.words(0xd5, 0))).toBe('ff00');
});

test('MD5 comes as sixteen bytes', () => {
  const host = stub('esp32', CONTENTS);
  const digest = createHash('md5').update(CONTENTS.subarray(0x100, 0x1100)).digest('hex');
  expect(host.words(OPCODE.spiFlashMd5, 0x100, 0x1000, 0, 0)).toEqual([`0113120000000000${digest}0000`]);
});

describe('reading flash', () => {
  test('sends a frame, waits for the count of bytes, and ends with the MD5', () => {
    const host = stub('esp32', CONTENTS);
    const first = host.words(OPCODE.readFlash, 0x800, 0x1800, 0x1000, 64);
    expect(first).toEqual([
      '01d20200000000000000',
      Buffer.from(CONTENTS.subarray(0x800, 0x1800)).toString('hex'),
    ]);
    host.bench.send(encodeFrame(wordsOf(0x1000)));
    expect(host.frames()).toEqual([Buffer.from(CONTENTS.subarray(0x1800, 0x2000)).toString('hex')]);
    host.bench.send(encodeFrame(wordsOf(0x1800)));
    expect(host.frames()).toEqual([createHash('md5').update(CONTENTS.subarray(0x800, 0x2000)).digest('hex')]);
    expect(host.sync()).toHaveLength(8);
  });

  test('sends several frames at once when the host allows it', () => {
    const host = stub('esp32', CONTENTS);
    expect(host.words(OPCODE.readFlash, 0, 0x4000, 0x1000, 0x3000)).toHaveLength(1 + 3);
  });

  test('gives up when the host acknowledges nonsense, and takes commands again', () => {
    const host = stub('esp32', CONTENTS);
    host.words(OPCODE.readFlash, 0, 0x4000, 0x1000, 64);
    host.bench.send(encodeFrame(Uint8Array.of(1)));
    expect(host.frames()).toHaveLength(1);
    expect(host.sync()).toHaveLength(8);
  });

  test('refuses a range past the end and blocks above a sector', () => {
    const host = stub('esp32', CONTENTS);
    expect(status(host.words(OPCODE.readFlash, 0x3f000, 0x2000, 0x1000, 64))).toBe('c400');
    expect(status(host.words(OPCODE.readFlash, 0, 0x2000, 0x2000, 64))).toBe('c200');
  });
});

describe('writing flash', () => {
  test('erases as it writes: the sector behind the data keeps its contents', () => {
    const host = stub('esp32', CONTENTS);
    const image = new Uint8Array(0x1800).fill(0x5a);
    host.words(OPCODE.flashBegin, image.length, 1, 0x4000, 0x4000, 0);
    expect(status(host.ask(dataRequest(OPCODE.flashData, 0, image)))).toBe('0000');
    expect(status(host.words(OPCODE.flashEnd, 1))).toBe('0000');
    const { flash } = host.bench;
    expect(flash.read(0x4000, image.length)).toEqual(image);
    expect(flash.read(0x5800, 0x800).every((byte) => byte === 0xff)).toBe(true);
    expect(flash.read(0x6000, 0x1000)).toEqual(CONTENTS.slice(0x6000, 0x7000));
  });

  test('compressed data may come in any number of pieces', () => {
    const image = CONTENTS.slice(0, 0x9000);
    const stream = deflateSync(image);
    const host = stub();
    host.words(OPCODE.flashDeflBegin, image.length, 3, 0x4000, 0x10000, 0);
    for (let sequence = 0; sequence * 100 < stream.length; sequence++) {
      const piece = stream.subarray(sequence * 100, sequence * 100 + 100);
      expect(status(host.ask(dataRequest(OPCODE.flashDeflData, sequence, piece)))).toBe('0000');
    }
    expect(status(host.words(OPCODE.flashDeflEnd, 1))).toBe('0000');
    expect(host.bench.flash.read(0x10000, image.length)).toEqual(image);
  });

  test('padding of the last block is dropped', () => {
    const host = stub('esp32', CONTENTS);
    host.words(OPCODE.flashBegin, 4, 1, 0x4000, 0x4000, 0);
    host.ask(dataRequest(OPCODE.flashData, 0, Uint8Array.of(1, 2, 3, 4, 9, 9, 9, 9)));
    expect([...host.bench.flash.read(0x4000, 8)]).toEqual([1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff]);
  });

  test('data without a begin, with a wrong checksum or length, or too little of it, are told apart', () => {
    const host = stub();
    const block = dataRequest(OPCODE.flashData, 0, Uint8Array.of(1, 2, 3, 4));
    expect(status(host.ask(block))).toBe('c600');
    expect(status(host.words(OPCODE.flashEnd, 1))).toBe('c600');
    host.words(OPCODE.flashBegin, 8, 1, 0x4000, 0, 0);
    expect(status(host.ask({ ...block, checksum: 0 }))).toBe('c100');
    expect(status(host.ask({ ...block, data: block.data.slice(0, -1) }))).toBe('c000');
    expect(status(host.ask(block))).toBe('0000');
    expect(status(host.words(OPCODE.flashEnd, 1))).toBe('c800');
  });

  test('what goes wrong after a block was acknowledged is told with the next command', () => {
    const host = stub();
    host.words(OPCODE.flashDeflBegin, 0x1000, 1, 0x4000, 0, 0);
    const noise = dataRequest(OPCODE.flashDeflData, 0, new Uint8Array(32).fill(7));
    expect(status(host.ask(noise))).toBe('0000');
    expect(status(host.ask(noise))).toBe('c700');
  });

  test('a reboot asked for at the end brings the ROM back', () => {
    const host = stub();
    host.words(OPCODE.flashBegin, 0, 0, 0x4000, 0, 0);
    host.words(OPCODE.flashEnd, 0);
    expect(host.sync()[0]).toBe('010804000707122000000000');
  });
});

test('erasing takes whole sectors only, and the whole chip', () => {
  const host = stub('esp32', CONTENTS);
  expect(status(host.words(OPCODE.eraseRegion, 0x1001, 0x1000))).toBe('c200');
  expect(status(host.words(OPCODE.eraseRegion, 0x40000, 0x1000))).toBe('c400');
  expect(status(host.words(OPCODE.eraseRegion, 0x1000, 0x1000))).toBe('0000');
  const { flash } = host.bench;
  expect(flash.read(0x1000, 0x1000).every((byte) => byte === 0xff)).toBe(true);
  expect(flash.read(0x2000, 4)).toEqual(CONTENTS.slice(0x2000, 0x2004));
  expect(status(host.words(OPCODE.eraseFlash))).toBe('0000');
  expect(flash.read(0, flash.sizeBytes).every((byte) => byte === 0xff)).toBe(true);
});

test('any bytes leave the stub alive for the next sync', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (chunks) => {
      const host = stub();
      for (const chunk of chunks)
        host.bench.send(Uint8Array.from(chunk, (byte) => (byte === 0xd3 ? 0 : byte)));
      host.bench.send(Uint8Array.of(0xc0, 0xc0));
      host.frames();
      host.sync();
      expect(host.sync().length).toBeGreaterThanOrEqual(8);
    }),
    { numRuns: 100 },
  );
});
