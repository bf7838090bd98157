import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { ClaimReader } from './claim-reader.ts';
import { type Decoded, refuseBytes } from './decoded.ts';
import { isDeviceUeid } from './ueid.ts';

/**
 * Names the claims below and their rules to a receiver: definite lengths, deterministic encoding, one nonce, a
 * random UEID, COSE_Sign1 with EdDSA or ES256. Source: RFC 9711 section 4.3.2 (eat_profile).
 */
export const EAT_PROFILE = 'tag:brickproof.dev,2026:eat/1';

/**
 * Claim keys. Source: RFC 9711 section 10.2 and RFC 8392 section 4 (iat). Ours lie below -65536, which RFC 8392
 * section 9.1 leaves to private use.
 */
const CLAIM = {
  iat: 6,
  nonce: 10,
  ueid: 256,
  oemid: 258,
  hwmodel: 259,
  oemboot: 262,
  dbgstat: 263,
  profile: 265,
  bootcount: 267,
  swname: 270,
  swversion: 271,
  measurements: 273,
  applicationType: -75001,
  slot: -75002,
  slotState: -75003,
  secureVersion: -75004,
} as const;

/** In the order of their wire values 0 to 4. Source: RFC 9711 section 4.2.9. */
export const DEBUG_STATES = [
  'enabled',
  'disabled',
  'disabled-since-boot',
  'disabled-permanently',
  'disabled-fully-and-permanently',
] as const;
export type DebugState = (typeof DEBUG_STATES)[number];

/** otadata of the running slot, as its wire values 0 and 1: will the bootloader keep this image, or try it once? */
export const SLOT_STATES = ['pending', 'confirmed'] as const;
export type SlotState = (typeof SLOT_STATES)[number];

/** What a device says about itself, bound to one nonce. */
export interface EatClaims {
  /** The verifier's challenge, 8 to 64 bytes. */
  readonly nonce: Uint8Array;
  /** Type 01 and 16 random bytes. */
  readonly ueid: Uint8Array;
  /** 3 bytes: an IEEE prefix; 16 bytes: random. */
  readonly oemid: Uint8Array;
  /** Chip name as esptool writes it, ASCII, at most 32 characters: esp32s3. */
  readonly hwmodel: string;
  /** Secure boot is on: the maker decides what boots. */
  readonly oemboot: boolean;
  readonly dbgstat: DebugState;
  /** Boots in the device's life. */
  readonly bootcount: number;
  /** Project name and version out of the running image's application description. */
  readonly swname: string;
  readonly swversion: string;
  /** SHA-256 of the running image, and of the bootloader. */
  readonly applicationDigest: Uint8Array;
  readonly bootloaderDigest: Uint8Array;
  /** What the device is used as; a FlashJob's applicationType. */
  readonly applicationType: string;
  /** Slot that runs: factory, or ota_0 to ota_15. */
  readonly slot: string;
  readonly slotState: SlotState;
  /** Anti-rollback version of the running image, 32 bits. */
  readonly secureVersion: number;
  /** Seconds since 1970, from a device that knows the time. */
  readonly iat?: number;
}

/** Largest claims set read. */
const CLAIMS_BYTES_MAX = 1024;
const UINT32_MAX = 0xffff_ffff;
const SLOT = /^(factory|ota_([0-9]|1[0-5]))$/;
const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/** application/cbor. Source: IANA CoAP content formats; the measurement inside is ours: [component, algorithm, digest]. */
const CONTENT_FORMAT_CBOR = 60;
/** sha-256. Source: IANA Named Information Hash Algorithm Registry. */
const ALGORITHM_SHA256 = 1;

export function encodeEat(claims: EatClaims): Uint8Array {
  const entries: [CborValue, CborValue][] = [
    [CLAIM.nonce, claims.nonce],
    [CLAIM.ueid, claims.ueid],
    [CLAIM.oemid, claims.oemid],
    [CLAIM.hwmodel, new Uint8Array(Buffer.from(claims.hwmodel, 'latin1'))],
    [CLAIM.oemboot, claims.oemboot],
    [CLAIM.dbgstat, DEBUG_STATES.indexOf(claims.dbgstat)],
    [CLAIM.profile, EAT_PROFILE],
    [CLAIM.bootcount, claims.bootcount],
    [CLAIM.swname, claims.swname],
    [CLAIM.swversion, [claims.swversion]],
    [
      CLAIM.measurements,
      [
        encodeMeasurement('application', claims.applicationDigest),
        encodeMeasurement('bootloader', claims.bootloaderDigest),
      ],
    ],
    [CLAIM.applicationType, claims.applicationType],
    [CLAIM.slot, claims.slot],
    [CLAIM.slotState, SLOT_STATES.indexOf(claims.slotState)],
    [CLAIM.secureVersion, claims.secureVersion],
  ];
  if (claims.iat !== undefined) entries.push([CLAIM.iat, claims.iat]);
  return encodeCbor(new Map(entries));
}

