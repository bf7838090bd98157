import type { VerifiedImage } from '../../src/esp/app-image.ts';
import { nextTally, readBootCounter } from '../../src/esp/boot-counter.ts';
import {
  activeEntry,
  isBlank,
  isUnusable,
  isUsable,
  LABEL_OFFSET,
  makeOtadataEntry,
  OTA_STATES,
  type OtadataEntry,
  type OtadataPair,
  selectEntry,
  slotOfSequence,
} from '../../src/esp/otadata.ts';
import { DATA_TYPE, type Partition } from '../../src/esp/partition-table.ts';
import { SECTOR_SIZE } from './block-store.ts';
import {
  type BootTable,
  FACTORY_INDEX,
  partitionAt,
  readBootTable,
  type SlotName,
  slotName,
  TEST_INDEX,
} from './boot-table.ts';
import type { Efuse } from './efuse.ts';
import type { NorFlash } from './nor-flash.ts';
import { readOtadata, writeOtadata } from './otadata-store.ts';
import type { ResetReason } from './reset-reason.ts';
import { romFindsBootloader } from './rom-boot.ts';
import { describeSlot, judgeSlot, revokeFailedKeys, type SlotVerdict } from './slot-verdict.ts';

/** How a second-stage bootloader was configured. Names follow its Kconfig. */
export interface BootloaderBuild {
  /** CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE: an image that is not confirmed is given up. */
  readonly appRollback: boolean;
  /** CONFIG_BOOTLOADER_APP_ANTI_ROLLBACK: an image below the eFuse counter does not start. */
  readonly antiRollback: boolean;
  /** Honour the boot counter in an otadata label; an entry without one behaves as ESP-IDF's. */
  readonly bootCounter: boolean;
  /** CONFIG_BOOTLOADER_FACTORY_RESET: labels of the data partitions to erase, and whether otadata goes too. */
  readonly factoryReset?: { readonly eraseLabels: readonly string[]; readonly eraseOtadata: boolean };
  /** CONFIG_BOOTLOADER_APP_TEST: a held pin starts the test app. */
  readonly appTest?: boolean;
}

/** ESP-IDF with application rollback, and the same with our boot counter. */
export const ESP_IDF_BUILD: BootloaderBuild = { appRollback: true, antiRollback: false, bootCounter: false };
export const BOOT_COUNTER_BUILD: BootloaderBuild = { ...ESP_IDF_BUILD, bootCounter: true };

export interface BootInput {
  readonly flash: NorFlash;
  readonly efuse: Efuse;
  readonly build: BootloaderBuild;
  readonly resetReason: ResetReason;
  /** Pins held for the five seconds the bootloader asks for. */
  readonly held?: { readonly factoryReset?: boolean; readonly appTest?: boolean };
}

/** How the first slot to try was found. */
export type Selection =
  | 'no-otadata'
  | 'active-entry'
  | 'first-boot'
  | 'counted-boot'
  | 'default-factory'
  | 'default-ota-0'
  | 'initial-otadata'
  | 'invalid-otadata'
  | 'test-pin';

export type BootFailure =
  | 'no-bootloader'
  | 'bad-partition-table'
  | 'bad-otadata-partition'
  | 'no-test-app'
  | 'no-bootable-app';

export interface SlotAttempt {
  readonly slot: SlotName;
  readonly partition: Partition;
  /** Undefined when anti-rollback turned the slot down before it was read. */
  readonly verdict: SlotVerdict | undefined;
}

/** What one run of the bootloader did. */
export interface BootPass {
  readonly resetReason: ResetReason;
  readonly table: BootTable | undefined;
  readonly selection: Selection | undefined;
  /** Slots tried, in order; the last one runs unless `failure` says otherwise. */
  readonly attempts: readonly SlotAttempt[];
  /** Otadata entries given up because nobody confirmed them. */
  readonly aborted: readonly (0 | 1)[];
  readonly otadataWrites: number;
  readonly failure: BootFailure | undefined;
  /** Time spent on flash commands, in ms; loading comes on top. */
  readonly flashMs: number;
}

export interface BootOutcome {
  /** What runs now; null when the chip resets for ever. */
  readonly slot: SlotName | null;
  readonly partition: Partition | undefined;
  readonly image: VerifiedImage | undefined;
  /** Runs of the bootloader, the last one last: a chip with no bootable app resets and tries again. */
  readonly passes: readonly BootPass[];
}

/** A chip that finds nothing resets until its flash stops changing; the longest boot counter sets the bound. */
const PASSES_MAX = 300;

/**
 * Boots a board: which slot runs, and what that wrote. Throws PowerLoss when a planned cut falls into it.
 *
 * Source: esp-idf, bootloader_start.c and bootloader_utility.c; the recorded cases in test/vectors agree byte for byte.
 */
