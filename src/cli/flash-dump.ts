import { parseAppImage } from '../esp/app-image.ts';
import { CHIP_NAMES, type Chip, chipOfId } from '../esp/chips.ts';
import {
  APP_TYPE,
  PARTITION_TABLE_OFFSET,
  type Partition,
  type PartitionTable,
  parsePartitionTable,
} from '../esp/partition-table.ts';
import { CommandFailure, rejectUsage } from './failure.ts';
import { FLASH_SIZE_MAX } from './input-file.ts';
import { describeSize, hex } from './number-argument.ts';

const SECTOR_SIZE = 0x1000;
const BLOCK_SIZE = 0x10000;
/** Where a table that is not in its usual place is looked for. */
const TABLE_OFFSET_MAX = 0x40000;
const BOOTLOADER_OFFSETS = [0x1000, 0x0];

/** The partition table of a flash dump; undefined when there is no whole one at 0x8000. */
export function tableOfDump(dump: Uint8Array): PartitionTable | undefined {
  const parsed = parsePartitionTable(
    dump.subarray(PARTITION_TABLE_OFFSET, PARTITION_TABLE_OFFSET + SECTOR_SIZE),
  );
  return parsed.ok ? parsed.value : undefined;
}

/** The bytes of a partition, as far as the dump has them. */
export function contentsOf(dump: Uint8Array, { offset, size }: Partition): Uint8Array {
  return dump.subarray(offset, offset + size);
}

/**
 * The flash a dump was read from. `sizeBytes` is what the user says it has; what the dump lacks reads as erased.
 *
 * Without it a dump must be whole, but for what lies behind its end and inside the flash its bootloader was built for.
 */
export function flashContents(dump: Uint8Array, name: string, sizeBytes: number | undefined): Uint8Array {
  if (sizeBytes !== undefined) {
    if (sizeBytes === 0 || sizeBytes % BLOCK_SIZE !== 0 || sizeBytes > FLASH_SIZE_MAX)
      rejectUsage(`--flash-size ${sizeBytes}: a flash has a multiple of 64 KB, at most 128 MB`);
    if (dump.length > sizeBytes)
      rejectUsage(`${name} has ${dump.length} bytes, more than a flash of ${describeSize(sizeBytes)}`);
    return extend(dump, sizeBytes);
  }
  if (dump.length % BLOCK_SIZE !== 0)
    rejectUsage(
      `${name} has ${dump.length} bytes, which is no multiple of 64 KB; give a whole dump, or say --flash-size 4MB to take the rest as erased`,
    );
  const tableEnd = Math.max(
    0,
    ...(tableOfDump(dump)?.partitions ?? []).map(({ offset, size }) => offset + size),
  );
  const builtFor = bootloaderIn(dump)?.flashSizeBytes ?? 0;
  return tableEnd > dump.length && tableEnd <= builtFor && builtFor <= FLASH_SIZE_MAX
    ? extend(dump, builtFor)
    : dump;
}

/** The chip whose flash this is: by its bootloader, or else by the first app in its partitions. */
export function guessChip(dump: Uint8Array, name: string): Chip {
  const bootloader = bootloaderIn(dump);
  const ids = bootloader === undefined ? chipIdsOfApps(dump) : [bootloader.chipId];
  for (const id of ids) {
    const chip = chipOfId(id);
    if (chip !== undefined) return chip;
  }
  const known = `give --chip; known are ${CHIP_NAMES.join(', ')}`;
  if (ids[0] !== undefined)
    rejectUsage(`${name} is for a chip with id ${ids[0]}, which is not modelled; ${known}`);
  rejectUsage(`${name} does not tell its chip: no bootloader and no app in it; ${known}`);
}

/** Oldest chip revision that the bootloader in the dump runs on, major × 100 + minor; 0 without one. */
export function revisionOfBootloader(dump: Uint8Array): number {
  return bootloaderIn(dump)?.chipRevisionMin ?? 0;
}

/** Fails when the dump's table lies where no bootloader of ours looks: what we said of such a board would be wrong. */
export function refuseMovedTable(dump: Uint8Array, name: string): void {
  const sector = dump.subarray(PARTITION_TABLE_OFFSET, PARTITION_TABLE_OFFSET + 2);
  if (sector[0] === 0xaa && sector[1] === 0x50) return;
  for (let at = SECTOR_SIZE; at <= TABLE_OFFSET_MAX; at += SECTOR_SIZE) {
    const parsed = parsePartitionTable(dump.subarray(at, at + SECTOR_SIZE));
    if (parsed.ok && parsed.value.hasMd5)
      throw new CommandFailure(
        'unavailable',
        `${name} has its partition table at ${hex(at)}; only bootloaders that look for it at 0x8000 are modelled`,
      );
  }
}

interface FoundBootloader {
  readonly chipId: number;
  readonly chipRevisionMin: number;
  readonly flashSizeBytes: number;
}

function bootloaderIn(dump: Uint8Array): FoundBootloader | undefined {
  for (const offset of BOOTLOADER_OFFSETS) {
    const parsed = parseAppImage(dump.subarray(offset, PARTITION_TABLE_OFFSET));
    if (!parsed.ok) continue;
    const { chipId, chipRevisionMin, spiSize } = parsed.value.header;
    const chip = chipOfId(chipId);
    if (chip !== undefined && chip.bootloaderOffset !== offset) continue;
    return { chipId, chipRevisionMin, flashSizeBytes: 2 ** spiSize * 1024 * 1024 };
  }
  return undefined;
}

function chipIdsOfApps(dump: Uint8Array): number[] {
  const apps = (tableOfDump(dump)?.partitions ?? []).filter(({ type }) => type === APP_TYPE);
  return apps.flatMap((app) => {
    const parsed = parseAppImage(contentsOf(dump, app));
    return parsed.ok ? [parsed.value.header.chipId] : [];
  });
}

function extend(dump: Uint8Array, sizeBytes: number): Uint8Array {
  if (dump.length === sizeBytes) return dump;
  const contents = new Uint8Array(sizeBytes).fill(0xff);
  contents.set(dump);
  return contents;
}