/** Reads the claims of a token's payload. Unknown claims are ignored, as RFC 9711 section 7.2.4 wants. */
export function decodeEat(payload: Uint8Array): Decoded<EatClaims> {
  const decoded = decodeCbor(payload, CLAIMS_BYTES_MAX, 'the claims set');
  if (!decoded.ok) return decoded;
  if (!(decoded.value instanceof Map)) return refuseBytes('wrong-type', 'the claims set is not a map');
  const reader = new ClaimReader(decoded.value);
  const profile = reader.text(CLAIM.profile, 'eat_profile', 128);
  if (reader.refusal === undefined && profile !== EAT_PROFILE)
    return refuseBytes('unsupported-profile', `the token follows profile ${profile}, not ${EAT_PROFILE}`);
  const digests = readMeasurements(reader);
  const claims: EatClaims = {
    nonce: reader.bytes(CLAIM.nonce, 'eat_nonce', 8, 64),
    ueid: reader.checked(
      reader.bytes(CLAIM.ueid, 'ueid', 7, 33),
      isDeviceUeid,
      'ueid must be of type 01 with 16 random bytes; one made from an address or an IMEI is not accepted',
    ),
    oemid: reader.checked(
      reader.bytes(CLAIM.oemid, 'oemid', 3, 16),
      (oemid) => oemid.length === 3 || oemid.length === 16,
      'oemid must have 3 or 16 bytes',
    ),
    hwmodel: reader.checked(
      Buffer.from(reader.bytes(CLAIM.hwmodel, 'hwmodel', 1, 32)).toString('latin1'),
      (model) => PRINTABLE_ASCII.test(model),
      'hwmodel must be a chip name in ASCII',
    ),
    oemboot: reader.boolean(CLAIM.oemboot, 'oemboot'),
    dbgstat: reader.oneOf(CLAIM.dbgstat, 'dbgstat', DEBUG_STATES),
    bootcount: reader.uint(CLAIM.bootcount, 'bootcount', UINT32_MAX),
    swname: reader.text(CLAIM.swname, 'swname', 64),
    swversion: readSoftwareVersion(reader),
    ...digests,
    applicationType: reader.text(CLAIM.applicationType, 'application type', 63),
    slot: reader.checked(
      reader.text(CLAIM.slot, 'slot', 8),
      (slot) => SLOT.test(slot),
      'slot must be factory, or ota_0 to ota_15',
    ),
    slotState: reader.oneOf(CLAIM.slotState, 'slot state', SLOT_STATES),
    secureVersion: reader.uint(CLAIM.secureVersion, 'secure version', UINT32_MAX),
    ...(reader.has(CLAIM.iat) ? { iat: reader.uint(CLAIM.iat, 'iat', Number.MAX_SAFE_INTEGER) } : {}),
  };
  return reader.refusal ?? { ok: true, value: claims };
}

function encodeMeasurement(component: string, digest: Uint8Array): CborValue {
  return [CONTENT_FORMAT_CBOR, encodeCbor([component, ALGORITHM_SHA256, digest])];
}

/** swversion is an array: the version, then optionally its scheme. Source: RFC 9711 section 4.2.7. */
function readSoftwareVersion(reader: ClaimReader): string {
  const [version] = reader.array(CLAIM.swversion, 'swversion', 2);
  if (typeof version === 'string' && version.length > 0 && version.length <= 64) return version;
  reader.refuse('wrong-type', 'swversion must be an array that begins with 1 to 64 characters of text');
  return '';
}

function readMeasurements(reader: ClaimReader): Pick<EatClaims, 'applicationDigest' | 'bootloaderDigest'> {
  const digests = new Map<CborValue, Uint8Array>();
  for (const entry of reader.array(CLAIM.measurements, 'measurements', 8)) {
    const [format, content] = Array.isArray(entry) ? (entry as readonly CborValue[]) : [];
    if (format !== CONTENT_FORMAT_CBOR || !(content instanceof Uint8Array)) continue;
    const decoded = decodeCbor(content, 128, 'a measurement');
    const parts = decoded.ok && Array.isArray(decoded.value) ? (decoded.value as readonly CborValue[]) : [];
    const [component, algorithm, digest] = parts;
    if (algorithm !== ALGORITHM_SHA256 || !(digest instanceof Uint8Array) || digest.length !== 32) continue;
    if (digests.has(component)) reader.refuse('out-of-range', `measurements name ${component} twice`);
    digests.set(component, digest);
  }
  const applicationDigest = digests.get('application');
  const bootloaderDigest = digests.get('bootloader');
  if (applicationDigest !== undefined && bootloaderDigest !== undefined)
    return { applicationDigest, bootloaderDigest };
  reader.refuse('missing', 'measurements must hold SHA-256 digests of the application and of the bootloader');
  return { applicationDigest: new Uint8Array(0), bootloaderDigest: new Uint8Array(0) };
}
