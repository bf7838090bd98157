import { type AppImage, imageChecksum, parseAppImage } from '../../src/esp/app-image.ts';
import { parseBootloaderDescription } from '../../src/esp/bootloader-description.ts';
import { viewOf } from '../../src/esp/byte-fields.ts';
import { type Chip, isMapped } from '../../src/esp/chips.ts';
import {
  APP_OTA_0,
  APP_TYPE,
  DATA_TYPE,
  PARTITION_TABLE_OFFSET,
  type Partition,
} from '../../src/esp/partition-table.ts';
import { FACTORY_INDEX } from './boot-table.ts';
import type { BootInput, BootOutcome, BootPass, SlotAttempt } from './bootloader.ts';
import { VERIFY_BYTES_PER_MS } from './ota.ts';
import { describeReset } from './reset-reason.ts';

/** Characters a millisecond at 115200 baud: what makes the time stamps of a boot log grow. */
const CHARACTERS_PER_MS = 11.52;
/** Time from reset to the first line of the second stage. */
const ROM_MS = 30;

const DATA_USAGE: ReadonlyMap<number, string> = new Map([
  [0x00, 'OTA data'],
  [0x01, 'RF data'],
  [0x02, 'WiFi data'],
  [0x04, 'NVS keys'],
  [0x05, 'efuse'],
]);

/**
 * What a board prints on its console while it boots: mask ROM, then second stage, for every pass.
 *
 * Made only when somebody looks: a boot itself keeps nothing but what it decided. Source: public boot logs, and the
 * messages of bootloader_utility.c and esp_image_format.c.
 */
export function bootLogLines(input: BootInput, outcome: BootOutcome): string[] {
  return outcome.passes.flatMap((pass) => [
    ...romLines(input, pass),
    ...new SecondStageLog(input).lines(pass),
  ]);
}

function readBootloader(input: BootInput): {
  readonly bytes: Uint8Array;
  readonly image: AppImage | undefined;
} {
  const { bootloaderOffset } = input.efuse.chip;
  const bytes = input.flash.read(bootloaderOffset, PARTITION_TABLE_OFFSET - bootloaderOffset);
  const parsed = parseAppImage(bytes);
  return { bytes, image: parsed.ok ? parsed.value : undefined };
}

function romLines(input: BootInput, pass: BootPass): string[] {
  const { chip } = input.efuse;
  const { bytes, image } = readBootloader(input);
  const start = `${describeReset(chip, pass.resetReason)},boot:0x${chip.bootModes.flash.toString(16)} (SPI_FAST_FLASH_BOOT)`;
  const lines = [...chip.romBanner, start];
  if (pass.failure === 'no-bootloader' || image === undefined)
    return [...lines, `invalid header: 0x${viewOf(bytes).getUint32(0, true).toString(16)}`];
  if (chip.name === 'esp32') {
    lines.push('configsip: 0, SPIWP:0xee');
    lines.push('clk_drv:0x00,q_drv:0x00,d_drv:0x00,cs0_drv:0x00,hd_drv:0x00,wp_drv:0x00');
  } else lines.push('SPIWP:0xee');
  lines.push(`mode:${spiMode(image)}, clock div:${clockDivider(image)}`);
  for (const { loadAddress, length } of image.segments) {
    const size = chip.name === 'esp32' ? String(length) : `0x${length.toString(16)}`;
    lines.push(`load:0x${hex(loadAddress, 8)},len:${size}`);
  }
  return [...lines, `entry 0x${hex(image.header.entryAddress, 8)}`];
}

class SecondStageLog {
  readonly #input: BootInput;
  readonly #lines: string[] = [];
  #nowMs = ROM_MS;

  constructor(input: BootInput) {
    this.#input = input;
  }

