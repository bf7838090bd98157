import { expect, test } from 'vitest';
import { BlockStore } from '../../sim/board/block-store.ts';
import { bootLogLines } from '../../sim/board/boot-log.ts';
import { boot, ESP_IDF_BUILD } from '../../sim/board/bootloader.ts';
import { Efuse } from '../../sim/board/efuse.ts';
import { provisionFlash, TWO_OTA_CSV, tableOfCsv } from '../../sim/board/provision.ts';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { CHIP_NAMES, CHIPS, type ChipName } from '../../src/esp/chips.ts';
import { SeededRandom } from '../../src/random/random.ts';

function logOf(name: ChipName, spoil = false): string[] {
  const chip = CHIPS[name];
  const contents = (length: number) => SeededRandom.ofSeed(1).bytes(length);
  const image = buildAppImage({ chip, projectName: 'thermo', version: '1', sizeBytes: 4096, contents });
  if (spoil) image[2000] = (image[2000] ?? 0) ^ 1;
  const options = { store: new BlockStore(), chip, sizeBytes: 4 << 20, table: tableOfCsv(TWO_OTA_CSV) };
  const flash = provisionFlash({ ...options, images: [image], confirmedSlot: 0 });
  const input = {
    flash,
    efuse: new Efuse(chip, '240ac4000001'),
    build: ESP_IDF_BUILD,
    resetReason: 'power-on' as const,
  };
  return bootLogLines(input, boot(input));
}
const untimed = (lines: readonly string[]) => lines.map((line) => line.replace(/^([IWE]) \(\d+\)/, '$1'));

test('an ESP32-C3 starts with the lines a real one prints', () => {
  expect(untimed(logOf('esp32c3'))).toEqual([
    'ESP-ROM:esp32c3-api1-20210207',
    'Build:Feb  7 2021',
    'rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)',
    'SPIWP:0xee',
    'mode:DIO, clock div:1',
    'load:0x3fcd5810,len:0x13ec',
    'load:0x403cc700,len:0x3bc4',
    'entry 0x403cc700',
    'I boot: ESP-IDF v5.4.1 2nd stage bootloader',
    'I boot: compile time Jan  1 2025 12:00:00',
    'I boot: chip revision: v0.4',
    'I boot.esp32c3: SPI Speed      : 80MHz',
    'I boot.esp32c3: SPI Mode       : DIO',
    'I boot.esp32c3: SPI Flash Size : 4MB',
    'I boot: Enabling RNG early entropy source...',
    'I boot: Partition Table:',
    'I boot: ## Label            Usage          Type ST Offset   Length',
    'I boot:  0 nvs              WiFi data        01 02 00009000 00004000',
    'I boot:  1 otadata          OTA data         01 00 0000d000 00002000',
    'I boot:  2 phy_init         RF data          01 01 0000f000 00001000',
    'I boot:  3 ota_0            OTA app          00 10 00010000 00180000',
    'I boot:  4 ota_1            OTA app          00 11 00190000 00180000',
    'I boot:  5 storage          WiFi data        01 02 00310000 000f0000',
    'I boot: End of partition table',
    'I esp_image: segment 0: paddr=00010020 vaddr=3c010020 size=0032ch (   812) map',
    'I esp_image: segment 1: paddr=00010354 vaddr=3fc90000 size=000fch (   252) load',
    'I esp_image: segment 2: paddr=00010458 vaddr=40380000 size=001f8h (   504) load',
    'I esp_image: segment 3: paddr=00010658 vaddr=42000658 size=00984h (  2436) map',
    'I boot: Loaded app from partition at offset 0x10000',
    'I boot: Disabling RNG early entropy source...',
  ]);
});

test('time in the log never goes back, on any chip', () => {
  for (const name of CHIP_NAMES) {
    const times = logOf(name).flatMap((line) => /^[IWE] \((\d+)\)/.exec(line)?.[1] ?? []);
    expect(times.map(Number)).toEqual(times.map(Number).sort((a, b) => a - b));
    expect(times.length).toBeGreaterThan(15);
  }
});

test('a corrupted app is reported as the bootloader does, and the next slot tried', () => {
  const lines = untimed(logOf('esp32', true));
  expect(lines[0]).toBe('ets Jul 29 2019 12:21:46');
  const failed = lines.filter((line) =>
    /^E esp_image: Checksum failed\. Calculated 0x[0-9a-f]+ read 0x[0-9a-f]+$/.test(line),
  );
  expect(failed.length).toBe(1);
  const slots = [
    'E boot: OTA app partition slot 0 is not bootable',
    'E boot: OTA app partition slot 1 is not bootable',
  ];
  expect(lines.filter((line) => line.includes('not bootable'))).toEqual(slots);
  expect(lines).toContain('E esp_image: image at 0x190000 has invalid magic byte (nothing flashed here?)');
  expect(lines.at(-1)).toBe('E boot: No bootable app partitions in the partition table');
});
