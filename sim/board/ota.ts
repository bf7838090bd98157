import { IMAGE_MAGIC } from '../../src/esp/app-image.ts';
import { makeBootCounterLabel, readBootCounter } from '../../src/esp/boot-counter.ts';
import {
  activeEntry,
  isUsable,
  LABEL_SIZE,
  makeOtadataEntry,
  OTA_STATES,
  type OtadataEntry,
  sequenceForSlot,
  slotOfSequence,
} from '../../src/esp/otadata.ts';
import type { Partition } from '../../src/esp/partition-table.ts';
import { SECTOR_SIZE } from './block-store.ts';
import { type EspResult, fail, succeed } from './esp-error.ts';
import { readOtadata, writeOtadata } from './otadata-store.ts';
import { type RunningApp, stateOfPartition } from './running-app.ts';
import { describeSlot, judgeSlot } from './slot-verdict.ts';
import { judgeUpdate } from './update-verdict.ts';

/** Bytes an ESP32 reads and hashes in a millisecond. Source: segment lines of public boot logs, DIO at 40 MHz. */
export const VERIFY_BYTES_PER_MS = 4000;

/** How much to erase before the first byte: a known size, the whole slot, or each sector when it is reached. */
export type OtaSize = number | 'unknown' | 'sequential';

/**
 * An update being written, as an `esp_ota_handle_t`. A reset forgets it; `otaResume` takes up where it stopped.
 *
 * Source for all rules and their order: esp-idf, esp_ota_ops.c.
 */
export class OtaUpdate {
  readonly partition: Partition;
  readonly #app: RunningApp;
  readonly #sequential: boolean;
  #written: number;

  constructor(app: RunningApp, partition: Partition, sequential: boolean, written: number) {
    this.#app = app;
    this.partition = partition;
    this.#sequential = sequential;
    this.#written = written;
    app.updating.add(partition);
  }

  /** Bytes written so far, from the start of the slot. */
  get writtenBytes(): number {
    return this.#written;
  }

