import { IMAGE_HEADER_SIZE, IMAGE_MAGIC } from '../esp/app-image.ts';
import { viewOf } from '../esp/byte-fields.ts';
import { CHIP_NAMES, CHIPS } from '../esp/chips.ts';

/**
 * Chip ids in an app image's header, by the name ESP-IDF gives the target. Artifacts may well hold images
 * for chips that nothing here boots. Source: esp-idf, esp_app_format.h, esp_chip_id_t.
 */
const CHIP_IDS: ReadonlyMap<string, number> = new Map([
  ...CHIP_NAMES.map((name) => [name, CHIPS[name].chipId] as const),
  ['esp32p4', 18],
  ['esp32c61', 20],
  ['esp32c5', 23],
  ['esp32h21', 25],
  ['esp32h4', 28],
  ['esp32s31', 32],
]);

const CHIP_ID_OFFSET = 12;

/** `ESP32-S3`, `esp32_s3` and `esp32s3` are one target. */
export function normalizeArchitecture(text: string): string {
  return text.toLowerCase().replaceAll(/[-_]/g, '');
}

/** The chip of a platform architecture, without a PSRAM suffix: `esp32s3r8` is an esp32s3 with 8 MB. */
export function chipOfArchitecture(architecture: string): string {
  return normalizeArchitecture(architecture).replace(/r\d+$/, '');
}

/** Chip id of a platform architecture; undefined when no such chip is known. */
export function chipIdOf(architecture: string): number | undefined {
  return CHIP_IDS.get(chipOfArchitecture(architecture));
}

/** Name for a chip id, `chip id 77` when it is unknown. */
export function describeChipId(chipId: number): string {
  const known = [...CHIP_IDS].find(([, id]) => id === chipId);
  return known === undefined ? `chip id ${chipId}` : known[0];
}

/** Chip id that an app image says it is for; undefined when the bytes do not start as an app image does. */
export function chipIdInImage(image: Uint8Array): number | undefined {
  if (image.length < IMAGE_HEADER_SIZE || image[0] !== IMAGE_MAGIC) return undefined;
  return viewOf(image).getUint16(CHIP_ID_OFFSET, true);
}
