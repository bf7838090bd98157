import {
  decodeOtadataEntry,
  encodeOtadataEntry,
  OTADATA_ENTRY_SIZE,
  type OtadataEntry,
  type OtadataPair,
} from '../../src/esp/otadata.ts';
import type { Partition } from '../../src/esp/partition-table.ts';
import { SECTOR_SIZE } from './block-store.ts';
import type { NorFlash } from './nor-flash.ts';

export function readOtadata(flash: NorFlash, otadata: Partition): OtadataPair {
  return [readEntry(flash, otadata, 0), readEntry(flash, otadata, 1)];
}

/** Erases the entry's sector and writes the entry, in two steps as ESP-IDF does. Returns the duration in ms. */
export function writeOtadata(flash: NorFlash, otadata: Partition, index: 0 | 1, entry: OtadataEntry): number {
  const offset = otadata.offset + index * SECTOR_SIZE;
  // A table may put otadata anywhere; the erase goes to the sector it begins in.
  const eraseMs = flash.eraseSector(offset - (offset % SECTOR_SIZE));
  return eraseMs + flash.program(offset, encodeOtadataEntry(entry)).durationMs;
}

function readEntry(flash: NorFlash, otadata: Partition, index: 0 | 1): OtadataEntry {
  return decodeOtadataEntry(flash.read(otadata.offset + index * SECTOR_SIZE, OTADATA_ENTRY_SIZE));
}
