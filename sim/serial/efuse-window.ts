import type { Chip } from '../../src/esp/chips.ts';
import { SECURITY_FLAG, type SecurityInfo } from '../../src/rom/security-info.ts';
import type { Efuse, KeySlot } from '../board/efuse.ts';
import type { Peripheral } from './address-space.ts';
import { type EfuseLayout, efuseLayout, type FuseField } from './efuse-layout.ts';
import { LOADER_CHIPS } from './loader-chip.ts';

/** What the ROM lets a serial host do: everything, the secure subset, or nothing. */
export type DownloadMode = 'open' | 'secure' | 'disabled';

const WINDOW_SIZE = 0x200;
/** KEY_PURPOSE of a Secure Boot digest: 9, 10 and 11. Source: esptool, targets, KEY_PURPOSES. */
const FIRST_DIGEST_PURPOSE = 9;
/** What the byte after the six key purposes is on every ROM we know. */
const PURPOSE_FILLER = 12;
const KEY_SLOTS: readonly KeySlot[] = [0, 1, 2];

/**
 * The eFuse controller's read registers: a board's fuses as the words that loaders and espefuse read.
 *
 * Nothing can be burnt through it: a write is dropped, and the controller always says that it is idle.
 */
export class EfuseWindow implements Peripheral {
  readonly start: number;
  readonly end: number;
  readonly #efuse: Efuse;
  readonly #layout: EfuseLayout;
  readonly #downloadMode: DownloadMode;

  constructor(efuse: Efuse, downloadMode: DownloadMode) {
    this.start = efuse.chip.efuseBase;
    this.end = this.start + WINDOW_SIZE;
    this.#efuse = efuse;
    this.#layout = efuseLayout(efuse.chip.name);
    this.#downloadMode = downloadMode;
  }

  readWord(address: number): number {
    return this.#words()[(address - this.start) / 4] ?? 0;
  }

  writeWord(): void {}

  #words(): Uint32Array {
    const words = new Uint32Array(WINDOW_SIZE / 4);
    const { fields } = this.#layout;
    const put = (field: FuseField | undefined, value: number): void => {
      if (field === undefined) return;
      const at = field.offset / 4;
      words[at] = (words[at] ?? 0) | ((value & (2 ** field.bits - 1)) << field.bit);
    };
    const efuse = this.#efuse;
    const mac = Buffer.from(efuse.mac, 'hex');
    const [low, high] = efuse.chip.macWords;
    words[(low - this.start) / 4] = mac.readUInt32BE(2);
    words[(high - this.start) / 4] = mac.readUInt16BE(0);
    put(fields.macCrc, crc8(mac));
    put(fields.macExtension, 0xfffe);
    this.#putRevision(put);
    put(fields.secureVersion, efuse.secureVersion === 32 ? -1 : 2 ** efuse.secureVersion - 1);
    put(fields.secureBoot, efuse.secureBoot ? 1 : 0);
    put(fields.aggressiveRevoke, efuse.aggressiveRevoke ? 1 : 0);
    put(fields.secureDownload, this.#downloadMode === 'secure' ? 1 : 0);
    put(fields.downloadDisabled, this.#downloadMode === 'disabled' ? 1 : 0);
    KEY_SLOTS.forEach((slot) => {
      put(fields.keyRevoked[slot], efuse.isRevoked(slot) ? 1 : 0);
      const digest = efuse.keyDigest(slot);
      const key = this.#layout.digestOffsets[slot];
      if (digest === undefined || key === undefined) return;
      put(fields.keyPurpose[slot], FIRST_DIGEST_PURPOSE + slot);
      const bytes = Buffer.from(digest, 'hex').subarray(0, this.#layout.digestSize);
      for (let at = 0; at < bytes.length; at += 4) words[(key + at) / 4] = bytes.readUInt32LE(at);
    });
    return words;
  }

  #putRevision(put: (field: FuseField | undefined, value: number) => void): void {
    const { fields } = this.#layout;
    const major = Math.floor(this.#efuse.chipRevision / 100);
    const minor = this.#efuse.chipRevision % 100;
    put(fields.revisionMajor, major);
    put(fields.revisionMinor, minor);
    put(fields.revisionMinorHigh, minor >> (fields.revisionMinor?.bits ?? 0));
    for (const [index, field] of (fields.revisionMajorUnary ?? []).entries())
      put(field, major > index ? 1 : 0);
  }
}

/** Answer to GET_SECURITY_INFO; undefined on a chip that does not know the command. */
export function readSecurityInfo(efuse: Efuse, downloadMode: DownloadMode): SecurityInfo | undefined {
  const chip: Chip = efuse.chip;
  const { securityInfo } = LOADER_CHIPS[chip.name];
  if (securityInfo === 'none') return undefined;
  const revokeFlags = [SECURITY_FLAG.keyRevoked0, SECURITY_FLAG.keyRevoked1, SECURITY_FLAG.keyRevoked2];
  let flags = 0;
  if (efuse.secureBoot) flags |= SECURITY_FLAG.secureBoot;
  if (efuse.aggressiveRevoke) flags |= SECURITY_FLAG.secureBootAggressiveRevoke;
  if (downloadMode === 'secure') flags |= SECURITY_FLAG.secureDownload;
  KEY_SLOTS.forEach((slot) => {
    if (efuse.isRevoked(slot)) flags |= revokeFlags[slot] ?? 0;
  });
  const purposes = KEY_SLOTS.map((slot) =>
    efuse.keyDigest(slot) === undefined ? 0 : FIRST_DIGEST_PURPOSE + slot,
  );
  return {
    flags,
    flashCryptCount: 0,
    keyPurposes: [...purposes, 0, 0, 0, PURPOSE_FILLER],
    chipId: securityInfo === 'short' ? undefined : chip.chipId,
    apiVersion: securityInfo === 'short' ? undefined : securityInfo.apiVersion,
  };
}

/** CRC-8 that guards an ESP32's factory MAC: polynomial 0x8C reflected, started with 0. Source: espefuse, calc_crc. */
function crc8(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) !== 0 ? (crc >> 1) ^ 0x8c : crc >> 1;
  }
  return crc;
}
