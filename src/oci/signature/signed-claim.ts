import type { Digest } from '../digest.ts';
import type { JsonPlace } from '../json-document.ts';

/** What a signature says, in whichever form it came. Nothing of it is true before `signature` was verified. */
export interface SignedClaim {
  /** cosign's two forms: a DSSE envelope in a sigstore bundle, or the older "simple signing" payload. */
  readonly form: 'bundle' | 'simple-signing';
  /** What was signed, by digest. */
  readonly digest: Digest;
  readonly annotations: Readonly<Record<string, string>>;
  /** The bytes that the signature is over. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  /** See VerificationKey; only bundles say. */
  readonly keyHint?: string;
}

/** Largest bundle or payload read. cosign's with a log entry has some 10 kB. */
export const CLAIM_BYTES_MAX = 256 * 1024;

/** After this instant (RFC 3339) the signature no longer counts. */
export const EXPIRES_ANNOTATION = 'dev.brickproof.signature.expires';

/** Standard base64, and nothing else in it. */
export function readBase64(place: JsonPlace): Uint8Array {
  const text = place.string();
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) place.refuse('malformed', 'is not base64');
  return new Uint8Array(Buffer.from(text, 'base64'));
}

/** Annotations that are texts; cosign lets others through, and writes none as null. */
export function readTexts(place: JsonPlace): Readonly<Record<string, string>> {
  return place.present && !place.isNull ? place.strings() : {};
}

/** Milliseconds since 1970 of an RFC 3339 time in UTC; undefined when it is none. */
export function parseInstant(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(text)) return undefined;
  const instantMs = Date.parse(text);
  return Number.isNaN(instantMs) ? undefined : instantMs;
}
