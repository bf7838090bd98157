import type { Partition } from '../../src/esp/partition-table.ts';
import {
  type Block,
  type BlockStore,
  PAGE_SIZE,
  type Page,
  SECTOR_SIZE,
  SECTORS_PER_PAGE,
} from './block-store.ts';
import { EraseCounts } from './erase-counts.ts';

/** Bytes one program command can write; it never crosses a multiple of this. */
export const PROGRAM_SIZE = 256;

/** Typical durations, in ms. Source: Winbond W25Q128JV datasheet, AC electrical characteristics. */
export const FLASH_TIMES_MS = { programPage: 0.7, eraseSector: 45, eraseBlock: 150 } as const;

/** Where power fails: before flash command `operation` (counted from 0), or `byte` bytes into it. */
export interface PowerCut {
  readonly operation: number;
  /** Bytes before this one are done, this one is half done, later ones are as they were. */
  readonly byte?: number;
  /** The supply only sags: the command is torn all the same, but the chip resets instead of going dark. */
  readonly brownOut?: boolean;
}

/** The supply is gone: whatever code was running has stopped for good. Only whoever switches power catches it. */
export class PowerLoss extends Error {
  override readonly name = 'PowerLoss';
  /** It is back already. */
  readonly brownOut: boolean;

  constructor(message: string, brownOut = false) {
    super(message);
    this.brownOut = brownOut;
  }
}

/** A flash command that the part cannot obey: a mistake of the caller, nothing was changed. */
export class FlashRangeError extends RangeError {
  override readonly name = 'FlashRangeError';
}

/** Told of each command when it is done, with the bytes it wrote or erased: what a cut can fall into. */
export type CommandObserver = (lengthBytes: number) => void;

export interface ProgramResult {
  readonly durationMs: number;
  /** Bytes that now differ from what was asked, because a cleared bit cannot be set again. */
  readonly bytesSpoilt: number;
}

/**
 * SPI NOR flash of one board: an erase sets every bit of a sector, programming can only clear bits.
 *
 * It keeps what was written, not what was meant: programming over old data leaves the AND of both. Contents are
 * shared copy-on-write through a BlockStore. Commands are counted, so that power can be cut at any of them.
 */
export class NorFlash {
  readonly sizeBytes: number;
  readonly store: BlockStore;
  #pages: Page[];
  #ownsPages: boolean;
  #eraseCounts: EraseCounts | undefined;
  #operations = 0;
  #cut: PowerCut | undefined;
  #powered = true;
  #worn: Pick<Partition, 'offset' | 'size'> | undefined;
  #observer: CommandObserver | undefined;

  private constructor(store: BlockStore, pages: Page[], ownsPages: boolean) {
    this.store = store;
    this.sizeBytes = pages.length * PAGE_SIZE;
    this.#pages = pages;
    this.#ownsPages = ownsPages;
  }

  /** An erased part. Throws RangeError unless the size is a multiple of 64 KiB. */
  static blank(store: BlockStore, sizeBytes: number): NorFlash {
    if (sizeBytes <= 0 || sizeBytes % PAGE_SIZE !== 0)
      throw new RangeError(`a flash is a multiple of 64 KiB, not ${sizeBytes} bytes`);
    return new NorFlash(store, new Array<Page>(sizeBytes / PAGE_SIZE).fill(store.erasedPage), true);
  }

  /** A part with the contents of a dump; the counters start at 0. */
  static ofImage(store: BlockStore, image: Uint8Array): NorFlash {
    const flash = NorFlash.blank(store, image.length);
    flash.#write(0, image, false);
    return flash;
  }

