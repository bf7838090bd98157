import { BlockStore } from '../../sim/board/block-store.ts';
import {
  type BootInput,
  type BootloaderBuild,
  type BootOutcome,
  boot,
  ESP_IDF_BUILD,
} from '../../sim/board/bootloader.ts';
import { Efuse } from '../../sim/board/efuse.ts';
import type { NorFlash } from '../../sim/board/nor-flash.ts';
import { type OtaSize, otaBegin, setBootPartition } from '../../sim/board/ota.ts';
import { readOtadata } from '../../sim/board/otadata-store.ts';
import { provisionFlash, tableOfCsv } from '../../sim/board/provision.ts';
import { nextUpdatePartition, type RunningApp, startApp } from '../../sim/board/running-app.ts';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { stateName } from '../../src/esp/otadata.ts';
import { SeededRandom } from '../../src/random/random.ts';

export const SMALL_TWO_OTA = `nvs,data,nvs,0x9000,16K
otadata,data,ota,0xd000,8K
ota_0,app,ota_0,0x10000,64K
ota_1,app,ota_1,0x20000,64K
`;
export const FACTORY_TWO_OTA = `${SMALL_TWO_OTA}factory,app,factory,0x30000,64K
test,app,test,0x40000,64K
`;
export const chip = CHIPS.esp32c3;
const store = new BlockStore();

export function imageOf(version: string, secureVersion = 0, sizeBytes = 6000): Uint8Array {
  const contents = (length: number) => SeededRandom.ofSeed(7).split(version).bytes(length);
  return buildAppImage({ chip, projectName: 'thermo', version, secureVersion, sizeBytes, contents });
}

export interface BoardOptions {
  readonly csv?: string;
  readonly images?: readonly (Uint8Array | undefined)[];
  readonly confirmedSlot?: number;
  readonly build?: BootloaderBuild;
  readonly bootloader?: Uint8Array;
  readonly data?: ReadonlyMap<string, Uint8Array>;
}

/** A board small enough to be tried a thousand times. */
export class TestBoard {
  readonly flash: NorFlash;
  readonly efuse = new Efuse(chip, '7cdfa1000001');
  readonly build: BootloaderBuild;
  app: RunningApp | undefined;

  constructor(options: BoardOptions = {}) {
    const { csv = SMALL_TWO_OTA, images = [imageOf('1')], build = ESP_IDF_BUILD, ...rest } = options;
    this.build = build;
    this.flash = provisionFlash({
      store,
      chip,
      sizeBytes: 512 << 10,
      table: tableOfCsv(csv),
      images,
      ...rest,
    });
  }

  boot(held?: BootInput['held']): BootOutcome {
    const input = {
      flash: this.flash,
      efuse: this.efuse,
      build: this.build,
      resetReason: 'power-on' as const,
    };
    const outcome = boot(held === undefined ? input : { ...input, held });
    this.app = startApp(this, outcome);
    return outcome;
  }

  get running(): RunningApp {
    if (this.app === undefined) throw new Error('no app runs');
    return this.app;
  }

  /** Writes an update and makes it the next to boot; returns the first error, or ok. */
  update(image: Uint8Array, size: OtaSize = image.length, bootsWithoutConfirm?: number): string {
    const partition = nextUpdatePartition(this.running);
    if (partition === undefined) throw new Error('no slot to update');
    const begun = otaBegin(this.running, partition, size);
    if (!begun.ok) return begun.error;
    for (let at = 0; at < image.length; at += 1024) {
      const written = begun.value.write(image.subarray(at, at + 1024));
      if (!written.ok) return written.error;
    }
    const ended = begun.value.end();
    if (!ended.ok) return ended.error;
    const set = setBootPartition(this.running, partition, bootsWithoutConfirm);
    return set.ok ? 'ok' : set.error;
  }

  /** Both entries as `sequence STATE`. */
  get otadata(): string[] {
    const { otadata } = this.running.table;
    if (otadata === undefined) return [];
    return readOtadata(this.flash, otadata).map(({ sequence, state }) =>
      sequence === 0xffffffff ? 'erased' : `${sequence} ${stateName(state)}`,
    );
  }
}