export function boot(input: BootInput): BootOutcome {
  const passes: BootPass[] = [];
  let { resetReason } = input;
  for (;;) {
    const before = otadataIdentity(input.flash);
    const pass = new SecondStage(input, resetReason).run();
    passes.push(pass);
    const last = pass.attempts.at(-1);
    if (pass.failure === undefined && last !== undefined && last.verdict?.ok === true)
      return { slot: last.slot, partition: last.partition, image: last.verdict.value, passes };
    const settled = otadataIdentity(input.flash) === before;
    if (settled || passes.length === PASSES_MAX)
      return { slot: null, partition: undefined, image: undefined, passes };
    resetReason = 'software';
  }
}

function otadataIdentity(flash: NorFlash): string {
  const otadata = readBootTable(flash)?.otadata;
  return otadata === undefined ? '' : flash.identityOf(otadata.offset, otadata.size);
}

class SecondStage {
  readonly #input: BootInput;
  readonly #resetReason: ResetReason;
  readonly #attempts: SlotAttempt[] = [];
  readonly #aborted: (0 | 1)[] = [];
  #otadataWrites = 0;
  #flashMs = 0;
  /** Nothing usable was ever written: the entry of whatever boots is made up afterwards. */
  #otadataIsInitial = false;

  constructor(input: BootInput, resetReason: ResetReason) {
    this.#input = input;
    this.#resetReason = resetReason;
  }

  run(): BootPass {
    if (!romFindsBootloader(this.#input.flash, this.#input.efuse))
      return this.#end(undefined, undefined, 'no-bootloader');
    const table = readBootTable(this.#input.flash);
    if (table === undefined) return this.#end(undefined, undefined, 'bad-partition-table');
    if (table.otadata !== undefined && table.otadata.size < 2 * SECTOR_SIZE)
      return this.#end(table, undefined, 'bad-otadata-partition');
    let [start, selection] = this.#select(table);
    if (this.#resetReason !== 'deep-sleep') {
      const { held, build } = this.#input;
      if (held?.factoryReset === true && build.factoryReset !== undefined) {
        this.#eraseForFactoryReset(table, build.factoryReset);
        [start, selection] = this.#select(table);
      } else if (held?.appTest === true && build.appTest === true) {
        if (table.test === undefined) return this.#end(table, 'test-pin', 'no-test-app');
        [start, selection] = [TEST_INDEX, 'test-pin'];
      }
    }
    return this.#end(table, selection, this.#load(table, start) ? undefined : 'no-bootable-app');
  }

  /** The slot to try first, after the states of the entries have been moved on. */
  #select(table: BootTable): [number, Selection] {
    const { otadata } = table;
    const { build } = this.#input;
    if (otadata === undefined) return [FACTORY_INDEX, 'no-otadata'];
    this.#otadataIsInitial = false;
    const pair = build.appRollback
      ? this.#giveUpUnconfirmed(otadata)
      : readOtadata(this.#input.flash, otadata);
    if (build.antiRollback) {
      if (isBlank(pair[0]) && isBlank(pair[1])) {
        this.#otadataIsInitial = true;
        return [FACTORY_INDEX, 'initial-otadata'];
      }
    } else if ((isUnusable(pair[0]) && isUnusable(pair[1])) || table.otaCount === 0) {
      if (table.factory !== undefined) return [FACTORY_INDEX, 'default-factory'];
      this.#otadataIsInitial = isBlank(pair[0]) && isBlank(pair[1]);
      return [0, 'default-ota-0'];
    }
    const active = this.#activeEntry(table, pair);
    // All slots are tried from factory up; entries with a wrong CRC but a usable state end here, too.
    if (active === undefined || table.otaCount === 0) return [FACTORY_INDEX, 'invalid-otadata'];
    const entry = pair[active];
    const slot = slotOfSequence(entry.sequence, table.otaCount);
    let selection: Selection = 'active-entry';
    if (build.appRollback && entry.state === OTA_STATES.NEW) {
      this.#write(otadata, active, {
        ...entry,
        state: OTA_STATES.PENDING_VERIFY,
        label: this.#countedLabel(entry),
      });
      selection = 'first-boot';
    } else if (build.appRollback && entry.state === OTA_STATES.PENDING_VERIFY) {
      this.#countBoot(otadata, active, entry);
      selection = 'counted-boot';
    }
    const partition = table.ota[slot];
    if (build.antiRollback && entry.state === OTA_STATES.VALID && partition !== undefined)
      this.#raiseSecureVersion(partition);
    return [slot, selection];
  }

  /** Entries that ran and were not confirmed become ABORTED, whatever their CRC. */
  #giveUpUnconfirmed(otadata: Partition): OtadataPair {
    const { flash, build } = this.#input;
    const pair = readOtadata(flash, otadata);
    const moveOn = (index: 0 | 1): OtadataEntry => {
      const entry = pair[index];
      if (entry.state !== OTA_STATES.PENDING_VERIFY) return entry;
      const counter = build.bootCounter ? readBootCounter(entry.label) : undefined;
      if (counter !== undefined && counter.bootsBegun < counter.bootsWithoutConfirm) return entry;
      const aborted = { ...entry, state: OTA_STATES.ABORTED };
      this.#write(otadata, index, aborted);
      this.#aborted.push(index);
      return aborted;
    };
    return [moveOn(0), moveOn(1)];
  }

