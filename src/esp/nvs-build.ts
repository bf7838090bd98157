import { viewOf } from './byte-fields.ts';
import type { NvsItem } from './nvs.ts';
import {
  encodeEntry,
  encodeInteger,
  encodePageHeader,
  NVS_BITMAP_OFFSET,
  NVS_CHUNK_ANY,
  NVS_ENTRIES_MAX,
  NVS_ENTRY_SIZE,
  NVS_FIRST_ENTRY,
  NVS_PAGE_SIZE,
  NVS_PAGE_STATES,
  NVS_TYPES,
  sizeAndCrc,
} from './nvs-layout.ts';

/** From this size on one page is kept free, as a store that is written to needs. */
const WRITABLE_SIZE_MIN = 0x3000;
const STRING_SIZE_MAX = 4000;

/**
 * A partition with these items, in their order; the same bytes as `esp-idf-nvs-partition-gen` (format version 2) makes.
 *
 * Throws RangeError for a size that is no multiple of 4096, a key or value that does not fit, and too many items.
 */
export function buildNvs(items: readonly NvsItem[], sizeBytes: number): Uint8Array {
  const writer = new NvsWriter(sizeBytes);
  for (const item of items) writer.write(item);
  return writer.bytes;
}

class NvsWriter {
  readonly bytes: Uint8Array;
  readonly #pagesMax: number;
  readonly #namespaces = new Map<string, number>();
  #pages = 0;
  #used = 0;

  constructor(sizeBytes: number) {
    if (sizeBytes <= 0 || sizeBytes % NVS_PAGE_SIZE !== 0)
      throw new RangeError(`NVS is a multiple of 4096 bytes, not ${sizeBytes}`);
    this.bytes = new Uint8Array(sizeBytes).fill(0xff);
    this.#pagesMax = sizeBytes / NVS_PAGE_SIZE - Number(sizeBytes >= WRITABLE_SIZE_MIN);
    this.#openPage();
  }

  write(item: NvsItem): void {
    const namespace = this.#namespaceIndex(item.namespace);
    if (item.type === 'string') this.#writeString(namespace, item.key, item.value);
    else if (item.type === 'blob') this.#writeBlob(namespace, item.key, item.value);
    else {
      const data = encodeInteger(item.type, item.value);
      this.#writeInteger(namespace, item.key, NVS_TYPES[item.type], data);
    }
  }

  #namespaceIndex(name: string): number {
    const known = this.#namespaces.get(name);
    if (known !== undefined) return known;
    const index = this.#namespaces.size + 1;
    if (index > 254) throw new RangeError('NVS holds at most 254 namespaces');
    this.#namespaces.set(name, index);
    const data = new Uint8Array(8).fill(0xff);
    data[0] = index;
    this.#writeInteger(0, name, NVS_TYPES.u8, data);
    return index;
  }

  #writeInteger(namespace: number, key: string, type: number, data: Uint8Array): void {
    if (this.#used >= NVS_ENTRIES_MAX) this.#openPage();
    this.#append(encodeEntry(namespace, type, 1, NVS_CHUNK_ANY, key, data), 1);
  }

  #writeString(namespace: number, key: string, text: string): void {
    const payload = new TextEncoder().encode(`${text}\0`);
    const span = 1 + Math.ceil(payload.length / NVS_ENTRY_SIZE);
    if (payload.length > STRING_SIZE_MAX || span >= NVS_ENTRIES_MAX)
      throw new RangeError(`${key}: a string of ${payload.length} bytes is too long for NVS`);
    // The generator leaves the last entry of a page free where a string would just fit.
    if (this.#used + span >= NVS_ENTRIES_MAX) this.#openPage();
    const data = sizeAndCrc(payload);
    this.#append(encodeEntry(namespace, NVS_TYPES.string, span, NVS_CHUNK_ANY, key, data), 1);
    this.#append(payload, span - 1);
  }

  #writeBlob(namespace: number, key: string, blob: Uint8Array): void {
    if (this.#used >= NVS_ENTRIES_MAX) this.#openPage();
    let chunks = 0;
    let offset = 0;
    do {
      const room = (NVS_ENTRIES_MAX - this.#used - 1) * NVS_ENTRY_SIZE;
      const chunk = blob.subarray(offset, offset + room);
      const entries = Math.ceil(chunk.length / NVS_ENTRY_SIZE);
      this.#append(
        encodeEntry(namespace, NVS_TYPES.blobChunk, 1 + entries, chunks, key, sizeAndCrc(chunk)),
        1,
      );
      this.#append(chunk, entries);
      chunks++;
      offset += chunk.length;
      if (offset < blob.length || room - chunk.length < NVS_ENTRY_SIZE) this.#openPage();
    } while (offset < blob.length);
    const index = new Uint8Array(8).fill(0xff);
    viewOf(index).setUint32(0, blob.length, true);
    index.set([chunks, 0], 4);
    this.#append(encodeEntry(namespace, NVS_TYPES.blobIndex, 1, NVS_CHUNK_ANY, key, index), 1);
  }

  #append(data: Uint8Array, entries: number): void {
    const page = this.#page;
    page.set(data, NVS_FIRST_ENTRY + this.#used * NVS_ENTRY_SIZE);
    for (let left = entries; left > 0; left--) {
      const at = NVS_BITMAP_OFFSET + (this.#used >> 2);
      page[at] = (page[at] ?? 0) & ~(1 << ((this.#used & 3) * 2));
      this.#used++;
    }
  }

  #openPage(): void {
    if (this.#pages === this.#pagesMax)
      throw new RangeError(`the items need more than ${this.bytes.length} bytes of NVS`);
    if (this.#pages > 0) viewOf(this.#page).setUint32(0, NVS_PAGE_STATES.FULL, true);
    this.#pages++;
    this.#used = 0;
    this.#page.set(encodePageHeader(this.#pages - 1));
  }

  get #page(): Uint8Array {
    return this.bytes.subarray((this.#pages - 1) * NVS_PAGE_SIZE, this.#pages * NVS_PAGE_SIZE);
  }
}
