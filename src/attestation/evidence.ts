import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { type Decoded, refuseBytes } from './decoded.ts';

/**
 * What a device sends when it is challenged: the certificates of this boot, and a token that answers.
 *
 * On the wire a CBOR array of two: an array with the certificates, first layer first, and the token, all of them
 * byte strings. The envelope is not signed; everything in it is.
 */
export interface Evidence {
  /** CBOR CDI certificates: the bootloader's, signed by the UDS key, then the application's attestation key's. */
  readonly chain: readonly [Uint8Array, Uint8Array];
  /** Tagged COSE_Sign1 over an EAT claims set, signed with the attestation key. */
  readonly token: Uint8Array;
}

/** Largest evidence read; what our devices send is about 1.5 KiB. */
export const EVIDENCE_BYTES_MAX = 8192;

export function encodeEvidence(evidence: Evidence): Uint8Array {
  return encodeCbor([evidence.chain, evidence.token]);
}

export function decodeEvidence(bytes: Uint8Array): Decoded<Evidence> {
  const decoded = decodeCbor(bytes, EVIDENCE_BYTES_MAX, 'the evidence');
  if (!decoded.ok) return decoded;
  const parts = Array.isArray(decoded.value) ? (decoded.value as readonly CborValue[]) : [];
  const [chain, token] = parts;
  if (parts.length !== 2 || !Array.isArray(chain) || !(token instanceof Uint8Array))
    return refuseBytes('wrong-type', 'the evidence is not an array of certificates and a token');
  const [bootloader, application, ...rest] = chain as readonly CborValue[];
  if (!(bootloader instanceof Uint8Array) || !(application instanceof Uint8Array) || rest.length > 0)
    return refuseBytes('wrong-type', 'the evidence must hold two certificates, as byte strings');
  return { ok: true, value: { chain: [bootloader, application], token } };
}
