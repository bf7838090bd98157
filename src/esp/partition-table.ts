import { createHash } from 'node:crypto';
import { bytesEqual, isErased, readText, roundUp, viewOf, writeText } from './byte-fields.ts';
import { accept, type Decoded, refuse } from './refusal.ts';

/** Where ESP-IDF puts the table by default, the sector it has, and the part that may hold rows. Source: partition table docs. */
export const PARTITION_TABLE_OFFSET = 0x8000;
export const PARTITION_TABLE_SIZE = 0xc00;
const ROW_SIZE = 32;
const ROWS_MAX = PARTITION_TABLE_SIZE / ROW_SIZE - 1;
const ROW_MAGIC = 0x50aa;
const MD5_MAGIC = 0xebeb;
const LABEL_SIZE = 16;

/** Types and subtypes by number. Source: esp-idf, gen_esp32part.py. */
export const APP_TYPE = 0x00;
export const DATA_TYPE = 0x01;
export const APP_FACTORY = 0x00;
export const APP_OTA_0 = 0x10;
export const APP_TEST = 0x20;
export const DATA_OTA = 0x00;
export const DATA_NVS = 0x02;
export const DATA_COREDUMP = 0x03;

const ENCRYPTED = 1;
const READ_ONLY = 2;

export interface Partition {
  readonly label: string;
  readonly type: number;
  readonly subtype: number;
  /** Bytes from the start of flash. */
  readonly offset: number;
  readonly size: number;
  readonly encrypted: boolean;
  readonly readOnly: boolean;
}

export interface PartitionTable {
  readonly partitions: readonly Partition[];
  /** False for a table of the days before the MD5 row; ESP-IDF can be built to want it. */
  readonly hasMd5: boolean;
}

export type PartitionTableRefusal = 'too-short' | 'bad-magic' | 'bad-md5' | 'too-many-rows' | 'no-partitions';

/** Reads a binary table; bytes behind its end marker are ignored. Does not judge the layout, see `checkLayout`. */
export function parsePartitionTable(bytes: Uint8Array): Decoded<PartitionTable, PartitionTableRefusal> {
  const view = viewOf(bytes);
  const partitions: Partition[] = [];
  for (let row = 0; row <= ROWS_MAX; row++) {
    const offset = row * ROW_SIZE;
    // A file may end after its last row, without the marker.
    if (offset === bytes.length && row > 0) return finish(partitions, false);
    if (offset + ROW_SIZE > bytes.length) return refuse('too-short', offset, `row ${row} is cut short`);
    const magic = view.getUint16(offset, true);
    if (magic === MD5_MAGIC) {
      const md5 = createHash('md5').update(bytes.subarray(0, offset)).digest();
      if (!bytesEqual(md5, bytes.subarray(offset + 16, offset + ROW_SIZE)))
        return refuse('bad-md5', offset, 'the MD5 row does not match the rows before it');
      return finish(partitions, true);
    }
    if (isErased(bytes.subarray(offset, offset + ROW_SIZE))) return finish(partitions, false);
    if (magic !== ROW_MAGIC)
      return refuse('bad-magic', offset, `row ${row} begins 0x${magic.toString(16)}, not 0x50aa`);
    const flags = view.getUint32(offset + 28, true);
    partitions.push({
      label: readText(bytes, offset + 12, LABEL_SIZE),
      type: bytes[offset + 2] ?? 0,
      subtype: bytes[offset + 3] ?? 0,
      offset: view.getUint32(offset + 4, true),
      size: view.getUint32(offset + 8, true),
      encrypted: (flags & ENCRYPTED) !== 0,
      readOnly: (flags & READ_ONLY) !== 0,
    });
  }
  return refuse('too-many-rows', ROWS_MAX * ROW_SIZE, `more than ${ROWS_MAX} partitions and no end marker`);
}

function finish(
  partitions: readonly Partition[],
  hasMd5: boolean,
): Decoded<PartitionTable, PartitionTableRefusal> {
  if (partitions.length === 0)
    return refuse('no-partitions', 0, 'the table has no partition: nothing flashed here?');
  return accept({ partitions, hasMd5 });
}

