import { readText, viewOf, writeText } from './byte-fields.ts';
import { accept, type Decoded, refuse } from './refusal.ts';

/** Size of `esp_app_desc_t`, in bytes. Source for the layout: esp-idf, esp_app_desc.h. */
export const APP_DESCRIPTION_SIZE = 256;
/** It opens the first segment: image header (24) and segment header (8) stand before it. */
export const APP_DESCRIPTION_OFFSET = 32;
const MAGIC = 0xabcd5432;

/** What an app says of itself, bound into the image by checksum and hash. */
export interface AppDescription {
  /** Anti-rollback level; an app below the eFuse counter does not start. */
  readonly secureVersion: number;
  readonly version: string;
  readonly projectName: string;
  /** Compile time and date as the C preprocessor writes them. */
  readonly time: string;
  readonly date: string;
  readonly idfVersion: string;
  /** SHA-256 of the ELF the image was made from: names the symbols of a crash. */
  readonly elfSha256: Uint8Array;
  /** Bounds on the eFuse block revision, major × 100 + minor; `max` 65535 is no bound. */
  readonly efuseBlockRevisionMin: number;
  readonly efuseBlockRevisionMax: number;
  /** log2 of the flash cache's page, 16 for 64 KiB; 0 where the build did not say. */
  readonly mmuPageSizeLog2: number;
}

export type AppDescriptionRefusal = 'too-short' | 'bad-magic';

/** Reads the description at `offset`; reserved fields are not kept. */
export function parseAppDescription(
  bytes: Uint8Array,
  offset = 0,
): Decoded<AppDescription, AppDescriptionRefusal> {
  if (bytes.length < offset + APP_DESCRIPTION_SIZE)
    return refuse('too-short', bytes.length, `an app description takes ${APP_DESCRIPTION_SIZE} bytes`);
  const view = viewOf(bytes);
  const magic = view.getUint32(offset, true);
  if (magic !== MAGIC)
    return refuse('bad-magic', offset, `no app description: found 0x${magic.toString(16)}, not 0xabcd5432`);
  return accept({
    secureVersion: view.getUint32(offset + 4, true),
    version: readText(bytes, offset + 16, 32),
    projectName: readText(bytes, offset + 48, 32),
    time: readText(bytes, offset + 80, 16),
    date: readText(bytes, offset + 96, 16),
    idfVersion: readText(bytes, offset + 112, 32),
    elfSha256: bytes.slice(offset + 144, offset + 176),
    efuseBlockRevisionMin: view.getUint16(offset + 176, true),
    efuseBlockRevisionMax: view.getUint16(offset + 178, true),
    mmuPageSizeLog2: bytes[offset + 180] ?? 0,
  });
}

/** Throws RangeError for a text that does not fit its field. */
export function encodeAppDescription(description: AppDescription): Uint8Array {
  const bytes = new Uint8Array(APP_DESCRIPTION_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, description.secureVersion, true);
  writeText(bytes, 16, 32, description.version);
  writeText(bytes, 48, 32, description.projectName);
  writeText(bytes, 80, 16, description.time);
  writeText(bytes, 96, 16, description.date);
  writeText(bytes, 112, 32, description.idfVersion);
  bytes.set(description.elfSha256.subarray(0, 32), 144);
  view.setUint16(176, description.efuseBlockRevisionMin, true);
  view.setUint16(178, description.efuseBlockRevisionMax, true);
  bytes[180] = description.mmuPageSizeLog2;
  return bytes;
}