  /** esp_ota_write. With `immutable`, nobody may ever change the buffer behind `data` (see NorFlash). */
  write(data: Uint8Array, immutable = false): EspResult {
    const { flash } = this.#app;
    const { partition } = this;
    if (data.length === 0) return succeed(0);
    const end = this.#written + data.length;
    let eraseMs = 0;
    if (this.#sequential) {
      const from = Math.ceil(this.#written / SECTOR_SIZE) * SECTOR_SIZE;
      const to = Math.ceil(end / SECTOR_SIZE) * SECTOR_SIZE;
      if (to > partition.size) return fail('ESP_ERR_INVALID_SIZE');
      eraseMs = flash.eraseRange(partition.offset + from, to - from);
    }
    if (this.#written === 0 && data[0] !== IMAGE_MAGIC) return fail('ESP_ERR_OTA_VALIDATE_FAILED', eraseMs);
    if (end > partition.size) return fail('ESP_ERR_INVALID_SIZE', eraseMs);
    const offset = partition.offset + this.#written;
    const programmed = immutable ? flash.programImmutable(offset, data) : flash.program(offset, data);
    this.#written = end;
    const durationMs = eraseMs + programmed.durationMs;
    // As built with CONFIG_SPI_FLASH_VERIFY_WRITE, which reads back what it wrote.
    return programmed.bytesSpoilt > 0 ? fail('ESP_FAIL', durationMs) : succeed(durationMs);
  }

  /** esp_ota_end: the whole image is verified; the handle is gone either way. */
  end(): EspResult {
    this.abort();
    return this.#written === 0 ? fail('ESP_ERR_INVALID_ARG') : validate(this.#app, this.partition);
  }

  /** esp_ota_abort: what was written stays. */
  abort(): void {
    this.#app.updating.delete(this.partition);
  }
}

/** esp_ota_begin. Erases, then wipes the otadata entry that is not in force, so that no half-written slot is chosen. */
export function otaBegin(app: RunningApp, partition: Partition, size: OtaSize): EspResult<OtaUpdate> {
  const refusal = refuseTarget(app, partition);
  if (refusal !== undefined) return fail(refusal);
  if (app.build.appRollback && stateOfPartition(app, app.partition) === 'PENDING_VERIFY')
    return fail('ESP_ERR_OTA_ROLLBACK_INVALID_STATE');
  if (app.updating.has(partition)) return fail('ESP_ERR_OTA_ALREADY_IN_PROGRESS');
  let durationMs = 0;
  if (size !== 'sequential') {
    const whole = size === 'unknown' || size === 0;
    const length = whole ? partition.size : Math.ceil(size / SECTOR_SIZE) * SECTOR_SIZE;
    if (length > partition.size) return fail('ESP_ERR_INVALID_SIZE');
    durationMs += app.flash.eraseRange(partition.offset, length);
  }
  const { otadata } = app.table;
  if (app.build.appRollback && otadata !== undefined) {
    const active = activeEntry(readOtadata(app.flash, otadata));
    if (active !== undefined)
      durationMs += app.flash.eraseSector(otadata.offset + (1 - active) * SECTOR_SIZE);
  }
  return succeed(durationMs, new OtaUpdate(app, partition, size === 'sequential', 0));
}

/** esp_ota_resume: goes on at `offsetBytes`, which the app has kept somewhere; nothing is erased or checked. */
export function otaResume(
  app: RunningApp,
  partition: Partition,
  offsetBytes: number,
  size: 'erased' | 'sequential',
): EspResult<OtaUpdate> {
  if (offsetBytes > partition.size) return fail('ESP_ERR_INVALID_ARG');
  const refusal = refuseTarget(app, partition);
  if (refusal !== undefined) return fail(refusal);
  if (app.updating.has(partition)) return fail('ESP_ERR_OTA_ALREADY_IN_PROGRESS');
  return succeed(0, new OtaUpdate(app, partition, size === 'sequential', offsetBytes));
}

/**
 * esp_ota_set_boot_partition: verifies, then makes the partition the next to boot.
 *
 * `bootsWithoutConfirm` is the boot counter's limit; without it the image gets the one boot ESP-IDF grants.
 */
export function setBootPartition(
  app: RunningApp,
  partition: Partition,
  bootsWithoutConfirm?: number,
): EspResult {
  const valid = validate(app, partition);
  if (!valid.ok) return valid;
  const { flash, table, build, efuse } = app;
  if (table.otadata === undefined) return fail('ESP_ERR_NOT_FOUND', valid.durationMs);
  if (partition === table.factory)
    return succeed(valid.durationMs + flash.eraseRange(table.otadata.offset, table.otadata.size));
  const slot = table.ota.indexOf(partition);
  if (slot < 0 || slot >= table.otaCount) return fail('ESP_ERR_INVALID_ARG', valid.durationMs);
  if (build.antiRollback) {
    const description = describeSlot(flash, partition);
    if (description === undefined) return fail('ESP_ERR_NOT_FOUND', valid.durationMs);
    if (description.secureVersion < efuse.secureVersion) {
      const eraseMs = flash.eraseRange(partition.offset, partition.size);
      return fail('ESP_ERR_OTA_SMALL_SEC_VER', valid.durationMs + eraseMs);
    }
  }
  const pair = readOtadata(flash, table.otadata);
  const active = activeEntry(pair);
  let target: 0 | 1 = 0;
  let sequence = slot + 1;
  if (active !== undefined) {
    const current = pair[active].sequence;
    const same = slotOfSequence(current, table.otaCount) === slot;
    target = same ? active : active === 0 ? 1 : 0;
    sequence = same ? current : sequenceForSlot(current, slot, table.otaCount);
  }
  const label = newLabel(pair[target], build.appRollback ? bootsWithoutConfirm : undefined);
  const entry = makeOtadataEntry(sequence, build.appRollback ? 'NEW' : 'UNDEFINED', label);
  return succeed(valid.durationMs + writeOtadata(flash, table.otadata, target, entry));
}

/** esp_ota_mark_app_valid_cancel_rollback. Confirms the entry in force and raises the anti-rollback counter. */
export function markValid(app: RunningApp): EspResult {
  const { flash, table, build, efuse } = app;
  if (table.otadata === undefined) return fail('ESP_ERR_NOT_FOUND');
  const pair = readOtadata(flash, table.otadata);
  const active = activeEntry(pair);
  if (active === undefined || table.otaCount === 0) return fail('ESP_FAIL');
  const entry = pair[active];
  if (entry.state === OTA_STATES.VALID) return succeed(0);
  const durationMs = writeOtadata(flash, table.otadata, active, { ...entry, state: OTA_STATES.VALID });
  const description = build.antiRollback ? describeSlot(flash, app.partition) : undefined;
  if (description !== undefined && !efuse.burnSecureVersion(description.secureVersion))
    return fail('ESP_ERR_INVALID_ARG', durationMs);
  return succeed(durationMs);
}

/** esp_ota_mark_app_invalid_rollback_and_reboot, up to the reboot: the caller resets the chip when this succeeds. */
export function markInvalid(app: RunningApp): EspResult {
  const { flash, table } = app;
  if (table.otadata === undefined) return fail('ESP_ERR_NOT_FOUND');
  const pair = readOtadata(flash, table.otadata);
  const active = activeEntry(pair);
  if (active === undefined || table.otaCount === 0) return fail('ESP_FAIL');
  if (!canRollBack(app)) return fail('ESP_ERR_OTA_ROLLBACK_FAILED');
  const entry = { ...pair[active], state: OTA_STATES.INVALID };
  return succeed(writeOtadata(flash, table.otadata, active, entry));
}

/** esp_ota_check_rollback_is_possible: the entry not in force, or factory, names a valid image. */
export function canRollBack(app: RunningApp): boolean {
  const { flash, efuse, table, build } = app;
  if (table.otadata === undefined || table.otaCount === 0) return false;
  const pair = readOtadata(flash, table.otadata);
  const active = activeEntry(pair);
  if (active === undefined) return false;
  const other = pair[active === 0 ? 1 : 0];
  if (!isUsable(other))
    return !build.antiRollback && table.factory !== undefined && judgeSlot(flash, efuse, table.factory).ok;
  const partition = table.ota[slotOfSequence(other.sequence, table.otaCount)];
  if (partition === undefined || !judgeSlot(flash, efuse, partition).ok) return false;
  return !build.antiRollback || (describeSlot(flash, partition)?.secureVersion ?? -1) >= efuse.secureVersion;
}

function refuseTarget(app: RunningApp, partition: Partition) {
  if (!app.table.ota.includes(partition)) return 'ESP_ERR_INVALID_ARG';
  return partition === app.partition ? 'ESP_ERR_OTA_PARTITION_CONFLICT' : undefined;
}

function validate(app: RunningApp, partition: Partition): EspResult {
  const verdict = judgeUpdate(app, partition);
  if (!verdict.ok) return fail('ESP_ERR_OTA_VALIDATE_FAILED');
  return succeed(verdict.value.imageLength / VERIFY_BYTES_PER_MS);
}

/** ESP-IDF rewrites an entry with the label it had; an old boot counter must not count for a new image. */
function newLabel(entry: OtadataEntry, bootsWithoutConfirm: number | undefined): Uint8Array {
  if (bootsWithoutConfirm !== undefined) return makeBootCounterLabel(bootsWithoutConfirm);
  return readBootCounter(entry.label) === undefined ? entry.label : new Uint8Array(LABEL_SIZE).fill(0xff);
}
