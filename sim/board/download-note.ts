import { crc32 } from 'node:zlib';
import { viewOf } from '../../src/esp/byte-fields.ts';
import type { RtcMemory } from './rtc-memory.ts';

/** How far a download has come, as the application notes it in RTC memory. */
export interface DownloadNote {
  /** Flash offset of the slot being written. */
  readonly slotOffset: number;
  readonly sizeBytes: number;
  /** `sha256:…` of the image on its way. */
  readonly digest: string;
  /** Bytes of the image that the slot holds for certain. */
  readonly writtenBytes: number;
}

/** Where the note lies; the rest of RTC memory is free. */
const NOTE_OFFSET = 0;
const DIGEST_SIZE = 32;
const CRC_OFFSET = 12 + DIGEST_SIZE;
const NOTE_SIZE = CRC_OFFSET + 4;
const DIGEST_PREFIX = 'sha256:';

/** Leaves the note, where the chip has memory for it and the digest is one. */
export function writeDownloadNote(memory: RtcMemory, note: DownloadNote): void {
  const digest = Buffer.from(note.digest.slice(DIGEST_PREFIX.length), 'hex');
  if (memory.sizeBytes < NOTE_SIZE || digest.length !== DIGEST_SIZE) return;
  const bytes = new Uint8Array(NOTE_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0, note.slotOffset, true);
  view.setUint32(4, note.sizeBytes, true);
  view.setUint32(8, note.writtenBytes, true);
  bytes.set(digest, 12);
  view.setUint32(CRC_OFFSET, checksum(bytes), true);
  memory.write(NOTE_OFFSET, bytes);
}

/** The note, if there is one that a reset did not spoil. */
export function readDownloadNote(memory: RtcMemory): DownloadNote | undefined {
  if (memory.sizeBytes < NOTE_SIZE) return undefined;
  const bytes = memory.read(NOTE_OFFSET, NOTE_SIZE);
  const view = viewOf(bytes);
  if (view.getUint32(CRC_OFFSET, true) !== checksum(bytes)) return undefined;
  return {
    slotOffset: view.getUint32(0, true),
    sizeBytes: view.getUint32(4, true),
    writtenBytes: view.getUint32(8, true),
    digest: DIGEST_PREFIX + Buffer.from(bytes.subarray(12, CRC_OFFSET)).toString('hex'),
  };
}

/** Nothing of a download is to be relied on any more. */
export function clearDownloadNote(memory: RtcMemory): void {
  if (memory.sizeBytes >= NOTE_SIZE) memory.write(NOTE_OFFSET, new Uint8Array(NOTE_SIZE));
}

/** Seeded so that memory of zeros is no note. */
function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(0, CRC_OFFSET), 0xffffffff);
}
