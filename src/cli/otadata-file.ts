import { decodeOtadataEntry, OTADATA_ENTRY_SIZE, OTADATA_SIZE, type OtadataPair } from '../esp/otadata.ts';
import { DATA_OTA, DATA_TYPE, findPartition, otaSlots } from '../esp/partition-table.ts';
import { rejectUsage } from './failure.ts';
import { contentsOf, tableOfDump } from './flash-dump.ts';
import { readInput } from './input-file.ts';
import { parseWhole } from './number-argument.ts';

const SECTOR_SIZE = OTADATA_SIZE / 2;
const SLOTS_MAX = 16;
const SLOTS_USUAL = '2';

export interface ReadPair {
  /** The whole partition. */
  readonly bytes: Uint8Array;
  readonly pair: OtadataPair;
  readonly slotCount: number;
}

/** Reads an otadata partition, or the one of a flash dump, whose table says how many slots there are. Fails as `usage`. */
export function readPair(path: string, slots: string | undefined): ReadPair {
  const file = readInput(path);
  const table = file.length === OTADATA_SIZE ? undefined : tableOfDump(file);
  const partition = table === undefined ? undefined : findPartition(table, DATA_TYPE, DATA_OTA);
  if (table !== undefined && partition === undefined)
    rejectUsage(`${path}: its partition table has no otadata`);
  const bytes = partition === undefined ? file : contentsOf(file, partition);
  if (bytes.length !== OTADATA_SIZE)
    rejectUsage(
      `${path} has ${file.length} bytes: neither otadata, which has ${OTADATA_SIZE}, nor a flash dump with a partition table at 0x8000`,
    );
  const slotCount = slots === undefined && table !== undefined ? otaSlots(table).length : countOf(slots);
  return { bytes, pair: pairIn(bytes), slotCount };
}

export function pairIn(bytes: Uint8Array): OtadataPair {
  const entry = (sector: number) => {
    const start = sector * SECTOR_SIZE;
    return decodeOtadataEntry(bytes.subarray(start, start + OTADATA_ENTRY_SIZE));
  };
  return [entry(0), entry(1)];
}

/** Number of OTA slots that `--slots` says. */
export function countOf(slots = SLOTS_USUAL): number {
  return parseWhole('--slots', slots, 1, SLOTS_MAX);
}
