import { viewOf } from './byte-fields.ts';
import { accept, type Decoded, refuse } from './refusal.ts';

/** Smallest header there ever was: length, version, task count and size. Source: esp-idf, espcoredump, core_dump_header_t. */
const HEADER_SIZE_MIN = 16;

/** Layout and checksum by the low half of the version word. Source: esp-idf, esp_core_dump_types.h, 4.0 and later. */
const FORMATS: ReadonlyMap<number, Pick<CoreDumpHeader, 'format' | 'checksum'>> = new Map([
  [0x0001, { format: 'binary', checksum: 'crc32' }],
  [0x0002, { format: 'binary', checksum: 'crc32' }],
  [0x0003, { format: 'binary', checksum: 'crc32' }],
  [0x0100, { format: 'elf', checksum: 'crc32' }],
  [0x0101, { format: 'elf', checksum: 'sha256' }],
  [0x0102, { format: 'elf', checksum: 'crc32' }],
  [0x0103, { format: 'elf', checksum: 'sha256' }],
] as const);

/** Start of what a panic leaves in the coredump partition. */
export interface CoreDumpHeader {
  /** Bytes in all, header and checksum included. */
  readonly length: number;
  /** As in image headers. */
  readonly chipId: number;
  readonly format: 'elf' | 'binary';
  readonly checksum: 'crc32' | 'sha256';
}

export type CoreDumpRefusal = 'too-short' | 'empty' | 'unknown-version' | 'bad-length';

/** Recognises a core dump; says nothing about its checksum. */
export function recogniseCoreDump(bytes: Uint8Array): Decoded<CoreDumpHeader, CoreDumpRefusal> {
  if (bytes.length < HEADER_SIZE_MIN)
    return refuse('too-short', bytes.length, `a core dump header takes ${HEADER_SIZE_MIN} bytes`);
  const view = viewOf(bytes);
  const length = view.getUint32(0, true);
  if (length === 0xffffffff || length === 0)
    return refuse('empty', 0, 'no core dump: the partition is erased');
  const version = view.getUint32(4, true);
  const known = FORMATS.get(version & 0xffff);
  if (known === undefined)
    return refuse('unknown-version', 4, `unknown core dump version 0x${version.toString(16)}`);
  if (length < HEADER_SIZE_MIN || length > bytes.length)
    return refuse('bad-length', 0, `a core dump of ${length} bytes does not fit`);
  return accept({ length, chipId: version >>> 16, ...known });
}
