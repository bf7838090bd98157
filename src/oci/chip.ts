/**
 * Chip ids in an app image's header, by the name ESP-IDF gives the target.
 * Source: esp-idf components/bootloader_support/include/esp_app_format.h, esp_chip_id_t.
 */
const CHIP_IDS: Readonly<Record<string, number>> = {
  esp32: 0,
  esp32s2: 2,
  esp32c3: 5,
  esp32s3: 9,
  esp32c2: 12,
  esp32c6: 13,
  esp32h2: 16,
  esp32p4: 18,
  esp32c61: 20,
  esp32c5: 23,
  esp32h21: 25,
  esp32h4: 28,
  esp32s31: 32,
};

/** First byte of every app image. Source: esp_app_format.h, ESP_IMAGE_HEADER_MAGIC. */
const IMAGE_MAGIC = 0xe9;
const HEADER_LENGTH = 24;
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
  const chip = chipOfArchitecture(architecture);
  return Object.hasOwn(CHIP_IDS, chip) ? CHIP_IDS[chip] : undefined;
}

/** Name for a chip id, `chip id 77` when it is unknown. */
export function describeChipId(chipId: number): string {
  const known = Object.entries(CHIP_IDS).find(([, id]) => id === chipId);
  return known === undefined ? `chip id ${chipId}` : known[0];
}

/** Chip id that an app image says it is for; undefined when the bytes do not start as an app image does. */
export function chipIdInImage(image: Uint8Array): number | undefined {
  if (image.length < HEADER_LENGTH || image[0] !== IMAGE_MAGIC) return undefined;
  return new DataView(image.buffer, image.byteOffset).getUint16(CHIP_ID_OFFSET, true);
}
