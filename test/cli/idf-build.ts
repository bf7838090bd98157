import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildBootloaderImage } from '../../src/esp/app-image-build.ts';
import { CHIPS, type ChipName } from '../../src/esp/chips.ts';
import { encodePartitionTable } from '../../src/esp/partition-table.ts';
import { appImage } from '../oci/fixture.ts';

export interface IdfBuild {
  readonly chip: ChipName;
  readonly version?: string;
  readonly sizeBytes?: number;
  readonly slotBytes?: number;
  /** Chip that `flasher_args.json` names, when it is not the image's. */
  readonly statedChip?: string;
  readonly appFile?: string;
}

const row = (label: string, type: number, subtype: number, offset: number, size: number) => ({
  label,
  type,
  subtype,
  offset,
  size,
  encrypted: false,
  readOnly: false,
});

/** Writes a build folder as `idf.py build` leaves it, as far as flashing goes. Layout: esp-idf v5, flasher_args.json.in. */
export function writeIdfBuild(folder: string, build: IdfBuild): void {
  const { chip, version = '1.0.0', sizeBytes = 20_000, slotBytes = 0x100000, appFile = 'thermo.bin' } = build;
  const write = (path: string, bytes: Uint8Array | string): void => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  };
  const partitions = [
    row('nvs', 1, 2, 0x9000, 0x4000),
    row('otadata', 1, 0, 0xd000, 0x2000),
    row('ota_0', 0, 0x10, 0x10000, slotBytes),
    row('ota_1', 0, 0x11, 0x10000 + slotBytes, slotBytes),
    row('model', 1, 0x82, 0x10000 + 2 * slotBytes, 0x10000),
  ];
  const bootloaderOffset = `0x${CHIPS[chip].bootloaderOffset.toString(16)}`;
  const modelOffset = `0x${(0x10000 + 2 * slotBytes).toString(16)}`;
  const entry = (offset: string, file: string) => ({ offset, file, encrypted: 'false' });
  write('thermo.bin', appImage(CHIPS[chip].chipId, sizeBytes, 0x5a, { version }));
  write(
    'bootloader/bootloader.bin',
    buildBootloaderImage({ chip: CHIPS[chip], sizeBytes: 8192, contents: (n) => new Uint8Array(n).fill(3) }),
  );
  write('partition_table/partition-table.bin', encodePartitionTable({ partitions, hasMd5: true }));
  write('ota_data_initial.bin', new Uint8Array(0x2000).fill(0xff));
  write('model.bin', new Uint8Array(5000).fill(9));
  write(
    'flasher_args.json',
    JSON.stringify({
      write_flash_args: ['--flash_mode', 'dio', '--flash_size', '4MB', '--flash_freq', '80m'],
      flash_settings: { flash_mode: 'dio', flash_size: '4MB', flash_freq: '80m' },
      flash_files: { [bootloaderOffset]: 'bootloader/bootloader.bin', '0x10000': 'thermo.bin' },
      bootloader: entry(bootloaderOffset, 'bootloader/bootloader.bin'),
      app: entry('0x10000', appFile),
      'partition-table': entry('0x8000', 'partition_table/partition-table.bin'),
      otadata: entry('0xd000', 'ota_data_initial.bin'),
      model_storage: entry(modelOffset, 'model.bin'),
      extra_esptool_args: {
        after: 'hard_reset',
        before: 'default_reset',
        stub: true,
        chip: build.statedChip ?? chip,
      },
    }),
  );
}
