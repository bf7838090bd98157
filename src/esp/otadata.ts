import { crc32 } from 'node:zlib';
import { viewOf } from './byte-fields.ts';

/** The otadata partition: two sectors, one entry at the start of each. Source: esp-idf, esp_flash_partitions.h. */
export const OTADATA_SIZE = 0x2000;
export const OTADATA_ENTRY_SIZE = 32;
export const SEQUENCE_UNSET = 0xffffffff;
/** Sequence label, between sequence and state; not covered by the CRC, left erased by ESP-IDF. */
export const LABEL_OFFSET = 4;
export const LABEL_SIZE = 20;

export const OTA_STATES = {
  NEW: 0,
  PENDING_VERIFY: 1,
  VALID: 2,
  INVALID: 3,
  ABORTED: 4,
  UNDEFINED: 0xffffffff,
} as const;
export type OtaStateName = keyof typeof OTA_STATES;

/** One entry as stored, right or wrong. */
export interface OtadataEntry {
  readonly sequence: number;
  readonly label: Uint8Array;
  /** One of OTA_STATES, or whatever a torn write left. */
  readonly state: number;
  readonly crc: number;
}

/** CRC over the sequence number only, so that the state may change without it. Source: bootloader_common.c. */
export function otadataCrc(sequence: number): number {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, sequence, true);
  return crc32(bytes, 0xffffffff);
}

/** Throws RangeError for fewer than 32 bytes; any 32 bytes are an entry. */
export function decodeOtadataEntry(bytes: Uint8Array): OtadataEntry {
  const view = viewOf(bytes);
  return {
    sequence: view.getUint32(0, true),
    label: bytes.slice(LABEL_OFFSET, LABEL_OFFSET + LABEL_SIZE),
    state: view.getUint32(24, true),
    crc: view.getUint32(28, true),
  };
}

export function encodeOtadataEntry(entry: OtadataEntry): Uint8Array {
  const bytes = new Uint8Array(OTADATA_ENTRY_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0, entry.sequence, true);
  bytes.set(entry.label, LABEL_OFFSET);
  view.setUint32(24, entry.state, true);
  view.setUint32(28, entry.crc, true);
  return bytes;
}

/** An entry with the right CRC; the label is left erased unless given. */
export function makeOtadataEntry(sequence: number, state: OtaStateName, label?: Uint8Array): OtadataEntry {
  return {
    sequence,
    label: label ?? new Uint8Array(LABEL_SIZE).fill(0xff),
    state: OTA_STATES[state],
    crc: otadataCrc(sequence),
  };
}

export function stateName(state: number): OtaStateName | undefined {
  const names = Object.keys(OTA_STATES) as OtaStateName[];
  return names.find((name) => OTA_STATES[name] === state);
}

export function hasRightCrc(entry: OtadataEntry): boolean {
  return entry.crc === otadataCrc(entry.sequence);
}

/** Never written, or given up. The CRC plays no part here: that is the bootloader's own distinction. */
export function isUnusable(entry: OtadataEntry): boolean {
  return (
    entry.sequence === SEQUENCE_UNSET ||
    entry.state === OTA_STATES.INVALID ||
    entry.state === OTA_STATES.ABORTED
  );
}

/** May be chosen: not unusable, and the CRC holds. */
export function isUsable(entry: OtadataEntry): boolean {
  return !isUnusable(entry) && hasRightCrc(entry);
}

/** Unset or with a wrong CRC: what the bootloader calls initial contents. */
export function isBlank(entry: OtadataEntry): boolean {
  return entry.sequence === SEQUENCE_UNSET || !hasRightCrc(entry);
}

export type OtadataPair = readonly [OtadataEntry, OtadataEntry];

/** The eligible entry with the larger sequence, the first of equals; undefined when none is. */
export function selectEntry(pair: OtadataPair, eligible: readonly [boolean, boolean]): 0 | 1 | undefined {
  if (eligible[0] && eligible[1]) return pair[1].sequence > pair[0].sequence ? 1 : 0;
  if (eligible[0]) return 0;
  return eligible[1] ? 1 : undefined;
}

export function activeEntry(pair: OtadataPair): 0 | 1 | undefined {
  return selectEntry(pair, [isUsable(pair[0]), isUsable(pair[1])]);
}

/** OTA slot a sequence number names; unsigned, so sequence 0 names the slot before ota_0 cyclically. */
export function slotOfSequence(sequence: number, slotCount: number): number {
  return ((sequence - 1) >>> 0) % slotCount;
}

/** Smallest sequence number not below `current` that names `slot`. Source: esp_ota_ops.c. */
export function sequenceForSlot(current: number, slot: number, slotCount: number): number {
  const base = (slot + 1) % slotCount;
  return base + Math.max(0, Math.ceil((current - base) / slotCount)) * slotCount;
}
