import { isErased, viewOf } from './byte-fields.ts';
import {
  decodeEntry,
  entryState,
  NVS_ENTRIES_MAX,
  NVS_ENTRY_SIZE,
  NVS_FIRST_ENTRY,
  NVS_INTEGERS,
  NVS_PAGE_SIZE,
  NVS_TYPES,
  type NvsEntry,
  type NvsIntegerType,
  type NvsPageState,
  nvsCrc,
  pageHeaderCrc,
  pageStateName,
} from './nvs-layout.ts';
import { accept, type Decoded, refuse } from './refusal.ts';

export type NvsValue =
  | { readonly type: NvsIntegerType; readonly value: bigint }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'blob'; readonly value: Uint8Array };

export type NvsItem = NvsValue & { readonly namespace: string; readonly key: string };

export interface NvsPage {
  readonly state: NvsPageState | 'BROKEN';
  readonly sequence: number;
  readonly entriesWritten: number;
  readonly entriesErased: number;
}

export interface NvsContents {
  /** In the order they were written, oldest first; of two with one name the younger. */
  readonly items: readonly NvsItem[];
  /** By place in the partition. */
  readonly pages: readonly NvsPage[];
  /** Items left out because a CRC, a part or a namespace was missing; each costs the store one value. */
  readonly damaged: readonly string[];
}

export type NvsRefusal = 'bad-size' | 'not-nvs';

const INTEGER_TYPES: ReadonlyMap<number, NvsIntegerType> = new Map(
  (Object.keys(NVS_INTEGERS) as NvsIntegerType[]).map((type) => [NVS_TYPES[type], type]),
);

interface RawItem {
  readonly entry: NvsEntry;
  /** What follows the first entry, cut to size; undefined when its CRC is wrong. */
  readonly payload: Uint8Array | undefined;
}

/** Reads a whole partition. Damage to single items is listed, not refused: that is how a board sees it, too. */
export function parseNvs(bytes: Uint8Array): Decoded<NvsContents, NvsRefusal> {
  if (bytes.length === 0 || bytes.length % NVS_PAGE_SIZE !== 0)
    return refuse('bad-size', bytes.length, `NVS is a multiple of 4096 bytes, not ${bytes.length}`);
  const pages: NvsPage[] = [];
  const readable: { readonly sequence: number; readonly items: readonly RawItem[] }[] = [];
  for (let offset = 0; offset < bytes.length; offset += NVS_PAGE_SIZE) {
    const page = bytes.subarray(offset, offset + NVS_PAGE_SIZE);
    const summary = summarise(page);
    pages.push(summary);
    if (summary.state !== 'UNINITIALIZED' && summary.state !== 'BROKEN' && summary.state !== 'CORRUPT')
      readable.push({ sequence: summary.sequence, items: readItems(page) });
  }
  if (readable.length === 0 && pages.some(({ state }) => state === 'BROKEN'))
    return refuse('not-nvs', 0, 'no page has a valid header');
  readable.sort((a, b) => a.sequence - b.sequence);
  return accept({ ...assemble(readable.flatMap(({ items }) => items)), pages });
}

function summarise(page: Uint8Array): NvsPage {
  const view = viewOf(page);
  let entriesWritten = 0;
  let entriesErased = 0;
  for (let index = 0; index < NVS_ENTRIES_MAX; index++) {
    const state = entryState(page, index);
    if (state === 2) entriesWritten++;
    if (state === 0) entriesErased++;
  }
  const named = pageStateName(view.getUint32(0, true));
  const blank = named === 'UNINITIALIZED';
  const sound = blank ? isErased(page.subarray(0, 32)) : view.getUint32(28, true) === pageHeaderCrc(page);
  const state = named !== undefined && sound ? named : 'BROKEN';
  return { state, sequence: view.getUint32(4, true), entriesWritten, entriesErased };
}

function readItems(page: Uint8Array): RawItem[] {
  const items: RawItem[] = [];
  for (let index = 0; index < NVS_ENTRIES_MAX; ) {
    const entry = entryState(page, index) === 2 ? decodeEntry(page, index) : undefined;
    if (entry === undefined) {
      index++;
      continue;
    }
    items.push({ entry, payload: readPayload(page, index, entry) });
    index += Math.max(1, entry.span);
  }
  return items;
}

