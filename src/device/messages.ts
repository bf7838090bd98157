import type { SessionId } from './topics.ts';

/** What a device claims about itself, unproved; enough for discovery, never for trust. Retained on the broker. */
export interface Announcement {
  readonly online: boolean;
  /** Lower-case hex of the UEID it claims (RFC 9711, section 4.2.1). */
  readonly ueid: string;
  /** Chip name, `esp32c3`; becomes Akri's `DEVICE` property. */
  readonly device: string;
  readonly application: string;
  readonly version: string;
}

export interface Challenge {
  readonly session: SessionId;
  /** Lower-case hex, 8 to 64 bytes. */
  readonly nonce: string;
}

/** The one patch format: 64 bytes of header and a detools patch, see src/delta/delta-file.ts. */
export const DELTA_FORMAT = 'esp_delta_ota';

/** A patch that makes the offered image of what the device runs, for a device that prefers it. */
export interface OfferedDelta {
  /** What the base measures to, `sha256:…`; of no use to a device that runs anything else. */
  readonly from: string;
  /** Which patch it is, `sha256:…`, so that no download is continued with another. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly format: string;
}

/** An image that the device may pull, and all it needs to refuse it before a byte is sent. */
export interface Offer {
  readonly session: SessionId;
  readonly application: string;
  readonly version: string;
  /** Chip the image is for. */
  readonly chip: string;
  readonly sizeBytes: number;
  /** `sha256:…` over all `sizeBytes`, a signature sector included. */
  readonly digest: string;
  /** `sha256:…` that a device which runs it measures; absent: `digest`, for nothing follows the measured part. */
  readonly measurement?: string;
  readonly secureVersion: number;
  /** Boots granted before the bootloader reverts; 1 is ESP-IDF's own rule, more needs a `boot-counter` bootloader. */
  readonly bootsWithoutConfirm: number;
  /** Absent: there is none from what the device runs. Pulled by topics of its own, instead of the image or before it. */
  readonly delta?: OfferedDelta;
}

/** What a device that runs the offered image measures. */
export function measurementOf(offer: Offer): string {
  return offer.measurement ?? offer.digest;
}

/** Why a device turned an offer down, or gave it up. */
export type ReportCode =
  | 'busy'
  | 'wrong-chip'
  | 'too-large'
  | 'downgrade'
  | 'not-confirmed-yet'
  | 'already-running'
  | 'digest-mismatch'
  | 'image-invalid'
  /** Whole and valid, and signed by no key that the device trusts. */
  | 'not-trusted'
  | 'flash-error';

export type Report =
  | { readonly stage: 'accepted' }
  /**
   * The delta is of no use, the image itself is pulled now. `code` is a DeltaRefusalCode (src/delta/refusal.ts)
   * or `unsupported-format`.
   */
  | { readonly stage: 'full-image'; readonly code: string; readonly message: string }
  /** Whole, verified and set to boot; the device restarts now. */
  | { readonly stage: 'written' }
  | { readonly stage: 'refused' | 'failed'; readonly code: ReportCode; readonly message: string };

export interface RebootOrder {
  readonly reason: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Longest JSON message either side reads, in bytes; longer ones are foreign and refused. */
const MESSAGE_BYTES_MAX = 2048;

export function encodeMessage(message: Announcement | Challenge | Offer | Report | RebootOrder): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

export const decodeAnnouncement = (payload: Uint8Array): Announcement | undefined =>
  decode(payload, {
    online: 'boolean',
    ueid: 'string',
    device: 'string',
    application: 'string',
    version: 'string',
  });

export const decodeChallenge = (payload: Uint8Array): Challenge | undefined =>
  decode(payload, { session: 'string', nonce: 'string' });

export function decodeOffer(payload: Uint8Array): Offer | undefined {
  const offer = decode<Offer>(payload, {
    session: 'string',
    application: 'string',
    version: 'string',
    chip: 'string',
    sizeBytes: 'number',
    digest: 'string',
    secureVersion: 'number',
    bootsWithoutConfirm: 'number',
  });
  if (offer?.measurement !== undefined && typeof offer.measurement !== 'string') return undefined;
  const { delta } = offer ?? {};
  return delta === undefined || hasMembers(delta, DELTA_SHAPE) ? offer : undefined;
}

const DELTA_SHAPE = { from: 'string', digest: 'string', sizeBytes: 'number', format: 'string' };

export function decodeReport(payload: Uint8Array): Report | undefined {
  const plain = decode<{ stage: string }>(payload, { stage: 'string' });
  if (plain?.stage === 'accepted' || plain?.stage === 'written') return { stage: plain.stage };
  if (plain?.stage !== 'refused' && plain?.stage !== 'failed' && plain?.stage !== 'full-image')
    return undefined;
  return decode(payload, { stage: 'string', code: 'string', message: 'string' });
}

export const decodeRebootOrder = (payload: Uint8Array): RebootOrder | undefined =>
  decode(payload, { reason: 'string' });

/** Reads a JSON object with at least these members of these types; undefined for anything else. */
function decode<T>(payload: Uint8Array, shape: Readonly<Record<string, string>>): T | undefined {
  if (payload.length > MESSAGE_BYTES_MAX) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(payload));
  } catch {
    return undefined;
  }
  return hasMembers(value, shape) ? (value as T) : undefined;
}

function hasMembers(value: unknown, shape: Readonly<Record<string, string>>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(shape).every(([key, type]) => {
    const member = (value as Record<string, unknown>)[key];
    return typeof member === type && (type !== 'number' || Number.isSafeInteger(member));
  });
}
