import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { accept, type Decoded, refuse } from '../refusal.ts';
import { verifyEd25519ph } from './ed25519ph.ts';

/** What firmware is signed with; cosign makes keys of the first kind and imports the second. */
export type KeyAlgorithm = 'ecdsa-p256' | 'ed25519';

export interface VerificationKey {
  readonly algorithm: KeyAlgorithm;
  /** SHA-256 of the SubjectPublicKeyInfo in base64: how a sigstore bundle hints at its key. */
  readonly hint: string;
  /** ECDSA in DER over SHA-256; Ed25519 as it is or pre-hashed (Ed25519ph), which is what cosign writes. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** A PEM file is a few hundred bytes. */
export const KEY_FILE_BYTES_MAX = 16 * 1024;

/** Reads a public key in PEM (SubjectPublicKeyInfo). */
export function readVerificationKey(pem: string): Decoded<VerificationKey> {
  if (pem.length > KEY_FILE_BYTES_MAX)
    return refuse('too-large', 'key', `a key has at most ${KEY_FILE_BYTES_MAX} bytes`);
  if (!pem.includes('-----BEGIN PUBLIC KEY-----'))
    return refuse('malformed', 'key', 'no public key in PEM: "BEGIN PUBLIC KEY" is missing');
  try {
    return verificationKeyOf(createPublicKey(pem));
  } catch {
    return refuse('malformed', 'key', 'no public key in PEM (SubjectPublicKeyInfo)');
  }
}

/** The public half of `key`, private or public. */
export function verificationKeyOf(key: KeyObject): Decoded<VerificationKey> {
  const algorithm = algorithmOf(key);
  if (!algorithm.ok) return algorithm;
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const hint = createHash('sha256').update(spki).digest('base64');
  // The raw key is the end of an Ed25519 SubjectPublicKeyInfo. Source: RFC 8410 section 4.
  const raw = new Uint8Array(spki.subarray(-32));
  const check = (message: Uint8Array, signature: Uint8Array): boolean =>
    algorithm.value === 'ed25519'
      ? verify(null, message, publicKey, signature) || verifyEd25519ph(raw, message, signature)
      : verify('sha256', message, publicKey, signature);
  return accept({
    algorithm: algorithm.value,
    hint,
    verify: (message, signature) => {
      try {
        return check(message, signature);
      } catch {
        return false;
      }
    },
  });
}

export function algorithmOf(key: KeyObject): Decoded<KeyAlgorithm> {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return accept('ed25519');
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return accept('ecdsa-p256');
  const name = type === 'ec' ? `ECDSA on ${details?.namedCurve ?? 'an unnamed curve'}` : (type ?? 'unknown');
  return refuse('malformed', 'key', `is ${name}; firmware is signed with ECDSA P-256 or Ed25519`);
}
