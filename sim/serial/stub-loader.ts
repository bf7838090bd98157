import { createHash } from 'node:crypto';
import { OPCODE, STUB_ERROR } from '../../src/rom/opcodes.ts';
import { checksumOf, DATA_HEADER_SIZE, HEADER_SIZE } from '../../src/rom/packet.ts';
import { encodeSecurityInfo } from '../../src/rom/security-info.ts';
import { encodeFrame, SlipDecoder } from '../../src/rom/slip.ts';
import { SECTOR_SIZE } from '../board/block-store.ts';
import type { LoaderHardware, LoaderLine, SerialReader } from './loader-hardware.ts';
import { StubFlashRead } from './stub-flash-read.ts';
import { StubFlashWrite } from './stub-flash-write.ts';

/** Longest data command: a block and its header. Source: esp-flasher-stub, MAX_WRITE_BLOCK. */
const DATA_SIZE_MAX = 0x4000 + DATA_HEADER_SIZE;
const SYNC_REPLIES = 8;
const OK = 0;

/** A frame taken apart; words past its end read 0. */
class StubRequest {
  readonly opcode: number;
  readonly checksum: number;
  readonly data: Uint8Array;
  readonly #view: DataView;

  constructor(frame: Uint8Array) {
    this.opcode = frame[1] ?? 0;
    this.checksum = frame[4] ?? 0;
    this.data = frame.subarray(HEADER_SIZE);
    this.#view = new DataView(this.data.buffer, this.data.byteOffset, this.data.byteLength);
  }

  word(index: number): number {
    return index * 4 + 4 <= this.data.length ? this.#view.getUint32(index * 4, true) : 0;
  }

  get payload(): Uint8Array {
    return this.data.subarray(DATA_HEADER_SIZE);
  }
}

/**
 * esptool's flasher stub, as a protocol: what a host sees after it uploaded and started one.
 *
 * It answers with two status bytes, the first being the error code, acknowledges flash data before it writes them
 * (a failure is told with the next command), and erases as it writes. Source: esp-flasher-stub and esptool docs,
 * serial protocol.
 */
export class StubLoader implements SerialReader {
  readonly #hardware: LoaderHardware;
  readonly #line: LoaderLine;
  readonly #decoder = new SlipDecoder(2 * DATA_SIZE_MAX);
  readonly #write: StubFlashWrite;
  #read: StubFlashRead | undefined;
  #memoryAddress = 0;

  constructor(hardware: LoaderHardware, line: LoaderLine) {
    this.#hardware = hardware;
    this.#line = line;
    this.#write = new StubFlashWrite(hardware.flash);
    line.send(encodeFrame(Buffer.from('OHAI', 'latin1')));
  }

  receive(byte: number): void {
    for (const event of this.#decoder.push(Uint8Array.of(byte))) {
      if (event.kind !== 'frame') continue;
      if (this.#read !== undefined) this.#acknowledge(event.payload);
      else if (event.payload.length >= HEADER_SIZE && event.payload[0] === 0)
        this.#handle(new StubRequest(event.payload));
    }
  }

  #acknowledge(payload: Uint8Array): void {
    if (this.#read?.acknowledge(payload) === true) this.#read = undefined;
  }

  #handle(request: StubRequest): void {
    if (request.opcode === OPCODE.runUserCode) {
      this.#line.reboot();
      return;
    }
    if (request.data.length > DATA_SIZE_MAX) {
      this.#reply(request, STUB_ERROR.badDataLength);
      return;
    }
    switch (request.opcode) {
      case OPCODE.sync:
        for (let count = 0; count < SYNC_REPLIES; count++) this.#reply(request, OK);
        break;
      case OPCODE.readReg:
        this.#readRegister(request);
        break;
      case OPCODE.spiFlashMd5:
        this.#md5(request);
        break;
      case OPCODE.getSecurityInfo: {
        const info = this.#hardware.securityInfo;
        if (info === undefined) this.#reply(request, STUB_ERROR.notImplemented);
        else this.#reply(request, OK, encodeSecurityInfo(info));
        break;
      }
      case OPCODE.readFlash:
        this.#readFlash(request);
        break;
      case OPCODE.flashData:
      case OPCODE.flashDeflData:
        this.#takeBlock(request);
        break;
      default:
        this.#plain(request);
    }
  }

