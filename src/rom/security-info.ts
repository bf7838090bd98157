/** Answer to GET_SECURITY_INFO. Source: esptool, loader.py, get_security_info; esptool docs, "get-security-info". */
export const SECURITY_FLAG = {
  secureBoot: 1 << 0,
  secureBootAggressiveRevoke: 1 << 1,
  secureDownload: 1 << 2,
  keyRevoked0: 1 << 3,
  keyRevoked1: 1 << 4,
  keyRevoked2: 1 << 5,
  softDisableJtag: 1 << 6,
  hardDisableJtag: 1 << 7,
  disableUsb: 1 << 8,
  disableDownloadDcache: 1 << 9,
  disableDownloadIcache: 1 << 10,
} as const;

export interface SecurityInfo {
  /** Bits of SECURITY_FLAG. */
  readonly flags: number;
  /** SPI_BOOT_CRYPT_CNT as burnt: flash is encrypted when an odd number of bits is set. */
  readonly flashCryptCount: number;
  /** Purposes of the six key blocks, and the byte behind them, which every ROM we know leaves at 12. */
  readonly keyPurposes: readonly number[];
  /** As in an image header; an ESP32-S2 does not say. */
  readonly chipId: number | undefined;
  /** ECO or API version; an ESP32-S2 does not say. */
  readonly apiVersion: number | undefined;
}

const SHORT_SIZE = 12;
const LONG_SIZE = 20;

export function encodeSecurityInfo(info: SecurityInfo): Uint8Array {
  const long = info.chipId !== undefined && info.apiVersion !== undefined;
  const bytes = new Uint8Array(long ? LONG_SIZE : SHORT_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, info.flags, true);
  bytes[4] = info.flashCryptCount;
  bytes.set(info.keyPurposes.slice(0, 7), 5);
  if (long) {
    view.setUint32(12, info.chipId ?? 0, true);
    view.setUint32(16, info.apiVersion ?? 0, true);
  }
  return bytes;
}

/** Undefined unless there are exactly 12 or 20 bytes. */
export function decodeSecurityInfo(bytes: Uint8Array): SecurityInfo | undefined {
  if (bytes.length !== SHORT_SIZE && bytes.length !== LONG_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = bytes.length === LONG_SIZE;
  return {
    flags: view.getUint32(0, true),
    flashCryptCount: bytes[4] ?? 0,
    keyPurposes: [...bytes.subarray(5, 12)],
    chipId: long ? view.getUint32(12, true) : undefined,
    apiVersion: long ? view.getUint32(16, true) : undefined,
  };
}
