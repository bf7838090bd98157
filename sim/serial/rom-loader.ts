import { createHash } from 'node:crypto';
import { OPCODE, ROM_ERROR, SECURE_DOWNLOAD_OPCODES } from '../../src/rom/opcodes.ts';
import { HEADER_SIZE } from '../../src/rom/packet.ts';
import { encodeSecurityInfo } from '../../src/rom/security-info.ts';
import { encodeFrame } from '../../src/rom/slip.ts';
import { LOADER_CHIPS } from './loader-chip.ts';
import type { LoaderHardware, LoaderLine, SerialReader } from './loader-hardware.ts';
import { RomDownload } from './rom-download.ts';
import { RomReceiver } from './rom-receiver.ts';
import { CLEARED, DONE, failure, type RomOutcome, RomRequest } from './rom-request.ts';

const BUFFER_SIZE = 0x2000;
const STATUS_SIZE = 4;
const SYNC_REPLIES = 8;
/** Bytes that READ_FLASH_SLOW always answers, however few were asked for. */
const SLOW_READ_SIZE = 64;

/**
 * The loader in the mask ROM, from power-up in download mode.
 *
 * Its oddities are the real one's and tools depend on some of them. A command it does not know is answered under
 * the opcode of the last one it knew, eight times when that was SYNC. The value field keeps the last register
 * read. The reply is one buffer, never cleared: what a long answer left stays behind the status of the next.
 * Until a SYNC came it answers nothing. Source: recorded conversations with two mask ROMs, test/vectors/rom-serial-*.json,
 * and the published disassembly of the ESP8266's loader, which this one grew out of.
 */
export class RomLoader implements SerialReader {
  readonly #hardware: LoaderHardware;
  readonly #line: LoaderLine;
  readonly #receiver = new RomReceiver(BUFFER_SIZE);
  readonly #download: RomDownload;
  readonly #reply = new Uint8Array(HEADER_SIZE + SLOW_READ_SIZE + STATUS_SIZE);
  readonly #replyView = new DataView(this.#reply.buffer);
  #connected = false;
  #error = 0;
  /** What happens once the answer is out. */
  #then: (() => void) | undefined;

  constructor(hardware: LoaderHardware, line: LoaderLine) {
    this.#hardware = hardware;
    this.#line = line;
    this.#download = new RomDownload(hardware);
    this.#reply[0] = 1;
  }

  receive(byte: number): void {
    if (this.#receiver.receive(byte) === undefined) return;
    const request = new RomRequest(this.#receiver.buffer);
    if (!this.#connected) {
      if (!request.fromHost || request.opcode !== OPCODE.sync) return;
      this.#connected = true;
    }
    if (this.#entersRam(request)) return;
    this.#answer(request.fromHost ? this.#dispatch(request) : failure(ROM_ERROR.invalidMessage));
    const then = this.#then;
    this.#then = undefined;
    then?.();
  }

  /** A read of flash goes through a pointer in RAM on some chips: one that was changed leads away from the ROM. */
  #entersRam(request: RomRequest): boolean {
    const { chip, memory, secureDownload } = this.#hardware;
    const { flashReadPointer } = LOADER_CHIPS[chip.name];
    if (!request.fromHost || request.opcode !== OPCODE.readFlashSlow || secureDownload) return false;
    const entry = flashReadPointer === undefined ? 0 : memory.readWord(flashReadPointer);
    if (entry !== 0) this.#line.run(entry);
    return entry !== 0;
  }

  #answer(outcome: RomOutcome): void {
    if (outcome.error !== undefined) this.#error = outcome.error;
    const data = outcome.data ?? new Uint8Array(0);
    this.#reply.set(data, HEADER_SIZE);
    this.#reply[HEADER_SIZE + data.length] = outcome.failed ? 1 : 0;
    this.#reply[HEADER_SIZE + data.length + 1] = this.#error;
    this.#replyView.setUint16(2, data.length + STATUS_SIZE, true);
    const frame = encodeFrame(this.#reply.subarray(0, HEADER_SIZE + data.length + STATUS_SIZE));
    const times = this.#reply[1] === OPCODE.sync ? SYNC_REPLIES : 1;
    for (let count = 0; count < times; count++) this.#line.send(frame);
  }

  #dispatch(request: RomRequest): RomOutcome {
    const { opcode } = request;
    const refused = this.#hardware.secureDownload && !SECURE_DOWNLOAD_OPCODES.has(opcode);
    const outcome = refused ? undefined : this.#execute(opcode, request);
    if (outcome === undefined) return failure(ROM_ERROR.invalidMessage);
    this.#reply[1] = opcode;
    return outcome;
  }

  /** Undefined for a command this ROM does not know. */
  #execute(opcode: number, request: RomRequest): RomOutcome | undefined {
    switch (opcode) {
      case OPCODE.sync:
        return this.#value(request.word(0));
      case OPCODE.readReg:
        return this.#value(this.#hardware.memory.readWord(request.word(0)));
      case OPCODE.writeReg:
        return this.#writeRegisters(request);
      case OPCODE.memBegin:
        return this.#download.beginMemory(request);
      case OPCODE.memData:
        return this.#download.takeMemory(request);
      case OPCODE.memEnd:
        return this.#endMemory(request);
      case OPCODE.flashBegin:
        return this.#download.beginFlash(request, false);
      case OPCODE.flashData:
        return this.#download.takeFlash(request);
      case OPCODE.flashDeflBegin:
        return this.#download.beginFlash(request, true);
      case OPCODE.flashDeflData:
        return this.#download.takeCompressed(request);
      case OPCODE.flashEnd:
      case OPCODE.flashDeflEnd:
        return this.#endFlash(request);
      case OPCODE.spiAttach:
        return CLEARED;
      case OPCODE.spiSetParams:
        return this.#setParameters(request);
      case OPCODE.changeBaudRate:
        return this.#changeBaudRate(request);
      case OPCODE.readFlashSlow:
        return this.#readFlash(request);
      case OPCODE.spiFlashMd5:
        return this.#md5(request);
      case OPCODE.getSecurityInfo: {
        const info = this.#hardware.securityInfo;
        return info === undefined ? undefined : { failed: false, data: encodeSecurityInfo(info) };
      }
      default:
        return undefined;
    }
  }

