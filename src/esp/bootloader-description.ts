import { readText, viewOf, writeText } from './byte-fields.ts';
import { accept, type Decoded, refuse } from './refusal.ts';

/** Size of `esp_bootloader_desc_t`, which opens a bootloader's first segment. Source: esp-idf, esp_bootloader_desc.h. */
export const BOOTLOADER_DESCRIPTION_SIZE = 80;
const MAGIC = 80;

export interface BootloaderDescription {
  /** Counter of the bootloader itself, on parts that have one. */
  readonly secureVersion: number;
  readonly version: number;
  readonly idfVersion: string;
  /** Compile date and time, one text. */
  readonly dateTime: string;
}

export type BootloaderDescriptionRefusal = 'too-short' | 'bad-magic';

export function parseBootloaderDescription(
  bytes: Uint8Array,
  offset = 0,
): Decoded<BootloaderDescription, BootloaderDescriptionRefusal> {
  if (bytes.length < offset + BOOTLOADER_DESCRIPTION_SIZE)
    return refuse(
      'too-short',
      bytes.length,
      `a bootloader description takes ${BOOTLOADER_DESCRIPTION_SIZE} bytes`,
    );
  if (bytes[offset] !== MAGIC)
    return refuse('bad-magic', offset, 'no bootloader description: builds before ESP-IDF 5.1 carry none');
  return accept({
    secureVersion: bytes[offset + 3] ?? 0,
    version: viewOf(bytes).getUint32(offset + 4, true),
    idfVersion: readText(bytes, offset + 8, 32),
    dateTime: readText(bytes, offset + 40, 24),
  });
}

/** Throws RangeError for a text that does not fit its field. */
export function encodeBootloaderDescription(description: BootloaderDescription): Uint8Array {
  const bytes = new Uint8Array(BOOTLOADER_DESCRIPTION_SIZE);
  bytes[0] = MAGIC;
  bytes[3] = description.secureVersion;
  viewOf(bytes).setUint32(4, description.version, true);
  writeText(bytes, 8, 32, description.idfVersion);
  writeText(bytes, 40, 24, description.dateTime);
  return bytes;
}
