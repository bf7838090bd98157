import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { defaultBootloader } from '../../sim/board/provision.ts';
import { encodeAppDescription } from '../../src/esp/app-description.ts';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { toHex } from '../../src/esp/byte-fields.ts';
import { CHIPS, type Chip } from '../../src/esp/chips.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { brickproof, brickproofJson, scratchFolder } from '../cli/command-line.ts';
import { peer } from './python-peers.ts';
import { buildElf } from './tiny-elf.ts';

const scratch = scratchFolder();
const noise = (length: number) => SeededRandom.ofSeed(6).bytes(length);

/** A program as a linker leaves it: description, read-only data, data and code. */
function elfOf(chip: Chip, version: string): Uint8Array {
  const description = encodeAppDescription({
    secureVersion: 0,
    version,
    projectName: 'from-elf',
    time: '12:00:00',
    date: 'Jan  1 2025',
    idfVersion: 'v5.4.1',
    elfSha256: new Uint8Array(32),
    efuseBlockRevisionMin: 0,
    efuseBlockRevisionMax: 0xffff,
    mmuPageSizeLog2: 16,
  });
  // Where code and read-only data share one window, the data lies behind the code.
  const readOnly = chip.drom.start + (chip.drom.start === chip.irom.start ? 0x10000 : 0) + 0x20;
  const { data, code } = chip.loadAddresses;
  return buildElf(chip, code, [
    { name: '.flash.appdesc', address: readOnly, data: description },
    { name: '.flash.rodata', address: readOnly + description.length, data: noise(3000) },
    { name: '.dram0.data', address: data, data: noise(800) },
    { name: '.iram0.text', address: code, data: noise(1200) },
    { name: '.flash.text', address: chip.irom.start + 0x20, data: noise(9000) },
  ]);
}

describe.each(Object.values(CHIPS))('$label', (chip) => {
  test('esptool finds nothing wrong with the images we build', () => {
    const contents = noise;
    const app = buildAppImage({ chip, projectName: 'ours', version: '1.2', sizeBytes: 100_000, contents });
    const told = peer('esptool', 'image-info', scratch.write('app.bin', app));
    expect(told).toContain(`Detected image type: ${chip.label}`);
    expect(told).toMatch(/Checksum: 0x\w\w \(valid\)/);
    expect(told).toMatch(/Validation hash: \w{64} \(valid\)/);
    expect(told).toMatch(/Project name: ours\nApp version: 1.2\n/);
    const bootloader = peer(
      'esptool',
      'image-info',
      scratch.write('bootloader.bin', defaultBootloader(chip)),
    );
    expect(bootloader).toMatch(/Checksum: 0x\w\w \(valid\)\nValidation hash: \w{64} \(valid\)/);
    // Where data and code share one memory, esptool takes the last segment for the described one.
    if (chip.dram.start !== chip.iram.start) expect(bootloader).toMatch(/Bootloader version: 1/);
  });

  test('what elf2image makes of an ELF verifies, padded for signing or not, and says what the ELF said', () => {
    const elf = scratch.write('app.elf', elfOf(chip, '3.0'));
    const image = scratch.path('from-elf.bin');
    // Offset 0xb0: where the build of ESP-IDF has the digest of the ELF put.
    const common = ['--chip', chip.name, 'elf2image', '--elf-sha256-offset', '0xb0', '--flash-size', '4MB'];
    for (const padding of [[], ['--secure-pad-v2']]) {
      peer('esptool', ...common, ...padding, '-o', image, elf);
      expect(brickproof('image', 'verify', image, '--chip', chip.name)).toMatchObject({
        exitCode: 0,
        err: '',
      });
      const { description } = brickproofJson('image', 'inspect', image);
      const elfSha256 = createHash('sha256').update(scratch.read('app.elf')).digest('hex');
      expect(description).toMatchObject({ projectName: 'from-elf', version: '3.0', elfSha256 });
    }
    // The signature sector then begins a 64 KiB page.
    expect(scratch.read('from-elf.bin').length % 0x10000).toBe(0);
  });

  test('a flash put together by merge-bin boots what otadata names', () => {
    const elf = scratch.write('app.elf', elfOf(chip, '3.1'));
    const [image, otadata, table, flash] = ['merge-app.bin', 'otadata.bin', 'table.bin', 'flash.bin'].map(
      scratch.path,
    ) as [string, string, string, string];
    peer('esptool', '--chip', chip.name, 'elf2image', '--flash-size', '4MB', '-o', image, elf);
    const csv = scratch.write(
      'table.csv',
      'nvs,data,nvs,0x9000,16K\notadata,data,ota,,8K\nota_0,app,ota_0,0x10000,1M\nota_1,app,ota_1,,1M\n',
    );
    brickproof('partitions', 'make', csv, '--out', table);
    brickproof('otadata', 'make', '--slot', 'ota_1', '--state', 'NEW', '--out', otadata);
    const parts = [
      `0x${chip.bootloaderOffset.toString(16)}`,
      scratch.write('bootloader.bin', defaultBootloader(chip)),
      '0x8000',
      table,
      '0xd000',
      otadata,
      '0x110000',
      image,
    ];
    peer('esptool', '--chip', chip.name, 'merge-bin', '--pad-to-size', '4MB', '-o', flash, ...parts);
    const { chip: guessed, boots } = brickproofJson('board', 'boot', flash, '--boots', '2');
    expect(guessed).toBe(chip.name);
    expect(boots).toMatchObject([
      {
        slot: 'ota_1',
        application: { project: 'from-elf', version: '3.1' },
        measurement: toHex(createHash('sha256').update(scratch.read('merge-app.bin')).digest()),
      },
      // Nobody confirmed it, and there is nothing else: the only image is found again by trying.
      { slot: 'ota_1', why: expect.stringContaining('given up') },
    ]);
  });
});
