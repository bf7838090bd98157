import { contains } from '../../src/esp/chips.ts';
import { Inflater } from '../../src/rom/inflate.ts';
import { ROM_ERROR } from '../../src/rom/opcodes.ts';
import { checksumOf, DATA_HEADER_SIZE } from '../../src/rom/packet.ts';
import { SECTOR_SIZE } from '../board/block-store.ts';
import { LOADER_CHIPS } from './loader-chip.ts';
import type { LoaderHardware } from './loader-hardware.ts';
import { DONE, failure, type RomOutcome, type RomRequest } from './rom-request.ts';

/** Longest block of any download, in bytes. Source: esptool, loader.py, ESP_RAM_BLOCK; the ROM compares with it. */
const BLOCK_SIZE_MAX = 0x1800;
/** What the ROM takes the flash for until SPI_SET_PARAMS says otherwise. Source: esp-idf, rom/spi_flash.h. */
const DEFAULT_FLASH_SIZE = 4 * 1024 * 1024;
/** The largest part esptool knows; a greater claim is cut, so that one MD5 stays within bounds. */
const FLASH_SIZE_MAX = 128 * 1024 * 1024;

/**
 * The ROM's downloads: to RAM, to flash, and to flash compressed.
 *
 * One record serves all three, as in the ROM: a BEGIN of one kind ends another. The sequence number moves on even
 * when a block's checksum is wrong; the error byte is not cleared by success.
 */
export class RomDownload {
  readonly #hardware: LoaderHardware;
  #size = 0;
  #blocks = 0;
  #blockSize = 0;
  #sequence = 0;
  #received = 0;
  #address = 0;
  #inflater: Inflater | undefined;
  #flashSize = DEFAULT_FLASH_SIZE;

  constructor(hardware: LoaderHardware) {
    this.#hardware = hardware;
  }

  setFlashSize(sizeBytes: number): void {
    this.#flashSize = Math.min(sizeBytes, FLASH_SIZE_MAX);
  }

  /** True when the range lies in the flash as SPI_SET_PARAMS described it. */
  holds(offset: number, length: number): boolean {
    return offset + length <= this.#flashSize;
  }

  beginMemory(request: RomRequest): RomOutcome {
    if (request.size !== 16 || request.word(2) > BLOCK_SIZE_MAX) return failure(ROM_ERROR.invalidMessage);
    const refusal = this.#refuseRam(request.word(3), request.word(0));
    if (refusal !== undefined) return refusal;
    this.#begin(request);
    return DONE;
  }

  takeMemory(request: RomRequest): RomOutcome {
    const block = this.#takeBlock(request, false);
    if (!(block instanceof Uint8Array)) return block;
    this.#hardware.memory.writeBytes(this.#address, block);
    this.#advance(block.length, block.length);
    return DONE;
  }

  /** FLASH_BEGIN and FLASH_DEFL_BEGIN: erases what will be written before it answers. */
  beginFlash(request: RomRequest, compressed: boolean): RomOutcome {
    const { encryptWord } = LOADER_CHIPS[this.#hardware.chip.name];
    if (request.size !== (encryptWord ? 20 : 16) || request.word(2) > BLOCK_SIZE_MAX)
      return failure(ROM_ERROR.invalidMessage);
    this.#begin(request);
    this.#inflater = compressed ? new Inflater() : undefined;
    // A board whose flash encryption key is unknown to us cannot encrypt what it is given.
    if (encryptWord && request.word(4) !== 0) return failure(ROM_ERROR.failed);
    if (!this.holds(this.#address, this.#size) || this.#address % SECTOR_SIZE !== 0)
      return failure(ROM_ERROR.failed);
    this.#hardware.flash.erase(this.#address, Math.ceil(this.#size / SECTOR_SIZE) * SECTOR_SIZE);
    return DONE;
  }

  takeFlash(request: RomRequest): RomOutcome {
    const block = this.#takeBlock(request, true);
    if (!(block instanceof Uint8Array)) return block;
    if (!this.#write(block)) return failure(ROM_ERROR.flashWrite);
    this.#advance(block.length, block.length);
    return DONE;
  }

  takeCompressed(request: RomRequest): RomOutcome {
    const block = this.#takeBlock(request, false);
    if (!(block instanceof Uint8Array)) return block;
    const inflater = this.#inflater;
    if (inflater === undefined) return failure(ROM_ERROR.deflateParameter);
    const bytes = inflater.push(block, Math.max(0, this.#size - this.#received));
    if (inflater.status === 'broken') return failure(ROM_ERROR.deflate);
    if (inflater.status === 'bad-adler') return failure(ROM_ERROR.deflateAdler32);
    if (!this.#write(bytes)) return failure(ROM_ERROR.flashWrite);
    this.#advance(bytes.length, bytes.length);
    return DONE;
  }

  /** FLASH_END and FLASH_DEFL_END: success when everything announced has come. */
  endFlash(): RomOutcome {
    const complete =
      this.#inflater === undefined ? this.#received === this.#size : this.#inflater.status === 'done';
    return this.#sequence === this.#blocks && complete ? DONE : failure(ROM_ERROR.failed);
  }

  #begin(request: RomRequest): void {
    this.#size = request.word(0);
    this.#blocks = request.word(1);
    this.#blockSize = request.word(2);
    this.#address = request.word(3);
    this.#sequence = 0;
    this.#received = 0;
    this.#inflater = undefined;
  }

  /** The bytes of the next block, checked, or why there are none. */
  #takeBlock(request: RomRequest, wholeWords: boolean): Uint8Array | RomOutcome {
    const length = request.word(0);
    const misfit =
      request.size > BLOCK_SIZE_MAX + DATA_HEADER_SIZE ||
      request.word(1) !== this.#sequence ||
      length > this.#blockSize ||
      (wholeWords && length % 4 !== 0);
    if (misfit) return failure(ROM_ERROR.invalidMessage);
    this.#sequence++;
    const block = request.payload(length);
    return checksumOf(block) === request.checksum ? block : failure(ROM_ERROR.badChecksum);
  }

  /** Programs and reads back, as the ROM does: false when the cells do not hold the bytes. */
  #write(bytes: Uint8Array): boolean {
    if (!this.holds(this.#address, bytes.length)) return false;
    this.#hardware.flash.program(this.#address, bytes);
    return checksumOf(this.#hardware.flash.read(this.#address, bytes.length)) === checksumOf(bytes);
  }

  #advance(addressBy: number, receivedBy: number): void {
    this.#address += addressBy;
    this.#received += receivedBy;
  }

  /** Chips after the first look whether the RAM is there at all. */
  #refuseRam(address: number, size: number): RomOutcome | undefined {
    const { chip } = this.#hardware;
    if (chip.name === 'esp32') return undefined;
    const windows = [chip.dram, chip.iram, ...chip.rtc];
    const window = windows.find((range) => contains(range, address));
    if (window === undefined) return failure(ROM_ERROR.ramAddress);
    return address + size > window.end ? failure(ROM_ERROR.ramSize) : undefined;
  }
}
