import { hasRightCrc, type OtaStateName, slotOfSequence, stateName } from '../../src/esp/otadata.ts';
import type { Partition } from '../../src/esp/partition-table.ts';
import { type BootTable, readBootTable } from './boot-table.ts';
import type { BootloaderBuild, BootOutcome } from './bootloader.ts';
import type { Efuse } from './efuse.ts';
import type { NorFlash } from './nor-flash.ts';
import { readOtadata } from './otadata-store.ts';

/** An app from its start to the next reset: what the esp_ota calls know of. */
export interface RunningApp {
  readonly flash: NorFlash;
  readonly efuse: Efuse;
  /** The app is built with the same rollback options as the bootloader that started it. */
  readonly build: BootloaderBuild;
  /** CONFIG_SECURE_SIGNED_ON_UPDATE_NO_SECURE_BOOT: it takes only updates signed by a key that it is signed with. */
  readonly signedUpdates: boolean;
  readonly table: BootTable;
  readonly partition: Partition;
  /** Partitions an update is being written to; forgotten at reset, like all RAM. */
  readonly updating: Set<Partition>;
}

/** The app a boot ended in; undefined when the chip runs none. */
export function startApp(
  board: {
    readonly flash: NorFlash;
    readonly efuse: Efuse;
    readonly build: BootloaderBuild;
    readonly signedUpdates?: boolean;
  },
  outcome: BootOutcome,
): RunningApp | undefined {
  const table = readBootTable(board.flash);
  const { partition } = outcome;
  if (table === undefined || partition === undefined) return undefined;
  const { flash, efuse, build, signedUpdates = false } = board;
  return { flash, efuse, build, signedUpdates, table, partition, updating: new Set() };
}

/** State of the first entry with a right CRC that names the partition; undefined where none does. Source: esp_ota_get_state_partition. */
export function stateOfPartition(app: RunningApp, partition: Partition): OtaStateName | undefined {
  const slot = app.table.ota.indexOf(partition);
  if (slot < 0 || app.table.otadata === undefined) return undefined;
  for (const entry of readOtadata(app.flash, app.table.otadata)) {
    if (slotOfSequence(entry.sequence, app.table.otaCount) !== slot || !hasRightCrc(entry)) continue;
    return stateName(entry.state);
  }
  return undefined;
}

/** Where the next update goes: the OTA slot behind the running one, cyclically. Source: esp_ota_get_next_update_partition. */
export function nextUpdatePartition(app: RunningApp): Partition | undefined {
  const slots = app.table.ota.filter((slot) => slot !== undefined);
  return slots[(slots.indexOf(app.partition) + 1) % Math.max(1, slots.length)];
}