  #value(word: number): RomOutcome {
    this.#replyView.setUint32(4, word >>> 0, true);
    return CLEARED;
  }

  /** Address, value, mask and delay, as often as the announced size has room for all four. */
  #writeRegisters(request: RomRequest): RomOutcome {
    const { memory } = this.#hardware;
    const count = Math.min(request.size, BUFFER_SIZE - HEADER_SIZE) >> 4;
    for (let index = 0; index < count; index++) {
      const address = request.word(index * 4);
      const mask = request.word(index * 4 + 2);
      const kept = mask === 0xffffffff ? 0 : memory.readWord(address) & ~mask;
      memory.writeWord(address, ((request.word(index * 4 + 1) & mask) | kept) >>> 0);
    }
    return CLEARED;
  }

  #endMemory(request: RomRequest): RomOutcome {
    if (request.size > 8) return failure(ROM_ERROR.invalidMessage);
    const stays = request.byte(0) !== 0;
    const entry = request.word(1);
    if (!stays) this.#then = () => (entry === 0 ? this.#line.leave() : this.#line.run(entry));
    return DONE;
  }

  /** The loader is left even when the download was not complete. */
  #endFlash(request: RomRequest): RomOutcome {
    const reboots = request.word(0) === 0;
    this.#then = () => (reboots ? this.#line.reboot() : this.#line.leave());
    return this.#download.endFlash();
  }

  #setParameters(request: RomRequest): RomOutcome {
    if (request.size !== 24) return failure(ROM_ERROR.invalidMessage);
    this.#download.setFlashSize(request.word(1));
    return DONE;
  }

  #changeBaudRate(request: RomRequest): RomOutcome {
    const rate = request.word(0);
    if (request.size !== 8 || rate === 0) return failure(ROM_ERROR.invalidMessage);
    this.#then = () => this.#line.setBaudRate(rate);
    return CLEARED;
  }

  #readFlash(request: RomRequest): RomOutcome {
    if (request.size !== 8) return failure(ROM_ERROR.invalidMessage);
    const offset = request.word(0);
    const length = request.word(1);
    if (length > SLOW_READ_SIZE) return failure(ROM_ERROR.flashReadLength);
    if (!this.#download.holds(offset, length)) return failure(ROM_ERROR.flashRead);
    const data = this.#reply.slice(HEADER_SIZE, HEADER_SIZE + SLOW_READ_SIZE);
    data.set(this.#hardware.flash.read(offset, length));
    return { failed: false, data };
  }

  #md5(request: RomRequest): RomOutcome {
    if (request.size !== 16) return failure(ROM_ERROR.invalidMessage);
    const offset = request.word(0);
    const length = request.word(1);
    if (!this.#download.holds(offset, length)) return failure(ROM_ERROR.flashRead);
    const digest = createHash('md5').update(this.#hardware.flash.read(offset, length)).digest('hex');
    return { failed: false, data: Buffer.from(digest, 'latin1') };
  }
}