/** All `PARTITION_TABLE_SIZE` bytes as `gen_esp32part.py` writes them. Throws RangeError for too many rows or a long label. */
export function encodePartitionTable(table: PartitionTable): Uint8Array {
  if (table.partitions.length >= ROWS_MAX)
    throw new RangeError(`at most ${ROWS_MAX - 1} partitions fit the table`);
  const bytes = new Uint8Array(PARTITION_TABLE_SIZE).fill(0xff);
  const view = viewOf(bytes);
  let offset = 0;
  for (const partition of table.partitions) {
    view.setUint16(offset, ROW_MAGIC, true);
    bytes[offset + 2] = partition.type;
    bytes[offset + 3] = partition.subtype;
    view.setUint32(offset + 4, partition.offset, true);
    view.setUint32(offset + 8, partition.size, true);
    writeText(bytes, offset + 12, LABEL_SIZE, partition.label);
    view.setUint32(
      offset + 28,
      Number(partition.encrypted) * ENCRYPTED + Number(partition.readOnly) * READ_ONLY,
      true,
    );
    offset += ROW_SIZE;
  }
  if (table.hasMd5) {
    view.setUint16(offset, MD5_MAGIC, true);
    bytes.set(createHash('md5').update(bytes.subarray(0, offset)).digest(), offset + 16);
  }
  return bytes;
}

/** What is wrong with a layout, one sentence each, in the order of the rows; empty when it will work. */
export function checkLayout(table: PartitionTable, flashSizeBytes: number): string[] {
  const faults: string[] = [];
  const byOffset = [...table.partitions].sort((a, b) => a.offset - b.offset);
  const labels = new Set<string>();
  for (const { label, type, subtype, offset, size } of table.partitions) {
    const alignment = type === APP_TYPE ? 0x10000 : 0x1000;
    const where = `partition "${label}"`;
    if (labels.has(label)) faults.push(`${where} is named twice`);
    labels.add(label);
    if (offset % alignment !== 0)
      faults.push(`${where} must start on a multiple of 0x${alignment.toString(16)}`);
    if (size === 0 || size % 0x1000 !== 0) faults.push(`${where} must be a multiple of 0x1000 long`);
    if (offset + size > flashSizeBytes) faults.push(`${where} ends past the flash (${flashSizeBytes} bytes)`);
    if (offset < PARTITION_TABLE_OFFSET + 0x1000 && (type === APP_TYPE || type === DATA_TYPE))
      faults.push(`${where} overlaps bootloader or partition table`);
    if (type === DATA_TYPE && subtype === DATA_OTA && size !== 0x2000)
      faults.push(`${where} must be 0x2000 long`);
  }
  for (const [index, partition] of byOffset.entries()) {
    const next = byOffset[index + 1];
    if (next !== undefined && partition.offset + partition.size > next.offset)
      faults.push(`partition "${partition.label}" overlaps "${next.label}"`);
  }
  const otadata = table.partitions.filter(({ type, subtype }) => type === DATA_TYPE && subtype === DATA_OTA);
  if (otadata.length > 1) faults.push('there are two otadata partitions');
  if (otadata.length === 0 && otaSlots(table).length > 0) faults.push('OTA slots need an otadata partition');
  return faults;
}

export function findPartition(table: PartitionTable, type: number, subtype: number): Partition | undefined {
  return table.partitions.find((partition) => partition.type === type && partition.subtype === subtype);
}

/** ota_0, ota_1, … as far as they go without a gap, which is as far as ESP-IDF counts them. */
export function otaSlots(table: PartitionTable): Partition[] {
  const slots: Partition[] = [];
  for (;;) {
    const slot = findPartition(table, APP_TYPE, APP_OTA_0 + slots.length);
    if (slot === undefined || slots.length === 16) return slots;
    slots.push(slot);
  }
}

/** The next free place for a partition of this type behind `end`. */
export function nextOffset(type: number, end: number): number {
  return roundUp(end, type === APP_TYPE ? 0x10000 : 0x1000);
}
