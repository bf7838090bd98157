import type { Peripheral } from './address-space.ts';
import type { SpiLayout } from './loader-chip.ts';
import type { SpiFlashChip } from './spi-flash-chip.ts';

const WINDOW_SIZE = 0x100;
const ADDRESS = 0x04;
const BUFFER_WORDS = 16;
/** Starts the transaction described by the other registers; clears itself. Source: ESP32 TRM, SPI_CMD_REG. */
const COMMAND_USER = 1 << 18;

/** Phases of a user transaction. Source: ESP32 TRM, SPI_USER_REG. */
const PHASE = { address: 1 << 30, miso: 1 << 28, mosi: 1 << 27 } as const;

/** The controller a loader drives register by register to talk to the flash, as for its JEDEC id. */
export class SpiController implements Peripheral {
  readonly start: number;
  readonly end: number;
  readonly #layout: SpiLayout;
  readonly #chip: SpiFlashChip;
  readonly #registers = new Uint32Array(WINDOW_SIZE / 4);

  constructor(base: number, layout: SpiLayout, chip: SpiFlashChip) {
    this.start = base;
    this.end = base + WINDOW_SIZE;
    this.#layout = layout;
    this.#chip = chip;
  }

  readWord(address: number): number {
    return this.#register(address - this.start);
  }

  writeWord(address: number, value: number): void {
    this.#registers[(address - this.start) / 4] = value;
    if (address !== this.start) return;
    if ((value & COMMAND_USER) !== 0) this.#transact();
    this.#registers[0] = 0;
  }

  #transact(): void {
    const { usr, usr1, usr2, mosiLength, misoLength, w0, addressHigh } = this.#layout;
    const phases = this.#register(usr);
    const instruction = this.#register(usr2) & 0xff;
    const addressBits = (this.#register(usr1) >>> 26) + 1;
    const addressWord = (phases & PHASE.address) === 0 ? 0 : this.#register(ADDRESS);
    const address = addressHigh ? addressWord >>> (32 - addressBits) : addressWord;
    const buffer = new Uint8Array(this.#registers.buffer, w0, BUFFER_WORDS * 4);
    const sent = (phases & PHASE.mosi) === 0 ? 0 : bytesOf(this.#register(mosiLength));
    const wanted = (phases & PHASE.miso) === 0 ? 0 : bytesOf(this.#register(misoLength));
    buffer.set(this.#chip.transact(instruction, address, buffer.slice(0, sent), wanted));
  }

  #register(offset: number): number {
    return this.#registers[offset / 4] ?? 0;
  }
}

/** Length registers hold bits less one. */
function bytesOf(bitsLessOne: number): number {
  return Math.min(Math.ceil(((bitsLessOne & 0x3ff) + 1) / 8), BUFFER_WORDS * 4);
}
