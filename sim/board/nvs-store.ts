import { viewOf } from '../../src/esp/byte-fields.ts';
import { type NvsItem, type NvsValue, parseNvs } from '../../src/esp/nvs.ts';
import {
  encodeEntry,
  encodeInteger,
  NVS_CHUNK_ANY,
  NVS_ENTRIES_MAX,
  NVS_ENTRY_SIZE,
  NVS_TYPES,
  sizeAndCrc,
} from '../../src/esp/nvs-layout.ts';
import type { Partition } from '../../src/esp/partition-table.ts';
import type { NorFlash } from './nor-flash.ts';
import { NvsPages, type PlacedItem } from './nvs-pages.ts';

/** Chunks of a blob and of the one that replaces it are numbered apart, so that both can stand side by side. */
const OTHER_CHUNKS = 0x80;

/** The store is full: nothing was lost, and what was to be written is not there. */
export class NvsFullError extends Error {
  override readonly name = 'NvsFullError';
}

/**
 * The key-value store of a board, as ESP-IDF runs it: the new value is whole before the old one goes.
 *
 * Source: esp-idf, nvs_storage.cpp and nvs_pagemanager.cpp. Any method may throw PowerLoss.
 */
export class NvsStore {
  readonly #flash: NorFlash;
  readonly #partition: Partition;
  readonly #pages: NvsPages;

  private constructor(flash: NorFlash, partition: Partition) {
    this.#flash = flash;
    this.#partition = partition;
    this.#pages = new NvsPages(flash, partition);
  }

  /** nvs_flash_init: opens the store and tidies up what a power cut left. */
  static mount(flash: NorFlash, partition: Partition): NvsStore {
    const store = new NvsStore(flash, partition);
    store.#recover();
    return store;
  }

  items(): readonly NvsItem[] {
    const { offset, size } = this.#partition;
    const parsed = parseNvs(this.#flash.read(offset, size));
    return parsed.ok ? parsed.value.items : [];
  }

  get(namespace: string, key: string): NvsValue | undefined {
    return this.items().find((item) => item.namespace === namespace && item.key === key);
  }

  /**
   * Stores a value and returns how long the flash is busy with it, in ms; one that is there already costs nothing.
   *
   * Throws NvsFullError, and RangeError for what NVS cannot hold.
   */
  set(item: NvsItem): number {
    const held = this.get(item.namespace, item.key);
    if (held !== undefined && sameValue(held, item)) return 0;
    const beforeMs = this.#pages.busyMs;
    const namespace = this.#namespaceIndex(item.namespace);
    const old = this.#placed().filter(
      ({ entry }) => entry.namespaceIndex === namespace && entry.key === item.key,
    );
    if (item.type === 'blob') this.#writeBlob(namespace, item.key, item.value, old);
    else if (item.type === 'string') {
      const payload = new TextEncoder().encode(`${item.value}\0`);
      this.#write(namespace, NVS_TYPES.string, NVS_CHUNK_ANY, item.key, sizeAndCrc(payload), payload);
    } else {
      const data = encodeInteger(item.type, item.value);
      this.#write(namespace, NVS_TYPES[item.type], NVS_CHUNK_ANY, item.key, data);
    }
    this.#eraseOlder(namespace, item.key);
    return this.#pages.busyMs - beforeMs;
  }

