import { SECTOR_SIZE } from '../board/block-store.ts';
import type { NorFlash } from '../board/nor-flash.ts';

/** Winbond's maker byte and the type byte of its W25Q parts; the third byte is log2 of the size. Source: W25Q128JV datasheet. */
const MAKER = 0xef;
const MEMORY_TYPE = 0x40;

/** Instructions. Source: W25Q128JV datasheet, section 8.1. */
const INSTRUCTION = {
  writeStatus1: 0x01,
  pageProgram: 0x02,
  readData: 0x03,
  writeDisable: 0x04,
  readStatus1: 0x05,
  writeEnable: 0x06,
  writeStatus3: 0x11,
  readStatus3: 0x15,
  sectorErase: 0x20,
  writeStatus2: 0x31,
  readStatus2: 0x35,
  volatileWriteEnable: 0x50,
  readSfdp: 0x5a,
  chipErase: 0xc7,
  chipEraseToo: 0x60,
  blockErase: 0xd8,
  readJedecId: 0x9f,
} as const;

const BLOCK_SIZE = 0x10000;
const WRITE_ENABLE_LATCH = 0x02;
const QUAD_ENABLE = 0x02;

/**
 * The flash part as its pins show it: instructions in, bytes out, over the cells of a NorFlash.
 *
 * Addresses past the end wrap round, as a part ignores address bits it does not have. `busyMs` adds up what the
 * part spent erasing and programming.
 */
export class SpiFlashChip {
  readonly flash: NorFlash;
  busyMs = 0;
  readonly #status = [0, QUAD_ENABLE, 0];
  #writeEnabled = false;

  constructor(flash: NorFlash) {
    this.flash = flash;
  }

  get sizeBytes(): number {
    return this.flash.sizeBytes;
  }

  /** Maker, type and capacity, in the order the part sends them. */
  get jedecId(): readonly [number, number, number] {
    return [MAKER, MEMORY_TYPE, Math.round(Math.log2(this.sizeBytes))];
  }

  /** One transaction. Returns `readLength` bytes, 0xff where the part has nothing to say. */
  transact(instruction: number, address: number, sent: Uint8Array, readLength: number): Uint8Array {
    const answer = new Uint8Array(readLength).fill(0xff);
    answer.set(this.#execute(instruction, address, sent, readLength).slice(0, readLength));
    return answer;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const at = (offset + done) % this.sizeBytes;
      const size = Math.min(length - done, this.sizeBytes - at);
      bytes.set(this.flash.read(at, size), done);
      done += size;
    }
    return bytes;
  }

  program(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const at = (offset + done) % this.sizeBytes;
      const size = Math.min(bytes.length - done, this.sizeBytes - at);
      this.busyMs += this.flash.program(at, bytes.subarray(done, done + size)).durationMs;
      done += size;
    }
  }

  /** Erases whole sectors; both numbers are multiples of 4 KiB. */
  erase(offset: number, length: number): void {
    for (let done = 0; done < length; ) {
      const at = (offset + done) % this.sizeBytes;
      const size = Math.min(length - done, this.sizeBytes - at);
      this.busyMs += this.flash.eraseRange(at, size);
      done += size;
    }
  }

  #execute(instruction: number, address: number, sent: Uint8Array, readLength: number): Uint8Array {
    switch (instruction) {
      case INSTRUCTION.readJedecId:
        return Uint8Array.from(this.jedecId);
      case INSTRUCTION.readSfdp:
        return this.#sfdp().subarray(address, address + readLength);
      case INSTRUCTION.readData:
        return this.read(address, readLength);
      case INSTRUCTION.readStatus1:
        return Uint8Array.of((this.#status[0] ?? 0) | (this.#writeEnabled ? WRITE_ENABLE_LATCH : 0));
      case INSTRUCTION.readStatus2:
        return Uint8Array.of(this.#status[1] ?? 0);
      case INSTRUCTION.readStatus3:
        return Uint8Array.of(this.#status[2] ?? 0);
      case INSTRUCTION.writeEnable:
      case INSTRUCTION.volatileWriteEnable:
        this.#writeEnabled = true;
        break;
      default:
        if (this.#writeEnabled) this.#change(instruction, address, sent);
        this.#writeEnabled = false;
    }
    return new Uint8Array(0);
  }

  #change(instruction: number, address: number, sent: Uint8Array): void {
    switch (instruction) {
      case INSTRUCTION.writeStatus1:
        this.#status[0] = (sent[0] ?? 0) & ~0x03;
        if (sent.length > 1) this.#status[1] = sent[1] ?? 0;
        break;
      case INSTRUCTION.writeStatus2:
        this.#status[1] = sent[0] ?? 0;
        break;
      case INSTRUCTION.writeStatus3:
        this.#status[2] = sent[0] ?? 0;
        break;
      case INSTRUCTION.pageProgram:
        this.program(address, sent);
        break;
      case INSTRUCTION.sectorErase:
        this.erase(address - (address % SECTOR_SIZE), SECTOR_SIZE);
        break;
      case INSTRUCTION.blockErase:
        this.erase(address - (address % BLOCK_SIZE), BLOCK_SIZE);
        break;
      case INSTRUCTION.chipErase:
      case INSTRUCTION.chipEraseToo:
        this.erase(0, this.sizeBytes);
        break;
    }
  }

  /** Header, one parameter header and the density word. Source: JEDEC JESD216, sections 6.2 to 6.4. */
  #sfdp(): Uint8Array {
    const table = new Uint8Array(256).fill(0xff);
    table.set([0x53, 0x46, 0x44, 0x50, 0x05, 0x01, 0x00, 0xff]);
    table.set([0x00, 0x05, 0x01, 0x10, 0x80, 0x00, 0x00, 0xff], 8);
    new DataView(table.buffer).setUint32(0x84, this.sizeBytes * 8 - 1, true);
    return table;
  }
}
