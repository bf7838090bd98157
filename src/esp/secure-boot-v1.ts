import { type KeyObject, verify } from 'node:crypto';
import { viewOf } from './byte-fields.ts';
import { accept, type Decoded, refuse } from './refusal.ts';

/** Signature at the end of an app or partition table of the first ESP32s. Source: esp-idf, secure-boot-v1.rst. */
const SIGNATURE_SIZE = 64;
export const SECURE_BOOT_V1_SIZE = 4 + SIGNATURE_SIZE;

export interface SecureBootV1Signature {
  /** Bytes that are signed: all before the signature. */
  readonly signedLength: number;
  /** ECDSA P-256 over SHA-256: r then s, big-endian each. */
  readonly signature: Uint8Array;
}

export type SecureBootV1Refusal = 'too-short' | 'unknown-version';

/** Reads the signature at the end of `bytes`; version 0 is the only one there ever was. */
export function parseSecureBootV1(bytes: Uint8Array): Decoded<SecureBootV1Signature, SecureBootV1Refusal> {
  const signedLength = bytes.length - SECURE_BOOT_V1_SIZE;
  if (signedLength < 0)
    return refuse('too-short', bytes.length, `a signature takes ${SECURE_BOOT_V1_SIZE} bytes`);
  const version = viewOf(bytes).getUint32(signedLength, true);
  if (version !== 0)
    return refuse('unknown-version', signedLength, `no Secure Boot V1 signature: version ${version}`);
  return accept({ signedLength, signature: bytes.slice(signedLength + 4) });
}

/** True when the file is signed by this P-256 key. */
export function verifySecureBootV1(bytes: Uint8Array, publicKey: KeyObject): boolean {
  const parsed = parseSecureBootV1(bytes);
  if (!parsed.ok || publicKey.asymmetricKeyType !== 'ec') return false;
  const { signedLength, signature } = parsed.value;
  return verify(
    'sha256',
    bytes.subarray(0, signedLength),
    { key: publicKey, dsaEncoding: 'ieee-p1363' },
    signature,
  );
}
