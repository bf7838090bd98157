import { readFileSync } from 'node:fs';
import { BlockStore, SECTOR_SIZE } from '../../sim/board/block-store.ts';
import type { NorFlash } from '../../sim/board/nor-flash.ts';
import { provisionFlash, tableOfCsv } from '../../sim/board/provision.ts';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { CHIPS } from '../../src/esp/chips.ts';
import { encodeOtadataEntry, otadataCrc } from '../../src/esp/otadata.ts';
import { SeededRandom } from '../../src/random/random.ts';

type RecordedEntry = readonly [sequence: number, state: number, crcIsRight: boolean] | null;

/** What a real bootloader did with one state of otadata and slots; see test/vectors. */
export interface RecordedCase {
  readonly otadata: readonly [RecordedEntry, RecordedEntry];
  readonly slots: readonly ('ok' | 'flipped' | 'erased')[];
  readonly boots: readonly { readonly slot: number | null; readonly otadata: readonly string[] }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/bootloader-otadata.json', import.meta.url), 'utf8'),
);
export const RECORDED_CASES: readonly RecordedCase[] = vectors.cases;
export const RECORDED_CHIP = CHIPS.esp32;

const store = new BlockStore();
const table = tableOfCsv(`nvs,data,nvs,0x9000,16K
otadata,data,ota,0xd000,8K
phy_init,data,phy,0xf000,4K
ota_0,app,ota_0,0x10000,1536K
ota_1,app,ota_1,0x190000,1536K
vfs,data,fat,0x310000,960K
`);
const images = [0, 1].map((slot) =>
  buildAppImage({
    chip: RECORDED_CHIP,
    projectName: `slot${slot}`,
    version: '1',
    sizeBytes: 2048,
    contents: (length) => SeededRandom.ofSeed(slot).bytes(length),
  }),
);

/** A flash in the state a case begins with. */
export function flashOfCase({ otadata, slots }: RecordedCase): NorFlash {
  const contents = slots.map((kind, slot) => {
    const image = images[slot]?.slice();
    if (image === undefined || kind === 'erased') return undefined;
    if (kind === 'flipped') image[1000] = (image[1000] ?? 0) ^ 1;
    return image;
  });
  const flash = provisionFlash({ store, chip: RECORDED_CHIP, sizeBytes: 4 << 20, table, images: contents });
  for (const [index, entry] of otadata.entries()) {
    if (entry === null) continue;
    const [sequence, state, right] = entry;
    const label = new Uint8Array(20).fill(0xff);
    // The recording spoilt a CRC by flipping four bits of its first byte.
    const crc = (otadataCrc(sequence) ^ (right ? 0 : 0x5a)) >>> 0;
    flash.program(0xd000 + index * SECTOR_SIZE, encodeOtadataEntry({ sequence, label, state, crc }));
  }
  return flash;
}
