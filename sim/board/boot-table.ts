import { subtypeName } from '../../src/esp/partition-csv.ts';
import {
  APP_FACTORY,
  APP_OTA_0,
  APP_TEST,
  APP_TYPE,
  DATA_OTA,
  DATA_TYPE,
  findPartition,
  PARTITION_TABLE_OFFSET,
  type Partition,
  parsePartitionTable,
} from '../../src/esp/partition-table.ts';
import { SECTOR_SIZE } from './block-store.ts';
import type { NorFlash } from './nor-flash.ts';

/** Numbers the bootloader gives to what it can start. Source: esp-idf, bootloader_config.h. */
export const FACTORY_INDEX = -1;
export const TEST_INDEX = -2;

export type SlotName = `ota_${number}` | 'factory' | 'test';

/** A partition table as the bootloader takes it in. */
export interface BootTable {
  readonly partitions: readonly Partition[];
  readonly otadata: Partition | undefined;
  readonly factory: Partition | undefined;
  readonly test: Partition | undefined;
  /** By slot number; a table with a gap leaves a hole, which never boots. */
  readonly ota: readonly (Partition | undefined)[];
  /** How many OTA rows there are: the modulus of the slot arithmetic. */
  readonly otaCount: number;
}

/** The table at 0x8000, worked out once for all boards that share it; undefined when the bootloader refuses it. */
export function readBootTable(flash: NorFlash): BootTable | undefined {
  const identity = flash.identityOf(PARTITION_TABLE_OFFSET, SECTOR_SIZE);
  return flash.store.memo(`table:${flash.sizeBytes}:${identity}`, () => ({ table: loadTable(flash) })).table;
}

export function partitionAt(table: BootTable, index: number): Partition | undefined {
  if (index === FACTORY_INDEX) return table.factory;
  if (index === TEST_INDEX) return table.test;
  return index < table.otaCount ? table.ota[index] : undefined;
}

export function slotName(index: number): SlotName {
  if (index === FACTORY_INDEX) return 'factory';
  return index === TEST_INDEX ? 'test' : `ota_${index}`;
}

/** Number of the slot a partition is; undefined for one that holds no bootable app. */
export function indexOfPartition(table: BootTable, partition: Partition): number | undefined {
  if (partition === table.factory) return FACTORY_INDEX;
  if (partition === table.test) return TEST_INDEX;
  const slot = table.ota.indexOf(partition);
  return slot < 0 ? undefined : slot;
}

/** The partition with a slot's name (`ota_1`, `factory`, `test`). */
export function partitionOfSlot(table: BootTable, name: string): Partition | undefined {
  return table.partitions.find((partition) => partition.type === APP_TYPE && subtypeName(partition) === name);
}

function loadTable(flash: NorFlash): BootTable | undefined {
  const parsed = parsePartitionTable(flash.read(PARTITION_TABLE_OFFSET, SECTOR_SIZE));
  if (!parsed.ok) return undefined;
  const { partitions } = parsed.value;
  if (partitions.some(({ offset, size }) => offset + size > flash.sizeBytes)) return undefined;
  const rows = partitions.filter(({ type, subtype }) => type === APP_TYPE && (subtype & 0xf0) === APP_OTA_0);
  return {
    partitions,
    otadata: findPartition(parsed.value, DATA_TYPE, DATA_OTA),
    factory: findPartition(parsed.value, APP_TYPE, APP_FACTORY),
    test: findPartition(parsed.value, APP_TYPE, APP_TEST),
    ota: Array.from({ length: 16 }, (_, slot) => rows.find(({ subtype }) => subtype === APP_OTA_0 + slot)),
    otaCount: rows.length,
  };
}
