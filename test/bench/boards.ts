import { BlockStore } from '../../sim/board/block-store.ts';
import { BOOT_COUNTER_BUILD, boot } from '../../sim/board/bootloader.ts';
import { Efuse } from '../../sim/board/efuse.ts';
import { markValid, otaBegin, setBootPartition } from '../../sim/board/ota.ts';
import { provisionFlash, TWO_OTA_CSV, tableOfCsv } from '../../sim/board/provision.ts';
import { nextUpdatePartition, startApp } from '../../sim/board/running-app.ts';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { bytesInUse, microsecondsEach } from './machine.ts';

const CHUNK_BYTES = 4096;

/** A hundred thousand boards on one image: what each weighs, how fast they boot, how fast they are updated. */
export function benchBoards(count: number, print: (line: string) => void): void {
  const chip = CHIPS.esp32c3;
  const image = (version: string): Uint8Array =>
    buildAppImage({
      chip,
      projectName: 'thermo',
      version,
      sizeBytes: 900 * 1024,
      contents: (length) => new SeededRandom(version).bytes(length),
    });
  const table = tableOfCsv(TWO_OTA_CSV);
  const images = [image('1.0.0')];
  const master = provisionFlash({
    store: new BlockStore(),
    chip,
    sizeBytes: 4 << 20,
    table,
    images,
    confirmedSlot: 0,
  });
  const update = image('2.0.0');
  const before = bytesInUse();
  const boards = Array.from({ length: count }, (_, index) => ({
    flash: master.fork(),
    efuse: new Efuse(chip, (0x246f28000000 + index).toString(16)),
    build: BOOT_COUNTER_BUILD,
  }));
  const weigh = (): string => `${Math.round((bytesInUse() - before) / count)} B a board`;
  const many = count.toLocaleString('en');
  print(`${'idle: flash and eFuses'.padEnd(38)} ${weigh()} (${many} boards on one image)`);

  const at = (index: number) => boards[index] as (typeof boards)[number];
  const bootUs = microsecondsEach(count, (index) => boot({ ...at(index), resetReason: 'power-on' }));
  print(`${'boots'.padEnd(38)} ${Math.round(1e6 / bootUs).toLocaleString('en')} per second`);

  const updateUs = microsecondsEach(count, (index) => {
    const board = at(index);
    const app = startApp(board, boot({ ...board, resetReason: 'power-on' }));
    const partition = app && nextUpdatePartition(app);
    const begun = app && partition && otaBegin(app, partition, 'sequential');
    if (app === undefined || partition === undefined || begun?.ok !== true)
      throw new Error('the update could not begin');
    for (let offset = 0; offset < update.length; offset += CHUNK_BYTES)
      begun.value.write(update.subarray(offset, offset + CHUNK_BYTES), true);
    if (!begun.value.end().ok || !setBootPartition(app, partition).ok) throw new Error('the update failed');
    const updated = startApp(board, boot({ ...board, resetReason: 'software' }));
    if (updated === undefined || !markValid(updated).ok) throw new Error('the update did not confirm');
  });
  print(
    `${'updates of 900 KiB'.padEnd(38)} ${Math.round(1e6 / updateUs).toLocaleString('en')} per second, ${weigh()} after`,
  );
}