  #activeEntry(table: BootTable, pair: OtadataPair): 0 | 1 | undefined {
    if (!this.#input.build.antiRollback) return activeEntry(pair);
    const eligible = (entry: OtadataEntry): boolean => {
      if (!isUsable(entry) || table.otaCount === 0) return false;
      return this.#secureEnough(table.ota[slotOfSequence(entry.sequence, table.otaCount)]);
    };
    return selectEntry(pair, [eligible(pair[0]), eligible(pair[1])]);
  }

  /** Tries the chosen slot, then down to factory, then up from the chosen one, then the test app. */
  #load(table: BootTable, start: number): boolean {
    if (start === TEST_INDEX) return this.#try(table, TEST_INDEX);
    for (let index = start; index >= FACTORY_INDEX; index--) if (this.#try(table, index)) return true;
    for (let index = start + 1; index < table.otaCount; index++) if (this.#try(table, index)) return true;
    return this.#try(table, TEST_INDEX);
  }

  #try(table: BootTable, index: number): boolean {
    const partition = partitionAt(table, index);
    if (partition === undefined || partition.size === 0) return false;
    const slot = slotName(index);
    if (!this.#secureEnough(partition)) {
      this.#attempts.push({ slot, partition, verdict: undefined });
      return false;
    }
    const { flash, efuse } = this.#input;
    const verdict = judgeSlot(flash, efuse, partition);
    revokeFailedKeys(flash, efuse, partition);
    this.#attempts.push({ slot, partition, verdict });
    if (!verdict.ok) return false;
    if (index >= 0 && this.#otadataIsInitial && table.otadata !== undefined) {
      this.#write(table.otadata, 0, makeOtadataEntry(index + 1, 'VALID'));
      if (this.#input.build.antiRollback) this.#raiseSecureVersion(partition);
    }
    return true;
  }

  #secureEnough(partition: Partition | undefined): boolean {
    const { flash, efuse, build } = this.#input;
    if (!build.antiRollback) return true;
    const description = partition === undefined ? undefined : describeSlot(flash, partition);
    return description !== undefined && description.secureVersion >= efuse.secureVersion;
  }

  #raiseSecureVersion(partition: Partition): void {
    const description = describeSlot(this.#input.flash, partition);
    if (description !== undefined) this.#input.efuse.burnSecureVersion(description.secureVersion);
  }

  /** The first unconfirmed boot is counted in the rewrite that makes the entry PENDING_VERIFY. */
  #countedLabel(entry: OtadataEntry): Uint8Array {
    const label = entry.label.slice();
    if (!this.#input.build.bootCounter || readBootCounter(label) === undefined) return label;
    const tally = nextTally(label);
    if (tally !== undefined) label[tally.index] = tally.value;
    return label;
  }

  #countBoot(otadata: Partition, index: 0 | 1, entry: OtadataEntry): void {
    const tally = nextTally(entry.label);
    if (tally === undefined) return;
    const offset = otadata.offset + index * SECTOR_SIZE + LABEL_OFFSET + tally.index;
    this.#flashMs += this.#input.flash.program(offset, Uint8Array.of(tally.value)).durationMs;
    this.#otadataWrites++;
  }

  #eraseForFactoryReset(table: BootTable, what: NonNullable<BootloaderBuild['factoryReset']>): void {
    for (const partition of table.partitions) {
      const listed = partition.type === DATA_TYPE && what.eraseLabels.includes(partition.label);
      const whole = partition.offset % SECTOR_SIZE === 0 && partition.size % SECTOR_SIZE === 0;
      if (whole && (listed || (what.eraseOtadata && partition === table.otadata)))
        this.#flashMs += this.#input.flash.eraseRange(partition.offset, partition.size);
    }
  }

  #write(otadata: Partition, index: 0 | 1, entry: OtadataEntry): void {
    this.#flashMs += writeOtadata(this.#input.flash, otadata, index, entry);
    this.#otadataWrites++;
  }

  #end(
    table: BootTable | undefined,
    selection: Selection | undefined,
    failure: BootFailure | undefined,
  ): BootPass {
    return {
      resetReason: this.#resetReason,
      table,
      selection,
      attempts: this.#attempts,
      aborted: this.#aborted,
      otadataWrites: this.#otadataWrites,
      failure,
      flashMs: this.#flashMs,
    };
  }
}