  /** Another part with the same contents, at the cost of a few words until one of them is written. */
  fork(): NorFlash {
    for (let index = 0; index < this.#pages.length; index++) {
      const page = this.#pages[index] as Page;
      if (page.id === undefined) this.#pages[index] = this.store.seal(page);
    }
    this.#ownsPages = false;
    return new NorFlash(this.store, this.#pages, false);
  }

  /** Flash commands begun since this part was made. */
  get operations(): number {
    return this.#operations;
  }

  eraseCount(offset: number): number {
    return this.#eraseCounts?.of(Math.floor(offset / SECTOR_SIZE)) ?? 0;
  }

  get worstEraseCount(): number {
    return this.#eraseCounts?.worst ?? 0;
  }

  /** Plans the next power cut; undefined forgets it. A cut at a command already begun never happens. */
  cutPowerAt(cut: PowerCut | undefined): void {
    this.#cut = cut;
  }

  /** Watches the commands from here on; undefined stops it. A fork is not watched. */
  observe(observer: CommandObserver | undefined): void {
    this.#observer = observer;
  }

  get powered(): boolean {
    return this.#powered;
  }

  restorePower(): void {
    this.#powered = true;
  }

  /** From now on sectors that begin in the range do not erase: a cell is stuck, the rest stays. Undefined: all are well. */
  wearOut(range: Pick<Partition, 'offset' | 'size'> | undefined): void {
    this.#worn = range;
  }

  /** A cell loses or gains its charge, by no command. `bit` is 0…7. */
  flipBit(offset: number, bit: number): void {
    this.#check(offset, 1);
    const within = offset % SECTOR_SIZE;
    const { bytes } = this.#sector(offset);
    const flipped = new Uint8Array(Math.max(bytes.length, within + 1)).fill(0xff);
    flipped.set(bytes);
    flipped[within] = (flipped[within] ?? 0) ^ (1 << bit);
    this.#setSector(offset, this.store.block(flipped, false));
  }

  /** A copy of what is there. */
  read(offset: number, length: number): Uint8Array {
    this.#check(offset, length);
    const bytes = new Uint8Array(length).fill(0xff);
    for (let done = 0; done < length; ) {
      const within = (offset + done) % SECTOR_SIZE;
      const size = Math.min(SECTOR_SIZE - within, length - done);
      bytes.set(this.#sector(offset + done).bytes.subarray(within, within + size), done);
      done += size;
    }
    return bytes;
  }

  /** Programs a copy of `data`. Throws PowerLoss when a planned cut falls into it. */
  program(offset: number, data: Uint8Array): ProgramResult {
    return this.#program(offset, data, false);
  }

  /** As `program`, but keeps a view: nobody may ever change the buffer behind `data`. A registry's blobs are such. */
  programImmutable(offset: number, data: Uint8Array): ProgramResult {
    return this.#program(offset, data, true);
  }

  /** Erases 4 KiB. Returns the duration in ms; throws PowerLoss when a planned cut falls into it. */
  eraseSector(offset: number): number {
    this.#check(offset, SECTOR_SIZE);
    if (offset % SECTOR_SIZE !== 0)
      throw new FlashRangeError(`an erase at 0x${offset.toString(16)} is not on a sector`);
    this.#begin(offset, SECTOR_SIZE);
    this.#eraseSectors(offset, SECTOR_SIZE);
    return FLASH_TIMES_MS.eraseSector;
  }

  /** Erases whole sectors, 64 KiB at a time where it can, as esp_flash does. Returns the duration in ms. */
  eraseRange(offset: number, length: number): number {
    this.#check(offset, length);
    if (offset % SECTOR_SIZE !== 0 || length % SECTOR_SIZE !== 0)
      throw new FlashRangeError(
        `an erase of 0x${length.toString(16)} at 0x${offset.toString(16)} is not whole sectors`,
      );
    let durationMs = 0;
    for (let at = offset; at < offset + length; ) {
      const block = at % PAGE_SIZE === 0 && offset + length - at >= PAGE_SIZE;
      if (!block) {
        durationMs += this.eraseSector(at);
        at += SECTOR_SIZE;
        continue;
      }
      this.#begin(at, PAGE_SIZE);
      this.#eraseSectors(at, PAGE_SIZE);
      durationMs += FLASH_TIMES_MS.eraseBlock;
      at += PAGE_SIZE;
    }
    return durationMs;
  }

  /**
   * A text that two ranges of this store share exactly when their contents are equal, and each holds the same way.
   *
   * Cheap: pages written since the last call are sealed, the others are known by number.
   */
  identityOf(offset: number, length: number): string {
    this.#check(offset, length);
    const before = offset % SECTOR_SIZE;
    const end = offset + length;
    let identity = before === 0 && length % SECTOR_SIZE === 0 ? '' : `${before}+${length}:`;
    for (let at = offset - before; at < end; ) {
      if (at % PAGE_SIZE === 0 && end - at >= PAGE_SIZE) {
        identity += `${this.#sealedPage(at / PAGE_SIZE).id},`;
        at += PAGE_SIZE;
      } else {
        const block = this.store.intern(this.#sector(at));
        this.#setSector(at, block);
        identity += `s${block.id},`;
        at += SECTOR_SIZE;
      }
    }
    return identity;
  }

  #program(offset: number, data: Uint8Array, immutable: boolean): ProgramResult {
    this.#check(offset, data.length);
    this.#checkPower();
    if (data.length === 0) return { durationMs: 0, bytesSpoilt: 0 };
    const first = Math.floor(offset / PROGRAM_SIZE);
    const commands = Math.floor((offset + data.length - 1) / PROGRAM_SIZE) - first + 1;
    const cut = this.#cut;
    if (
      cut !== undefined &&
      cut.operation >= this.#operations &&
      cut.operation < this.#operations + commands
    ) {
      const commandStart = Math.max(0, (first + cut.operation - this.#operations) * PROGRAM_SIZE - offset);
      const commandEnd = Math.min(
        data.length,
        (first + cut.operation - this.#operations + 1) * PROGRAM_SIZE - offset,
      );
      const done = Math.min(commandStart + (cut.byte ?? 0), commandEnd);
      this.#write(offset, data.subarray(0, done), false);
      if (cut.byte !== undefined && done < commandEnd)
        this.#write(offset + done, Uint8Array.of((data[done] ?? 0) | 0xf0), false);
      this.#losePower();
    }
    this.#operations += commands;
    if (this.#observer !== undefined)
      for (let at = offset; at < offset + data.length; ) {
        const end = Math.min(offset + data.length, (Math.floor(at / PROGRAM_SIZE) + 1) * PROGRAM_SIZE);
        this.#observer(end - at);
        at = end;
      }
    const bytesSpoilt = this.#write(offset, data, immutable);
    return { durationMs: commands * FLASH_TIMES_MS.programPage, bytesSpoilt };
  }

  #write(offset: number, data: Uint8Array, immutable: boolean): number {
    let spoilt = 0;
    for (let done = 0; done < data.length; ) {
      const within = (offset + done) % SECTOR_SIZE;
      const size = Math.min(SECTOR_SIZE - within, data.length - done);
      const block = this.#sector(offset + done);
      const programmed = block.bytes.length;
      let next: Block;
      if (within >= programmed) {
        next = this.#append(block, within, data, done, size, immutable);
      } else {
        const merged = new Uint8Array(Math.max(programmed, within + size)).fill(0xff);
        merged.set(block.bytes);
        for (let index = 0; index < size; index++) {
          const asked = data[done + index] ?? 0;
          const got = (merged[within + index] ?? 0) & asked;
          merged[within + index] = got;
          if (got !== asked) spoilt++;
        }
        next = this.store.block(merged, false);
      }
      this.#setSector(offset + done, next);
      done += size;
    }
    return spoilt;
  }

  /** Writes where the sector is still erased; a whole sector from a buffer that was seen before costs a look-up. */
  #append(
    block: Block,
    within: number,
    data: Uint8Array,
    from: number,
    size: number,
    immutable: boolean,
  ): Block {
    const programmed = block.bytes.length;
    const start = data.byteOffset + from - within;
    const follows =
      programmed === 0 ||
      (block.immutableSource && block.bytes.buffer === data.buffer && block.bytes.byteOffset === start);
    if (immutable && within === programmed && follows) {
      const whole =
        within + size === SECTOR_SIZE ? this.store.knownBlock(data.buffer, start, SECTOR_SIZE) : undefined;
      return whole ?? this.store.block(new Uint8Array(data.buffer, start, within + size), true);
    }
    const bytes = new Uint8Array(within + size).fill(0xff, programmed, within);
    bytes.set(block.bytes);
    bytes.set(data.subarray(from, from + size), within);
    return this.store.block(bytes, false);
  }

  /** Counts the erase about to happen, or tears it. */
  #begin(offset: number, length: number): void {
    this.#checkPower();
    this.#eraseCounts ??= new EraseCounts();
    const cut = this.#cut;
    if (cut !== undefined && cut.operation === this.#operations) {
      if (cut.byte !== undefined) {
        const done = Math.min(cut.byte, length);
        const rest = this.read(offset + done, length - done);
        if (rest.length > 0) rest[0] = (rest[0] ?? 0) | 0x0f;
        this.#eraseSectors(offset, length);
        this.#write(offset + done, rest, false);
      }
      this.#losePower();
    }
    this.#operations++;
    this.#observer?.(length);
  }

  #eraseSectors(offset: number, length: number): void {
    this.#eraseCounts?.add(offset / SECTOR_SIZE, length / SECTOR_SIZE);
    if (this.#worn !== undefined) this.#eraseWorn(offset, length, this.#worn);
    else if (length === PAGE_SIZE) this.#setPage(offset / PAGE_SIZE, this.store.erasedPage);
    else this.#setSector(offset, this.store.erasedBlock);
  }

  #eraseWorn(offset: number, length: number, worn: Pick<Partition, 'offset' | 'size'>): void {
    for (let at = offset; at < offset + length; at += SECTOR_SIZE)
      if (at >= worn.offset && at < worn.offset + worn.size) this.#write(at, Uint8Array.of(0), false);
      else this.#setSector(at, this.store.erasedBlock);
  }

  #losePower(): never {
    const brownOut = this.#cut?.brownOut === true;
    this.#powered = false;
    this.#cut = undefined;
    throw new PowerLoss(`power was cut at flash operation ${this.#operations}`, brownOut);
  }

  #checkPower(): void {
    if (!this.#powered) throw new PowerLoss('the board has no power');
  }

  #check(offset: number, length: number): void {
    if (offset < 0 || length < 0 || offset + length > this.sizeBytes)
      throw new FlashRangeError(
        `0x${length.toString(16)} bytes at 0x${offset.toString(16)} run past the flash`,
      );
  }

  #sector(offset: number): Block {
    const page = this.#pages[Math.floor(offset / PAGE_SIZE)];
    return page?.sectors[Math.floor((offset % PAGE_SIZE) / SECTOR_SIZE)] ?? this.store.erasedBlock;
  }

  #setSector(offset: number, block: Block): void {
    const pageIndex = Math.floor(offset / PAGE_SIZE);
    let page = this.#pages[pageIndex] as Page;
    const within = Math.floor((offset % PAGE_SIZE) / SECTOR_SIZE);
    if (page.sectors[within] === block) return;
    if (page.id !== undefined) {
      page = { sectors: page.sectors.slice(0, SECTORS_PER_PAGE), id: undefined };
      this.#setPage(pageIndex, page);
    }
    page.sectors[within] = block;
  }

  #setPage(index: number, page: Page): void {
    if (!this.#ownsPages) {
      this.#pages = this.#pages.slice();
      this.#ownsPages = true;
    }
    this.#pages[index] = page;
  }

  #sealedPage(index: number): Page {
    const page = this.#pages[index] as Page;
    if (page.id !== undefined) return page;
    const sealed = this.store.seal(page);
    this.#setPage(index, sealed);
    return sealed;
  }
}
