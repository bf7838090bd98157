import { hexOf } from './bytes.ts';

/** Type byte of a UEID made of random bytes. Source: RFC 9711 section 4.2.1, table 1. */
const UEID_RANDOM = 0x01;
const RANDOM_BYTES = 16;

/** UEID of a device: the type byte, then its 16 random bytes. */
export function ueidFromBytes(random: Uint8Array): Uint8Array {
  if (random.length !== RANDOM_BYTES)
    throw new RangeError(`a device has ${RANDOM_BYTES} identity bytes, not ${random.length}`);
  return Uint8Array.of(UEID_RANDOM, ...random);
}

/** Whether a UEID is of the one kind that names devices here: random, 16 bytes. */
export function isDeviceUeid(ueid: Uint8Array): boolean {
  return ueid.length === 1 + RANDOM_BYTES && ueid[0] === UEID_RANDOM;
}

/** Device id: the 16 random bytes as lower-case text in the groups of a UUID. Throws RangeError on another kind. */
export function deviceIdOf(ueid: Uint8Array): string {
  if (!isDeviceUeid(ueid)) throw new RangeError(`UEID ${hexOf(ueid)} does not name a device`);
  const hex = hexOf(ueid.subarray(1));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** UEID of a device id, the inverse of `deviceIdOf`; undefined when the text is none. */
export function ueidOfDeviceId(deviceId: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(deviceId)) return undefined;
  return ueidFromBytes(new Uint8Array(Buffer.from(deviceId.replaceAll('-', ''), 'hex')));
}
