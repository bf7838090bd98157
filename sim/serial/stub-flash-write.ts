import { Inflater } from '../../src/rom/inflate.ts';
import { STUB_ERROR } from '../../src/rom/opcodes.ts';
import { SECTOR_SIZE } from '../board/block-store.ts';
import type { SpiFlashChip } from './spi-flash-chip.ts';

const OK = 0;

/** One write session of the stub: sectors are erased just before the first byte goes into them. */
export class StubFlashWrite {
  readonly #flash: SpiFlashChip;
  #active = false;
  #next = 0;
  #remaining = 0;
  #erasedTo = 0;
  #inflater: Inflater | undefined;
  #error = OK;

  constructor(flash: SpiFlashChip) {
    this.#flash = flash;
  }

  get active(): boolean {
    return this.#active;
  }

  /** What went wrong with data that were acknowledged already; 0 when nothing did. */
  get error(): number {
    return this.#error;
  }

  begin(size: number, offset: number, compressed: boolean): number {
    if (offset + size > this.#flash.sizeBytes) return STUB_ERROR.spiOperation;
    this.#active = true;
    this.#next = offset;
    this.#remaining = size;
    this.#erasedTo = offset - (offset % SECTOR_SIZE);
    this.#inflater = compressed ? new Inflater() : undefined;
    this.#error = OK;
    return OK;
  }

  take(block: Uint8Array, compressed: boolean): void {
    if (!compressed) {
      this.#program(block);
      return;
    }
    const inflater = this.#inflater;
    if (inflater === undefined) {
      this.#error = STUB_ERROR.notInFlashMode;
      return;
    }
    const bytes = inflater.push(block, this.#remaining);
    if (bytes.length > this.#remaining) this.#error = STUB_ERROR.tooMuchData;
    else if (inflater.status === 'broken' || inflater.status === 'bad-adler')
      this.#error = STUB_ERROR.inflate;
    else this.#program(bytes);
    if (inflater.status === 'done' && this.#remaining > 0) this.#error = STUB_ERROR.notEnoughData;
  }

  end(): number {
    if (!this.#active) return STUB_ERROR.notInFlashMode;
    if (this.#remaining > 0) return STUB_ERROR.notEnoughData;
    this.#active = false;
    return this.#error;
  }

  /** The last block is padded: what goes beyond the announced size is dropped. */
  #program(block: Uint8Array): void {
    const bytes = block.subarray(0, this.#remaining);
    if (bytes.length === 0) return;
    const end = Math.ceil((this.#next + bytes.length) / SECTOR_SIZE) * SECTOR_SIZE;
    if (end > this.#erasedTo) {
      this.#flash.erase(this.#erasedTo, end - this.#erasedTo);
      this.#erasedTo = end;
    }
    this.#flash.program(this.#next, bytes);
    this.#next += bytes.length;
    this.#remaining -= bytes.length;
  }
}
