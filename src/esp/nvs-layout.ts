import { crc32 } from 'node:zlib';
import { readText, viewOf, writeText } from './byte-fields.ts';

/** Key-value store of ESP-IDF, page by page. Source: esp-idf, nvs_flash README and nvs_page.hpp. */
export const NVS_PAGE_SIZE = 0x1000;
export const NVS_ENTRY_SIZE = 32;
/** Page: header, map of two bits an entry, then the entries. */
export const NVS_BITMAP_OFFSET = 32;
export const NVS_FIRST_ENTRY = 64;
export const NVS_ENTRIES_MAX = 126;
export const NVS_KEY_SIZE = 16;

export const NVS_PAGE_STATES = {
  UNINITIALIZED: 0xffffffff,
  ACTIVE: 0xfffffffe,
  FULL: 0xfffffffc,
  FREEING: 0xfffffff8,
  CORRUPT: 0xfffffff0,
} as const;
export type NvsPageState = keyof typeof NVS_PAGE_STATES;

/** Format version as stored: counted down from 0xff. Version 2 splits blobs over pages. */
export const NVS_VERSION_2 = 0xfe;

export const NVS_TYPES = {
  u8: 0x01,
  i8: 0x11,
  u16: 0x02,
  i16: 0x12,
  u32: 0x04,
  i32: 0x14,
  u64: 0x08,
  i64: 0x18,
  string: 0x21,
  blobV1: 0x41,
  blobChunk: 0x42,
  blobIndex: 0x48,
} as const;
export type NvsIntegerType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64';

/** Bytes and signedness of the integer types. */
export const NVS_INTEGERS: Readonly<
  Record<NvsIntegerType, { readonly size: 1 | 2 | 4 | 8; readonly signed: boolean }>
> = {
  u8: { size: 1, signed: false },
  i8: { size: 1, signed: true },
  u16: { size: 2, signed: false },
  i16: { size: 2, signed: true },
  u32: { size: 4, signed: false },
  i32: { size: 4, signed: true },
  u64: { size: 8, signed: false },
  i64: { size: 8, signed: true },
};

/** Any chunk: the mark of entries that are not part of a blob. */
export const NVS_CHUNK_ANY = 0xff;

/** The 32 bytes every item begins with. */
export interface NvsEntry {
  /** 0 for the entries that name namespaces. */
  readonly namespaceIndex: number;
  readonly type: number;
  /** Entries the item takes, itself included. */
  readonly span: number;
  readonly chunkIndex: number;
  readonly key: string;
  /** Value, or size and CRC of what follows. */
  readonly data: Uint8Array;
}

/** CRC of ESP-IDF's ROM: zlib's, started from all ones. */
export function nvsCrc(bytes: Uint8Array): number {
  return crc32(bytes, 0xffffffff);
}

export function pageHeaderCrc(page: Uint8Array): number {
  return nvsCrc(page.subarray(4, 28));
}

export function entryCrc(entry: Uint8Array): number {
  return crc32(entry.subarray(8, 32), crc32(entry.subarray(0, 4), 0xffffffff));
}

/** 3 empty, 2 written, 0 erased. */
export function entryState(page: Uint8Array, index: number): number {
  return ((page[NVS_BITMAP_OFFSET + (index >> 2)] ?? 0xff) >> ((index & 3) * 2)) & 3;
}

/** Undefined when the CRC is wrong: such an entry does not count. */
export function decodeEntry(page: Uint8Array, index: number): NvsEntry | undefined {
  const start = NVS_FIRST_ENTRY + index * NVS_ENTRY_SIZE;
  const bytes = page.subarray(start, start + NVS_ENTRY_SIZE);
  if (bytes.length < NVS_ENTRY_SIZE || viewOf(bytes).getUint32(4, true) !== entryCrc(bytes)) return undefined;
  return {
    namespaceIndex: bytes[0] ?? 0,
    type: bytes[1] ?? 0,
    span: bytes[2] ?? 0,
    chunkIndex: bytes[3] ?? 0,
    key: readText(bytes, 8, NVS_KEY_SIZE),
    data: bytes.slice(24, 32),
  };
}

export function pageStateName(word: number): NvsPageState | undefined {
  const names = Object.keys(NVS_PAGE_STATES) as NvsPageState[];
  return names.find((name) => NVS_PAGE_STATES[name] === word);
}

/** Value field of an integer, unused bytes erased. Throws RangeError when it does not fit its type. */
export function encodeInteger(type: NvsIntegerType, value: bigint): Uint8Array {
  const { size, signed } = NVS_INTEGERS[type];
  const held = signed ? BigInt.asIntN(size * 8, value) : BigInt.asUintN(size * 8, value);
  if (held !== value) throw new RangeError(`${value} is no ${type}`);
  const data = new Uint8Array(8).fill(0xff);
  for (let index = 0; index < size; index++) data[index] = Number((value >> BigInt(8 * index)) & 0xffn);
  return data;
}

/** The header of a page that is taken into use. */
export function encodePageHeader(sequence: number): Uint8Array {
  const header = new Uint8Array(NVS_BITMAP_OFFSET).fill(0xff);
  const view = viewOf(header);
  view.setUint32(0, NVS_PAGE_STATES.ACTIVE, true);
  view.setUint32(4, sequence, true);
  header[8] = NVS_VERSION_2;
  view.setUint32(28, pageHeaderCrc(header), true);
  return header;
}

/** An item's first 32 bytes. Throws RangeError for a key of no or more than 15 characters. */
export function encodeEntry(
  namespace: number,
  type: number,
  span: number,
  chunk: number,
  key: string,
  data: Uint8Array,
): Uint8Array {
  if (key.length === 0 || key.length >= NVS_KEY_SIZE)
    throw new RangeError(`NVS names have 1 to 15 characters, not "${key}"`);
  const entry = new Uint8Array(NVS_ENTRY_SIZE);
  entry.set([namespace, type, span, chunk]);
  writeText(entry, 8, NVS_KEY_SIZE, key);
  entry.set(data, 24);
  viewOf(entry).setUint32(4, entryCrc(entry), true);
  return entry;
}

/** Value field of an item whose payload follows. */
export function sizeAndCrc(payload: Uint8Array): Uint8Array {
  const data = new Uint8Array(8).fill(0xff);
  viewOf(data).setUint16(0, payload.length, true);
  viewOf(data).setUint32(4, nvsCrc(payload), true);
  return data;
}