function readPayload(
  page: Uint8Array,
  index: number,
  { type, span, data }: NvsEntry,
): Uint8Array | undefined {
  if (type !== NVS_TYPES.string && type !== NVS_TYPES.blobV1 && type !== NVS_TYPES.blobChunk)
    return new Uint8Array(0);
  const view = viewOf(data);
  const size = view.getUint16(0, true);
  const start = NVS_FIRST_ENTRY + (index + 1) * NVS_ENTRY_SIZE;
  const payload = page.slice(start, start + size);
  const fits = size <= (span - 1) * NVS_ENTRY_SIZE && payload.length === size;
  return fits && view.getUint32(4, true) === nvsCrc(payload) ? payload : undefined;
}

/** Puts names to namespaces and chunks to blobs. */
function assemble(raw: readonly RawItem[]): Pick<NvsContents, 'items' | 'damaged'> {
  const namespaces = new Map<number, string>();
  const chunks = new Map<string, Uint8Array>();
  const chunkName = ({ namespaceIndex, key }: NvsEntry, chunk: number) => `${namespaceIndex}/${chunk}/${key}`;
  for (const { entry, payload } of raw) {
    if (entry.namespaceIndex === 0 && entry.type === NVS_TYPES.u8)
      namespaces.set(entry.data[0] ?? 0, entry.key);
    if (entry.type === NVS_TYPES.blobChunk && payload !== undefined)
      chunks.set(chunkName(entry, entry.chunkIndex), payload);
  }
  // Of two with one name the younger counts, unless a cut left it incomplete. Only that one is put together, so that
  // foreign bytes cannot ask for more than their size.
  const chosen = new Map<string, RawItem>();
  for (const item of raw) {
    const { namespaceIndex, type, key } = item.entry;
    if (namespaceIndex === 0 || type === NVS_TYPES.blobChunk) continue;
    const name = `${namespaceIndex}/${key}`;
    if (chosen.has(name) && !isComplete(item, (chunk) => chunks.get(chunkName(item.entry, chunk)))) continue;
    chosen.delete(name);
    chosen.set(name, item);
  }
  const items: NvsItem[] = [];
  const damaged: string[] = [];
  for (const item of chosen.values()) {
    const { entry } = item;
    const { key } = entry;
    const namespace = namespaces.get(entry.namespaceIndex);
    const value = valueOfItem(item, (chunk) => chunks.get(chunkName(entry, chunk)));
    if (namespace === undefined || value === undefined)
      damaged.push(`${namespace ?? `namespace ${entry.namespaceIndex}`}/${key}`);
    else items.push({ namespace, key, ...value });
  }
  return { items, damaged };
}

function isComplete({ entry, payload }: RawItem, chunk: (index: number) => Uint8Array | undefined): boolean {
  if (entry.type !== NVS_TYPES.blobIndex) return payload !== undefined;
  let length = 0;
  for (const part of partsOf(entry, chunk)) {
    if (part === undefined) return false;
    length += part.length;
  }
  return length === viewOf(entry.data).getUint32(0, true);
}

function partsOf(
  { data }: NvsEntry,
  chunk: (index: number) => Uint8Array | undefined,
): (Uint8Array | undefined)[] {
  const [count = 0, first = 0] = data.subarray(4);
  return Array.from({ length: count }, (_, index) => chunk((first + index) & 0xff));
}

function valueOfItem(item: RawItem, chunk: (index: number) => Uint8Array | undefined): NvsValue | undefined {
  if (!isComplete(item, chunk)) return undefined;
  const { entry, payload } = item;
  const { type, data } = entry;
  const integer = INTEGER_TYPES.get(type);
  if (integer !== undefined) return { type: integer, value: readInteger(data, integer) };
  if (type === NVS_TYPES.blobIndex) {
    const parts = partsOf(entry, chunk).filter((part) => part !== undefined);
    return { type: 'blob', value: Uint8Array.from(Buffer.concat(parts)) };
  }
  if (payload === undefined) return undefined;
  if (type === NVS_TYPES.blobV1) return { type: 'blob', value: payload };
  if (type !== NVS_TYPES.string) return undefined;
  const text = payload.at(-1) === 0 ? payload.subarray(0, -1) : payload;
  return { type: 'string', value: new TextDecoder().decode(text) };
}

function readInteger(data: Uint8Array, type: NvsIntegerType): bigint {
  const { size, signed } = NVS_INTEGERS[type];
  const raw = viewOf(data).getBigUint64(0, true);
  return signed ? BigInt.asIntN(size * 8, raw) : BigInt.asUintN(size * 8, raw);
}