  #namespaceIndex(name: string): number {
    const named = this.#placed().filter(({ entry }) => entry.namespaceIndex === 0);
    const known = named.find(({ entry }) => entry.key === name);
    if (known !== undefined) return known.entry.data[0] ?? 0;
    const taken = new Set(named.map(({ entry }) => entry.data[0]));
    for (let index = 1; index < 255; index++) {
      if (taken.has(index)) continue;
      this.#write(0, NVS_TYPES.u8, NVS_CHUNK_ANY, name, encodeInteger('u8', BigInt(index)));
      return index;
    }
    throw new NvsFullError('NVS holds at most 254 namespaces');
  }

  #writeBlob(namespace: number, key: string, blob: Uint8Array, old: readonly PlacedItem[]): void {
    const index = old.find(({ entry }) => entry.type === NVS_TYPES.blobIndex);
    const first = index !== undefined && (index.entry.data[5] ?? 0) < OTHER_CHUNKS ? OTHER_CHUNKS : 0;
    // Chunks that a full store once left behind must not stand between the new ones.
    this.#eraseOlder(namespace, key);
    let chunks = 0;
    let offset = 0;
    do {
      const room = (NVS_ENTRIES_MAX - 1 - this.#roomFor(2).index) * NVS_ENTRY_SIZE;
      const chunk = blob.subarray(offset, offset + room);
      this.#write(namespace, NVS_TYPES.blobChunk, first + chunks, key, sizeAndCrc(chunk), chunk);
      chunks++;
      offset += chunk.length;
    } while (offset < blob.length);
    const data = new Uint8Array(8).fill(0xff);
    viewOf(data).setUint32(0, blob.length, true);
    data.set([chunks, first], 4);
    this.#write(namespace, NVS_TYPES.blobIndex, NVS_CHUNK_ANY, key, data);
  }

  #write(
    namespace: number,
    type: number,
    chunk: number,
    key: string,
    data: Uint8Array,
    payload: Uint8Array = new Uint8Array(0),
  ): void {
    const span = 1 + Math.ceil(payload.length / NVS_ENTRY_SIZE);
    if (span > NVS_ENTRIES_MAX) throw new RangeError(`${key}: ${payload.length} bytes are too long for NVS`);
    const { page, index } = this.#roomFor(span);
    this.#pages.append(page, index, encodeEntry(namespace, type, span, chunk, key, data), payload);
  }

  /** Place for an item of `span` entries; makes a page free when none is. */
  #roomFor(span: number): { readonly page: number; readonly index: number } {
    for (let tries = 0; tries <= this.#pages.count; tries++) {
      const newest = this.#pages.inUse().at(-1);
      if (newest?.state === 'ACTIVE') {
        const index = this.#pages.firstFree(newest.page);
        if (index + span <= NVS_ENTRIES_MAX) return { page: newest.page, index };
        this.#pages.setState(newest.page, 'FULL');
      }
      this.#openPage();
    }
    throw new NvsFullError('NVS is full');
  }

  /** One free page is always kept, to move items to when a page must be cleared. */
  #openPage(): void {
    const free = this.#pages.free();
    const [target] = free;
    const used = this.#pages.inUse();
    const sequence = (used.at(-1)?.sequence ?? -1) + 1;
    if (target === undefined) throw new NvsFullError('NVS has no page left to move items to');
    if (free.length >= 2 || used.length === 0) {
      this.#pages.activate(target, sequence);
      return;
    }
    const occupied = used.map(({ page }) => ({ page, entries: this.#entriesHeld(page) }));
    const emptiest = occupied.reduce((best, one) => (one.entries < best.entries ? one : best));
    if (emptiest.entries === NVS_ENTRIES_MAX) throw new NvsFullError('NVS is full');
    // Marked first: were the free page taken before, a cut in between would leave the store without one for good.
    this.#pages.setState(emptiest.page, 'FREEING');
    this.#pages.activate(target, sequence);
    this.#moveItems(emptiest.page, target);
  }

  #moveItems(from: number, to: number): void {
    let index = 0;
    for (const item of this.#pages.items(from)) {
      const { namespaceIndex, type, span, chunkIndex, key, data } = item.entry;
      const entry = encodeEntry(namespaceIndex, type, span, chunkIndex, key, data);
      this.#pages.append(to, index, entry, this.#pages.payload(item));
      index += span;
    }
    this.#pages.erase(from);
  }

  #entriesHeld(page: number): number {
    return this.#pages.items(page).reduce((sum, { entry }) => sum + entry.span, 0);
  }

  #recover(): void {
    const freeing = this.#pages.inUse().find(({ state }) => state === 'FREEING');
    if (freeing !== undefined) {
      const newest = this.#pages.inUse().at(-1);
      if (newest !== undefined && newest.state === 'ACTIVE') this.#pages.erase(newest.page);
      const [target] = this.#pages.free();
      const sequence = (this.#pages.inUse().at(-1)?.sequence ?? 0) + 1;
      if (target !== undefined) {
        this.#pages.activate(target, sequence);
        this.#moveItems(freeing.page, target);
      }
    }
    for (const { page } of this.#pages.inUse()) this.#pages.repair(page);
    const byName = Map.groupBy(this.#placed(), ({ entry }) => `${entry.namespaceIndex}/${entry.key}`);
    for (const items of byName.values()) this.#eraseStale(items);
  }

  #eraseOlder(namespace: number, key: string): void {
    this.#eraseStale(
      this.#placed().filter(({ entry }) => entry.namespaceIndex === namespace && entry.key === key),
    );
  }

  /** Of the items of one name, oldest first, leaves the newest value, and of a blob the chunks it is made of. */
  #eraseStale(items: readonly PlacedItem[]): void {
    const newest = items.findLast(({ entry }) => entry.type !== NVS_TYPES.blobChunk);
    const [count = 0, first = 0] =
      newest?.entry.type === NVS_TYPES.blobIndex ? newest.entry.data.subarray(4) : [];
    for (const item of items) {
      const { type, chunkIndex } = item.entry;
      const kept =
        type === NVS_TYPES.blobChunk ? chunkIndex >= first && chunkIndex < first + count : item === newest;
      if (!kept) this.#pages.eraseItem(item);
    }
  }

  /** All whole items, oldest first. */
  #placed(): PlacedItem[] {
    return this.#pages.inUse().flatMap(({ page }) => this.#pages.items(page));
  }
}

function sameValue(held: NvsValue, wanted: NvsValue): boolean {
  if (held.type === 'blob' && wanted.type === 'blob') return Buffer.compare(held.value, wanted.value) === 0;
  return held.type === wanted.type && held.value === wanted.value;
}
