import { isErased, viewOf } from '../../src/esp/byte-fields.ts';
import {
  decodeEntry,
  encodePageHeader,
  entryState,
  NVS_BITMAP_OFFSET,
  NVS_ENTRIES_MAX,
  NVS_ENTRY_SIZE,
  NVS_FIRST_ENTRY,
  NVS_PAGE_SIZE,
  NVS_PAGE_STATES,
  type NvsEntry,
  type NvsPageState,
  pageHeaderCrc,
  pageStateName,
} from '../../src/esp/nvs-layout.ts';
import type { Partition } from '../../src/esp/partition-table.ts';
import type { NorFlash } from './nor-flash.ts';

/** States of an entry in the page's map: each is reached from the one before by clearing a bit. */
const EMPTY = 3;
const WRITTEN = 2;
const ERASED = 0;

export interface PlacedItem {
  readonly page: number;
  readonly index: number;
  readonly entry: NvsEntry;
}

/**
 * Pages of an NVS partition on flash, with the order of writes that ESP-IDF keeps.
 *
 * Nothing is cached: whatever is asked is read from flash, so a power cut needs no undoing here. Source: nvs_page.cpp.
 */
export class NvsPages {
  readonly count: number;
  /** Time that erasing and programming took so far, in ms. */
  busyMs = 0;
  readonly #flash: NorFlash;
  readonly #offset: number;

  constructor(flash: NorFlash, partition: Partition) {
    this.#flash = flash;
    this.#offset = partition.offset;
    this.count = Math.floor(partition.size / NVS_PAGE_SIZE);
  }

  read(page: number): Uint8Array {
    return this.#flash.read(this.#offset + page * NVS_PAGE_SIZE, NVS_PAGE_SIZE);
  }

  /** Pages in use by age, oldest first. */
  inUse(): { readonly page: number; readonly sequence: number; readonly state: NvsPageState }[] {
    const used: { page: number; sequence: number; state: NvsPageState }[] = [];
    for (let page = 0; page < this.count; page++) {
      const header = this.#flash.read(this.#offset + page * NVS_PAGE_SIZE, NVS_BITMAP_OFFSET);
      const view = viewOf(header);
      const state = pageStateName(view.getUint32(0, true));
      const broken = state === undefined || view.getUint32(28, true) !== pageHeaderCrc(header);
      if (!broken && state !== 'UNINITIALIZED' && state !== 'CORRUPT')
        used.push({ page, sequence: view.getUint32(4, true), state });
    }
    return used.sort((a, b) => a.sequence - b.sequence);
  }

  free(): number[] {
    const used = new Set(this.inUse().map(({ page }) => page));
    return Array.from({ length: this.count }, (_, page) => page).filter((page) => !used.has(page));
  }

  setState(page: number, state: NvsPageState): void {
    const word = new Uint8Array(4);
    viewOf(word).setUint32(0, NVS_PAGE_STATES[state], true);
    this.#program(page, 0, word);
  }

  /** Takes a free page into use; what a torn erase or header left there goes first. */
  activate(page: number, sequence: number): void {
    if (!isErased(this.read(page))) this.erase(page);
    this.#program(page, 0, encodePageHeader(sequence));
  }

  erase(page: number): void {
    this.busyMs += this.#flash.eraseSector(this.#offset + page * NVS_PAGE_SIZE);
  }

  /** Items whose entries are all written and whose first has a right CRC. */
  items(page: number): PlacedItem[] {
    const bytes = this.read(page);
    const items: PlacedItem[] = [];
    for (let index = 0; index < NVS_ENTRIES_MAX; ) {
      const entry = entryState(bytes, index) === WRITTEN ? decodeEntry(bytes, index) : undefined;
      if (entry !== undefined && isWhole(bytes, index, entry)) items.push({ page, index, entry });
      index += entry === undefined ? 1 : Math.max(1, entry.span);
    }
    return items;
  }

  payload({ page, index, entry }: PlacedItem): Uint8Array {
    const start = NVS_FIRST_ENTRY + (index + 1) * NVS_ENTRY_SIZE;
    return this.read(page).slice(start, start + (entry.span - 1) * NVS_ENTRY_SIZE);
  }

  /** First entry that neither the map nor the cells say is in use. */
  firstFree(page: number): number {
    const bytes = this.read(page);
    let end = bytes.length;
    while (end > NVS_FIRST_ENTRY && bytes[end - 1] === 0xff) end--;
    let free = NVS_ENTRIES_MAX;
    const cellsUsed = Math.ceil((end - NVS_FIRST_ENTRY) / NVS_ENTRY_SIZE);
    while (free > cellsUsed && entryState(bytes, free - 1) === EMPTY) free--;
    return free;
  }

  /** Entry first and marked, then payload and its marks: a cut leaves an item that is not whole, never a wrong one. */
  append(page: number, index: number, entry: Uint8Array, payload: Uint8Array): void {
    this.#program(page, NVS_FIRST_ENTRY + index * NVS_ENTRY_SIZE, entry);
    this.#mark(page, index, 1, WRITTEN);
    if (payload.length === 0) return;
    this.#program(page, NVS_FIRST_ENTRY + (index + 1) * NVS_ENTRY_SIZE, payload);
    this.#mark(page, index + 1, Math.ceil(payload.length / NVS_ENTRY_SIZE), WRITTEN);
  }

  eraseItem({ page, index, entry }: PlacedItem): void {
    this.#mark(page, index, Math.max(1, entry.span), ERASED);
  }

  /** Gives up entries that a cut left half written, so that nothing is ever written over them. */
  repair(page: number): void {
    const bytes = this.read(page);
    const free = this.firstFree(page);
    for (let index = 0; index < NVS_ENTRIES_MAX; ) {
      const state = entryState(bytes, index);
      const entry = state === WRITTEN ? decodeEntry(bytes, index) : undefined;
      if (entry !== undefined && isWhole(bytes, index, entry)) {
        index += Math.max(1, entry.span);
        continue;
      }
      if (state === WRITTEN || state === 1 || (state === EMPTY && index < free))
        this.#mark(page, index, 1, ERASED);
      index++;
    }
  }

  #mark(page: number, first: number, count: number, state: typeof WRITTEN | typeof ERASED): void {
    const end = Math.min(NVS_ENTRIES_MAX, first + count);
    const from = first >> 2;
    const map = this.#flash.read(
      this.#offset + page * NVS_PAGE_SIZE + NVS_BITMAP_OFFSET + from,
      ((end - 1) >> 2) - from + 1,
    );
    for (let index = first; index < end; index++) {
      const at = (index >> 2) - from;
      map[at] = (map[at] ?? 0xff) & ~((EMPTY ^ state) << ((index & 3) * 2));
    }
    this.#program(page, NVS_BITMAP_OFFSET + from, map);
  }

  #program(page: number, offset: number, data: Uint8Array): void {
    this.busyMs += this.#flash.program(this.#offset + page * NVS_PAGE_SIZE + offset, data).durationMs;
  }
}

function isWhole(page: Uint8Array, index: number, { span }: NvsEntry): boolean {
  if (span < 1 || index + span > NVS_ENTRIES_MAX) return false;
  for (let at = index; at < index + span; at++) if (entryState(page, at) !== WRITTEN) return false;
  return true;
}
