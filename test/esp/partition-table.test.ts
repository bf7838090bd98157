import { expect, test } from 'vitest';
import { toHex } from '../../src/esp/byte-fields.ts';
import { formatPartitionCsv, parsePartitionCsv } from '../../src/esp/partition-csv.ts';
import {
  checkLayout,
  encodePartitionTable,
  otaSlots,
  parsePartitionTable,
} from '../../src/esp/partition-table.ts';

const FACTORY_TWO_OTA = `# Name,   Type, SubType, Offset,   Size, Flags
nvs,      data, nvs,     ,        0x4000,
otadata,  data, ota,     ,        0x2000,
phy_init, data, phy,     ,        0x1000,
factory,  app,  factory, ,        1M,
ota_0,    app,  ota_0,   ,        1M,
ota_1,    app,  ota_1,   ,        1M,
`;

function tableOf(csv: string) {
  const parsed = parsePartitionCsv(csv);
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  return parsed.value;
}

test('the default table with two OTA slots has the MD5 that ESP-IDF gives it', () => {
  const bytes = encodePartitionTable(tableOf(FACTORY_TWO_OTA));
  expect(toHex(bytes.subarray(6 * 32 + 16, 7 * 32))).toBe('bf25822c0fa6d8641bd930251e06b4c4');
  expect(bytes.length).toBe(0xc00);
});

test('binary and CSV round-trip', () => {
  const table = tableOf(FACTORY_TWO_OTA);
  const parsed = parsePartitionTable(encodePartitionTable(table));
  expect(parsed.ok && parsed.value).toEqual(table);
  expect(tableOf(formatPartitionCsv(table))).toEqual(table);
  expect(otaSlots(table).map(({ offset }) => offset)).toEqual([0x110000, 0x210000]);
  expect(checkLayout(table, 4 << 20)).toEqual([]);
});

test('a table with one wrong bit is refused', () => {
  const bytes = encodePartitionTable(tableOf(FACTORY_TWO_OTA));
  for (let at = 0; at < 7 * 32; at++) {
    const flipped = bytes.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    // The filler of the MD5 row carries nothing.
    if (at >= 6 * 32 + 2 && at < 6 * 32 + 16) continue;
    expect(parsePartitionTable(flipped).ok, `offset ${at}`).toBe(false);
  }
});

test('overlaps, bad alignment and a missing otadata are named', () => {
  const overlapping = tableOf('a,data,nvs,0x9000,0x8000\nb,app,ota_0,0x10000,64K\n');
  expect(checkLayout(overlapping, 4 << 20)).toEqual([
    'partition "a" overlaps "b"',
    'OTA slots need an otadata partition',
  ]);
  expect(checkLayout(tableOf('a,app,factory,0x11000,64K\n'), 0x20000)).toEqual([
    'partition "a" must start on a multiple of 0x10000',
    'partition "a" ends past the flash (131072 bytes)',
  ]);
});

test('a CSV that cannot be read names its line', () => {
  for (const csv of [
    '\nnvs,data\n',
    '\nnvs,date,nvs,,4K\n',
    '\nnvs,data,nvs,,4Q\n',
    '\nnvs,data,nvs,,4K,secret\n',
  ]) {
    const parsed = parsePartitionCsv(csv);
    expect(parsed.ok ? undefined : parsed.refusal.offset).toBe(2);
  }
});
