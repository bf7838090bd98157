import {
  APP_OTA_0,
  APP_TYPE,
  DATA_TYPE,
  nextOffset,
  PARTITION_TABLE_OFFSET,
  type Partition,
  type PartitionTable,
} from './partition-table.ts';
import { accept, type Decoded, refuse } from './refusal.ts';

/** Names of types and subtypes in CSV. Source: esp-idf, gen_esp32part.py. */
const TYPES: ReadonlyMap<string, number> = new Map([
  ['app', APP_TYPE],
  ['data', DATA_TYPE],
  ['bootloader', 2],
  ['partition_table', 3],
]);

const DATA_UNDEFINED = 0x06;
const otaNames = Array.from({ length: 16 }, (_, slot): [string, number] => [`ota_${slot}`, APP_OTA_0 + slot]);
const SUBTYPES: ReadonlyMap<number, ReadonlyMap<string, number>> = new Map([
  [APP_TYPE, new Map([['factory', 0x00], ['test', 0x20], ['tee_0', 0x30], ['tee_1', 0x31], ...otaNames])],
  [
    DATA_TYPE,
    new Map([
      ['ota', 0x00],
      ['phy', 0x01],
      ['nvs', 0x02],
      ['coredump', 0x03],
      ['nvs_keys', 0x04],
      ['efuse', 0x05],
      ['undefined', DATA_UNDEFINED],
      ['esphttpd', 0x80],
      ['fat', 0x81],
      ['spiffs', 0x82],
      ['littlefs', 0x83],
      ['tee_ota', 0x90],
    ]),
  ],
  [
    2,
    new Map([
      ['primary', 0x00],
      ['ota', 0x01],
      ['recovery', 0x02],
    ]),
  ],
  [
    3,
    new Map([
      ['primary', 0x00],
      ['ota', 0x01],
    ]),
  ],
]);

export type PartitionCsvRefusal =
  | 'bad-row'
  | 'bad-number'
  | 'unknown-type'
  | 'unknown-flag'
  | 'no-partitions';

/**
 * Reads a CSV as ESP-IDF does: `#` comments, K and M suffixes, offsets left out to follow on.
 *
 * `offset` of a refusal is the line, from 1.
 */
export function parsePartitionCsv(text: string): Decoded<PartitionTable, PartitionCsvRefusal> {
  const partitions: Partition[] = [];
  let end = PARTITION_TABLE_OFFSET + 0x1000;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const content = raw.split('#')[0]?.trim() ?? '';
    if (content === '') continue;
    const fields = content.split(',').map((field) => field.trim());
    const [label = '', typeText = '', subtypeText = '', offsetText = '', sizeText = '', flagText = ''] =
      fields;
    if (fields.length < 5 || label === '')
      return refuse('bad-row', line, `line ${line}: name, type, subtype, offset, size are needed`);
    if (label.length > 16)
      return refuse('bad-row', line, `line ${line}: name "${label}" is longer than 16 characters`);
    const type = TYPES.get(typeText) ?? parseNumber(typeText);
    if (type === undefined || type > 0xfe)
      return refuse('unknown-type', line, `line ${line}: unknown type "${typeText}"`);
    const names = SUBTYPES.get(type);
    // Left out, it is what ESP-IDF calls "undefined"; an app always has one.
    const unnamed =
      subtypeText === '' ? (type === APP_TYPE ? undefined : DATA_UNDEFINED) : parseNumber(subtypeText);
    const subtype = names?.get(subtypeText) ?? unnamed;
    if (subtype === undefined || subtype > 0xfe)
      return refuse('unknown-type', line, `line ${line}: unknown subtype "${subtypeText}"`);
    const offset = offsetText === '' ? nextOffset(type, end) : parseNumber(offsetText);
    const size = parseNumber(sizeText);
    if (offset === undefined || size === undefined)
      return refuse('bad-number', line, `line ${line}: offset and size are numbers such as 0x9000 or 24K`);
    const flags = flagText === '' ? [] : flagText.split(':').map((flag) => flag.trim());
    const unknown = flags.find((flag) => flag !== 'encrypted' && flag !== 'readonly');
    if (unknown !== undefined) return refuse('unknown-flag', line, `line ${line}: unknown flag "${unknown}"`);
    const encrypted = flags.includes('encrypted');
    partitions.push({ label, type, subtype, offset, size, encrypted, readOnly: flags.includes('readonly') });
    end = offset + size;
  }
  if (partitions.length === 0) return refuse('no-partitions', 1, 'the file names no partition');
  return accept({ partitions, hasMd5: true });
}

/** The CSV `gen_esp32part.py` makes of a binary table. */
export function formatPartitionCsv(table: PartitionTable): string {
  const lines = ['# ESP-IDF Partition Table', '# Name, Type, SubType, Offset, Size, Flags'];
  for (const partition of table.partitions) {
    const { label, type, subtype, offset, size } = partition;
    const flags = [
      ...(partition.encrypted ? ['encrypted'] : []),
      ...(partition.readOnly ? ['readonly'] : []),
    ];
    const typeText = nameOf(TYPES, type);
    const subtypeText = nameOf(SUBTYPES.get(type) ?? new Map(), subtype);
    lines.push(
      [label, typeText, subtypeText, `0x${offset.toString(16)}`, formatSize(size), flags.join(':')].join(','),
    );
  }
  return `${lines.join('\n')}\n`;
}

/** app, data and so on; a number for what has no name. */
export function typeName(partition: Partition): string {
  return nameOf(TYPES, partition.type);
}

/** ota_0, factory, test and so on; a number for what has no name. */
export function subtypeName(partition: Partition): string {
  return nameOf(SUBTYPES.get(partition.type) ?? new Map(), partition.subtype);
}

function nameOf(names: ReadonlyMap<string, number>, value: number): string {
  for (const [name, number] of names) if (number === value) return name;
  return String(value);
}

function formatSize(size: number): string {
  if (size % 0x100000 === 0) return `${size / 0x100000}M`;
  return size % 0x400 === 0 ? `${size / 0x400}K` : `0x${size.toString(16)}`;
}

function parseNumber(text: string): number | undefined {
  const match = /^(0x[0-9a-f]{1,8}|[0-9]{1,10})([km]?)$/i.exec(text);
  if (match === null) return undefined;
  const scale = { '': 1, k: 0x400, m: 0x100000 }[(match[2] ?? '').toLowerCase()] ?? 1;
  const value = Number(match[1]) * scale;
  return value <= 0xffffffff ? value : undefined;
}