  #reply(request: StubRequest, error: number, data: Uint8Array = new Uint8Array(0), value = 0): void {
    const packet = new Uint8Array(HEADER_SIZE + data.length + 2);
    const view = new DataView(packet.buffer);
    packet[0] = 1;
    packet[1] = request.opcode;
    view.setUint16(2, data.length + 2, true);
    view.setUint32(4, value >>> 0, true);
    packet.set(data, HEADER_SIZE);
    packet[HEADER_SIZE + data.length] = error;
    this.#line.send(encodeFrame(packet));
  }

  #readRegister(request: StubRequest): void {
    if (request.data.length !== 4) this.#reply(request, STUB_ERROR.badDataLength);
    else this.#reply(request, OK, undefined, this.#hardware.memory.readWord(request.word(0)));
  }

  #md5(request: StubRequest): void {
    const [offset, length] = [request.word(0), request.word(1)];
    if (request.data.length !== 16) this.#reply(request, STUB_ERROR.badDataLength);
    else if (offset + length > this.#hardware.flash.sizeBytes)
      this.#reply(request, STUB_ERROR.spiOperation, new Uint8Array(16));
    else
      this.#reply(request, OK, createHash('md5').update(this.#hardware.flash.read(offset, length)).digest());
  }

  #readFlash(request: StubRequest): void {
    const [offset, length, blockSize, inFlightMax] = [0, 1, 2, 3].map((index) => request.word(index));
    const { flash } = this.#hardware;
    if (request.data.length !== 16) this.#reply(request, STUB_ERROR.badDataLength);
    else if (blockSize === undefined || blockSize === 0 || blockSize > SECTOR_SIZE)
      this.#reply(request, STUB_ERROR.badBlockSize);
    else if ((offset ?? 0) + (length ?? 0) > flash.sizeBytes) this.#reply(request, STUB_ERROR.spiOperation);
    else {
      this.#reply(request, OK);
      const read = new StubFlashRead(flash, this.#line, {
        offset: offset ?? 0,
        length: length ?? 0,
        blockSize,
        inFlightMax: inFlightMax ?? 0,
      });
      this.#read = read.start() ? undefined : read;
    }
  }

  #takeBlock(request: StubRequest): void {
    const { payload } = request;
    if (!this.#write.active) this.#reply(request, STUB_ERROR.notInFlashMode);
    else if (request.data.length < DATA_HEADER_SIZE || request.word(0) !== payload.length)
      this.#reply(request, STUB_ERROR.badDataLength);
    else if (checksumOf(payload) !== request.checksum) this.#reply(request, STUB_ERROR.badChecksum);
    else {
      const earlier = this.#write.error;
      this.#reply(request, earlier);
      if (earlier === OK) this.#write.take(payload, request.opcode === OPCODE.flashDeflData);
    }
  }

  /** Commands that answer with nothing but a status. */
  #plain(request: StubRequest): void {
    const error = this.#execute(request);
    this.#reply(request, error);
    if (error !== OK) return;
    if (request.opcode === OPCODE.changeBaudRate) this.#line.setBaudRate(request.word(0));
    const ended = request.opcode === OPCODE.flashEnd || request.opcode === OPCODE.flashDeflEnd;
    if (ended && request.word(0) === 0) this.#line.reboot();
    if (request.opcode === OPCODE.memEnd && request.word(1) !== 0) this.#line.run(request.word(1));
  }

  #execute(request: StubRequest): number {
    const { flash, memory } = this.#hardware;
    const size = request.data.length;
    const sized = (...sizes: readonly number[]): boolean => sizes.includes(size);
    switch (request.opcode) {
      case OPCODE.eraseFlash:
        if (!sized(0)) return STUB_ERROR.badDataLength;
        flash.erase(0, flash.sizeBytes);
        return OK;
      case OPCODE.eraseRegion:
        return sized(8) ? this.#eraseRegion(request.word(0), request.word(1)) : STUB_ERROR.badDataLength;
      case OPCODE.flashBegin:
      case OPCODE.flashDeflBegin:
        if (!sized(16, 20)) return STUB_ERROR.badDataLength;
        // Encrypting needs a key that nobody outside the chip knows.
        if (request.word(4) !== 0) return STUB_ERROR.notImplemented;
        return this.#write.begin(request.word(0), request.word(3), request.opcode === OPCODE.flashDeflBegin);
      case OPCODE.flashEnd:
      case OPCODE.flashDeflEnd:
        return this.#write.end();
      case OPCODE.spiSetParams:
        return sized(24) ? OK : STUB_ERROR.badDataLength;
      case OPCODE.spiAttach:
        return sized(4, 8) ? OK : STUB_ERROR.badDataLength;
      case OPCODE.changeBaudRate:
        return sized(8) && request.word(0) !== 0 ? OK : STUB_ERROR.badDataLength;
      case OPCODE.writeReg:
        if (size === 0 || size % 16 !== 0) return STUB_ERROR.badDataLength;
        for (let at = 0; at < size / 4; at += 4) {
          const mask = request.word(at + 2);
          const kept = mask === 0xffffffff ? 0 : memory.readWord(request.word(at)) & ~mask;
          memory.writeWord(request.word(at), ((request.word(at + 1) & mask) | kept) >>> 0);
        }
        return OK;
      case OPCODE.memBegin:
        if (!sized(16)) return STUB_ERROR.badDataLength;
        this.#memoryAddress = request.word(3);
        return OK;
      case OPCODE.memData:
        if (size < DATA_HEADER_SIZE || request.word(0) !== request.payload.length)
          return STUB_ERROR.badDataLength;
        if (checksumOf(request.payload) !== request.checksum) return STUB_ERROR.badChecksum;
        memory.writeBytes(this.#memoryAddress, request.payload);
        this.#memoryAddress += request.payload.length;
        return OK;
      case OPCODE.memEnd:
        return sized(8) ? OK : STUB_ERROR.badDataLength;
      default:
        return STUB_ERROR.notImplemented;
    }
  }

  #eraseRegion(offset: number, length: number): number {
    const { flash } = this.#hardware;
    if (offset % SECTOR_SIZE !== 0 || length % SECTOR_SIZE !== 0) return STUB_ERROR.badBlockSize;
    if (offset + length > flash.sizeBytes) return STUB_ERROR.spiOperation;
    flash.erase(offset, length);
    return OK;
  }
}
