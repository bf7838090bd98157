import { decodeJson, type JsonPlace } from './json-document.ts';
import { type Decoded, quote } from './refusal.ts';
import { safePath } from './tar.ts';

/** One file of a build and where in flash it goes. */
export interface FlashFile {
  /** `app`, `bootloader`, `partition-table`, `otadata`, or the label of a partition. */
  readonly name: string;
  /** Relative to the build folder, never leaving it. */
  readonly file: string;
  readonly offsetBytes: number;
}

/** What an ESP-IDF build says about flashing itself. */
export interface FlasherArgs {
  /** ESP-IDF target name. */
  readonly chip: string;
  /** Absent where the build lets the flash chip say (`keep`, `detect`). */
  readonly flashSizeBytes?: number;
  /** Sorted by offset; `app` is among them. */
  readonly files: readonly FlashFile[];
}

export const FLASHER_ARGS_BYTES_MAX = 64 * 1024;
/** Members that are not files. Source: esp-idf, components/esptool_py/flasher_args.json.in. */
const SETTINGS = new Set(['write_flash_args', 'flash_settings', 'flash_files', 'extra_esptool_args']);

/** Reads `flasher_args.json` of a build folder. Source: esp-idf, components/esptool_py, as of v5. */
export function parseFlasherArgs(bytes: Uint8Array): Decoded<FlasherArgs> {
  return decodeJson(bytes, FLASHER_ARGS_BYTES_MAX, (root) => {
    const chip = root.at('extra_esptool_args').at('chip').string();
    const sizePlace = root.at('flash_settings').at('flash_size');
    const flashSizeBytes = sizePlace.present ? readFlashSize(sizePlace) : undefined;
    const names = root.keys().filter((name) => !SETTINGS.has(name));
    const files = names.map((name) => readFile(root.at(name), name));
    if (!names.includes('app')) root.at('app').refuse('malformed', 'is missing: the build made no app image');
    files.sort((a, b) => a.offsetBytes - b.offsetBytes);
    return { chip, files, ...(flashSizeBytes === undefined ? {} : { flashSizeBytes }) };
  });
}

function readFile(place: JsonPlace, name: string): FlashFile {
  const filePlace: JsonPlace = place.at('file');
  const written = filePlace.string();
  const file = safePath(written);
  if (file === undefined || file === '')
    filePlace.refuse('unsafe-path', `${quote(written)} is not a path inside the build folder`);
  const offset = place.at('offset').string();
  if (!/^0x[0-9a-f]{1,8}$/i.test(offset))
    place.at('offset').refuse('malformed', `$quote(offset)is not a hexadecimal offset`);
  return { name, file, offsetBytes: Number(offset) };
}

function readFlashSize(place: JsonPlace): number | undefined {
  const text = place.string();
  if (text === 'keep' || text === 'detect') return undefined;
  const match = /^(\d{1,4})(KB|MB)$/.exec(text);
  if (match === null) place.refuse('malformed', `$quote(text)is not a flash size such as 4MB`);
  return Number(match[1]) * (match[2] === 'KB' ? 1024 : 1024 * 1024);
}