  lines(pass: BootPass): readonly string[] {
    if (pass.failure === 'no-bootloader') return this.#lines;
    this.#greeting();
    if (pass.table === undefined) {
      this.#say('E', 'flash_parts', 'partition 0 invalid magic number 0xffff');
      this.#say('E', 'boot', 'Failed to verify partition table');
      this.#say('E', 'boot', 'load partition table error!');
      return this.#lines;
    }
    this.#partitionTable(pass.table.partitions);
    this.#selection(pass);
    for (const attempt of pass.attempts) this.#attempt(attempt);
    const last = pass.attempts.at(-1);
    if (pass.failure === 'no-bootable-app')
      this.#say('E', 'boot', 'No bootable app partitions in the partition table');
    else if (last !== undefined) {
      this.#say('I', 'boot', `Loaded app from partition at offset 0x${last.partition.offset.toString(16)}`);
      if (
        pass.otadataWrites > 0 &&
        (pass.selection === 'default-ota-0' || pass.selection === 'initial-otadata')
      )
        this.#say(
          'I',
          'boot',
          `Set actual ota_seq=${pass.table.ota.indexOf(last.partition) + 1} in otadata[0]`,
        );
      this.#say('I', 'boot', 'Disabling RNG early entropy source...');
    }
    return this.#lines;
  }

  #greeting(): void {
    const { chip, chipRevision } = this.#input.efuse;
    const { bytes, image } = readBootloader(this.#input);
    const parsed = parseBootloaderDescription(bytes, 32);
    const { idfVersion, dateTime } = parsed.ok ? parsed.value : { idfVersion: 'v5.0', dateTime: 'unknown' };
    this.#say('I', 'boot', `ESP-IDF ${idfVersion} 2nd stage bootloader`);
    this.#say('I', 'boot', `compile time ${dateTime}`);
    if (chip.cores === 2) this.#say('I', 'boot', 'Multicore bootloader');
    this.#say('I', 'boot', `chip revision: v${Math.floor(chipRevision / 100)}.${chipRevision % 100}`);
    if (image !== undefined) {
      const speed = chip.name === 'esp32s3' ? 'Boot SPI Speed :' : 'SPI Speed      :';
      this.#say('I', `boot.${chip.name}`, `${speed} ${80 / clockDivider(image)}MHz`);
      this.#say('I', `boot.${chip.name}`, `SPI Mode       : ${spiMode(image)}`);
      this.#say('I', `boot.${chip.name}`, `SPI Flash Size : ${1 << image.header.spiSize}MB`);
    }
    this.#say('I', 'boot', 'Enabling RNG early entropy source...');
  }

  #partitionTable(partitions: readonly Partition[]): void {
    this.#say('I', 'boot', 'Partition Table:');
    this.#say('I', 'boot', '## Label            Usage          Type ST Offset   Length');
    for (const [index, partition] of partitions.entries()) {
      const { label, type, subtype, offset, size } = partition;
      const names = `${label.padEnd(16)} ${usage(partition).padEnd(16)}`;
      const row = `${String(index).padStart(2)} ${names} ${hex(type, 2)} ${hex(subtype, 2)} ${hex(offset, 8)} ${hex(size, 8)}`;
      this.#say('I', 'boot', row);
    }
    this.#say('I', 'boot', 'End of partition table');
  }

  #selection({ selection, failure, table }: BootPass): void {
    if (this.#input.build.antiRollback) {
      this.#say('I', 'boot', 'Enabled a check secure version of app for anti rollback');
      this.#say('I', 'boot', `Secure version (from eFuse) = ${this.#input.efuse.secureVersion}`);
    }
    if (selection === 'default-factory') this.#say('I', 'boot', 'Defaulting to factory image');
    if (selection === 'default-ota-0') this.#say('I', 'boot', 'No factory image, trying OTA 0');
    if (selection === 'initial-otadata') this.#say('I', 'boot', 'otadata[0..1] in initial state');
    if (selection === 'invalid-otadata') {
      const next =
        table?.factory === undefined ? 'and no factory, will try all partitions' : 'falling back to factory';
      this.#say('E', 'boot', `ota data partition invalid${table?.factory === undefined ? '' : ','} ${next}`);
    }
    if (selection === 'test-pin') this.#say('I', 'boot', 'Detect a boot condition of the test firmware');
    if (failure === 'no-test-app') this.#say('E', 'boot', 'Test firmware is not found in partition table');
  }

  #attempt({ slot, partition, verdict }: SlotAttempt): void {
    const { chip } = this.#input.efuse;
    if (verdict?.ok === true) {
      this.#segments(verdict.value, partition, chip);
      this.#signature('Signature verified successfully!');
      return;
    }
    const place = `0x${partition.offset.toString(16)}`;
    switch (verdict?.refusal.code) {
      case undefined:
        // Anti-rollback turns a slot down without a word.
        break;
      case 'bad-magic':
      case 'too-short':
        this.#say('E', 'esp_image', `image at ${place} has invalid magic byte (nothing flashed here?)`);
        break;
      case 'bad-checksum':
      case 'bad-hash':
      case 'not-trusted':
        this.#damage(verdict.refusal.code, partition);
        break;
      default:
        this.#say('E', 'esp_image', verdict?.refusal.message ?? '');
    }
    const index = slot.startsWith('ota_') ? Number(slot.slice(4)) : FACTORY_INDEX;
    if (slot === 'test') this.#say('E', 'boot', 'Factory test app partition is not bootable');
    else if (index === FACTORY_INDEX) this.#say('E', 'boot', 'Factory app partition is not bootable');
    else this.#say('E', 'boot', `OTA app partition slot ${index} is not bootable`);
  }

  #damage(code: 'bad-checksum' | 'bad-hash' | 'not-trusted', partition: Partition): void {
    const bytes = this.#input.flash.read(partition.offset, partition.size);
    const parsed = parseAppImage(bytes);
    if (!parsed.ok) return;
    this.#segments(parsed.value, partition, this.#input.efuse.chip);
    if (code === 'bad-checksum') {
      const values = [imageChecksum(bytes, parsed.value), parsed.value.checksum].map(
        (value) => `0x${value.toString(16)}`,
      );
      this.#say('E', 'esp_image', `Checksum failed. Calculated ${values[0]} read ${values[1]}`);
    } else if (code === 'bad-hash') this.#say('E', 'esp_image', 'Image hash failed - image is corrupt');
    else {
      this.#signature(undefined);
      this.#say('E', 'esp_image', 'Secure boot signature verification failed');
    }
  }

  #signature(success: string | undefined): void {
    const { chip, secureBoot } = this.#input.efuse;
    if (!secureBoot) return;
    const scheme = chip.secureBootV2.schemes.includes('rsa-3072') ? 'RSA-PSS' : 'ECDSA';
    this.#say('I', 'esp_image', 'Verifying image signature...');
    this.#say('I', 'secure_boot_v2', `Verifying with ${scheme}...`);
    if (success === undefined) this.#say('E', 'secure_boot_v2', 'Secure Boot V2 verification failed.');
    else this.#say('I', 'secure_boot_v2', success);
  }

  #segments(image: AppImage, partition: Partition, chip: Chip): void {
    for (const [index, { loadAddress, dataOffset, length }] of image.segments.entries()) {
      const kind = isMapped(chip, loadAddress) ? 'map' : loadAddress < 0x10000000 ? '' : 'load';
      const where = `paddr=${hex(partition.offset + dataOffset, 8)} vaddr=${hex(loadAddress, 8)}`;
      const size = `size=${hex(length, 5)}h (${String(length).padStart(6)})`;
      this.#say('I', 'esp_image', `segment ${index}: ${where} ${size} ${kind}`);
      this.#nowMs += length / VERIFY_BYTES_PER_MS;
    }
  }

  #say(level: 'I' | 'W' | 'E', tag: string, text: string): void {
    const line = `${level} (${Math.floor(this.#nowMs)}) ${tag}: ${text}`;
    this.#lines.push(line);
    this.#nowMs += (line.length + 2) / CHARACTERS_PER_MS;
  }
}

function usage({ type, subtype }: Partition): string {
  if (type === DATA_TYPE) return DATA_USAGE.get(subtype) ?? 'Unknown data';
  if (type !== APP_TYPE) return 'unknown';
  if (subtype === 0x00) return 'factory app';
  if (subtype === 0x20) return 'test app';
  return (subtype & 0xf0) === APP_OTA_0 ? 'OTA app' : 'Unknown app';
}

function spiMode(image: AppImage): string {
  return ['QIO', 'QOUT', 'DIO', 'DOUT', 'FAST READ', 'SLOW READ'][image.header.spiMode] ?? 'UNKNOWN';
}

function clockDivider(image: AppImage): number {
  const dividers: Readonly<Record<number, number>> = { 0: 2, 1: 3, 2: 4, 15: 1 };
  return dividers[image.header.spiSpeed] ?? 1;
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0');
}
