import { buildBootloaderImage } from '../../src/esp/app-image-build.ts';
import type { Chip } from '../../src/esp/chips.ts';
import { encodeOtadataEntry, makeOtadataEntry } from '../../src/esp/otadata.ts';
import { parsePartitionCsv } from '../../src/esp/partition-csv.ts';
import {
  checkLayout,
  DATA_OTA,
  DATA_TYPE,
  encodePartitionTable,
  findPartition,
  otaSlots,
  PARTITION_TABLE_OFFSET,
  type PartitionTable,
} from '../../src/esp/partition-table.ts';
import { SeededRandom } from '../../src/random/random.ts';
import type { BlockStore } from './block-store.ts';
import { NorFlash } from './nor-flash.ts';

/** Two OTA slots of 1.5 MiB and room for data, on 4 MiB: what a fleet device usually has. */
export const TWO_OTA_CSV = `nvs,data,nvs,0x9000,16K
otadata,data,ota,0xd000,8K
phy_init,data,phy,0xf000,4K
ota_0,app,ota_0,0x10000,1536K
ota_1,app,ota_1,0x190000,1536K
storage,data,nvs,0x310000,960K
`;

export interface FlashContents {
  readonly store: BlockStore;
  readonly chip: Chip;
  readonly sizeBytes: number;
  readonly table: PartitionTable;
  /** Second-stage bootloader; one that fits the chip is made up when left out. */
  readonly bootloader?: Uint8Array;
  /** Images by slot number, from ota_0 on; undefined leaves a slot erased. */
  readonly images: readonly (Uint8Array | undefined)[];
  /** Slot that otadata names as VALID; undefined leaves otadata erased, as a factory does. */
  readonly confirmedSlot?: number;
  /** Contents of further partitions by label. */
  readonly data?: ReadonlyMap<string, Uint8Array>;
}

/**
 * A flash as it leaves the factory. Fork it for every board that is the same.
 *
 * Throws RangeError for a layout that will not work, an image that does not fit, or an unknown label.
 */
export function provisionFlash(contents: FlashContents): NorFlash {
  const { store, chip, sizeBytes, table } = contents;
  const faults = checkLayout(table, sizeBytes);
  if (faults.length > 0) throw new RangeError(`partition table: ${faults.join('; ')}`);
  const flash = NorFlash.blank(store, sizeBytes);
  flash.program(chip.bootloaderOffset, contents.bootloader ?? defaultBootloader(chip));
  flash.program(PARTITION_TABLE_OFFSET, encodePartitionTable(table));
  const slots = otaSlots(table);
  for (const [slot, image] of contents.images.entries()) {
    if (image === undefined) continue;
    const partition = slots[slot];
    if (partition === undefined || image.length > partition.size)
      throw new RangeError(`an image of ${image.length} bytes does not fit ota_${slot}`);
    flash.program(partition.offset, image);
  }
  const otadata = findPartition(table, DATA_TYPE, DATA_OTA);
  if (contents.confirmedSlot !== undefined && otadata !== undefined)
    flash.program(otadata.offset, encodeOtadataEntry(makeOtadataEntry(contents.confirmedSlot + 1, 'VALID')));
  for (const [label, bytes] of contents.data ?? []) {
    const partition = table.partitions.find((candidate) => candidate.label === label);
    if (partition === undefined || bytes.length > partition.size)
      throw new RangeError(`${bytes.length} bytes of data do not fit a partition "${label}"`);
    flash.program(partition.offset, bytes);
  }
  return flash.fork();
}

/** The table of a CSV that is known to be right, such as `TWO_OTA_CSV`. Throws RangeError when it is not. */
export function tableOfCsv(csv: string): PartitionTable {
  const parsed = parsePartitionCsv(csv);
  if (!parsed.ok) throw new RangeError(parsed.refusal.message);
  return parsed.value;
}

/** A bootloader that fits the chip; the same bytes every time. */
export function defaultBootloader(chip: Chip): Uint8Array {
  const contents = (length: number) => SeededRandom.ofSeed(0).split(`bootloader/${chip.name}`).bytes(length);
  return buildBootloaderImage({ chip, sizeBytes: 20_480, contents });
}
