import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { accept, type Decoded, refuse } from '../refusal.ts';
import { decryptCosignKey, isCosignKey } from './cosign-key.ts';
import { KEY_FILE_BYTES_MAX, type VerificationKey, verificationKeyOf } from './verification-key.ts';

/** A key pair that signs firmware. */
export interface SigningKey extends VerificationKey {
  /**
   * The same message gives the same Ed25519 signature every time; ECDSA draws a nonce, so it must not
   * reach anything that has to be reproducible. Ed25519 is not pre-hashed: cosign verifies only that.
   */
  sign(message: Uint8Array): Uint8Array;
}

/**
 * Reads a private key in PEM: PKCS #8, plain or encrypted; SEC 1 ("EC PRIVATE KEY"); or cosign's own
 * encrypted file. What is encrypted needs the passphrase.
 */
export function readSigningKey(pem: string, passphrase?: string): Decoded<SigningKey> {
  if (pem.length > KEY_FILE_BYTES_MAX)
    return refuse('too-large', 'key', `a key has at most ${KEY_FILE_BYTES_MAX} bytes`);
  if (isCosignKey(pem)) {
    if (passphrase === undefined)
      return refuse('malformed', 'key', 'is encrypted by cosign; give its passphrase');
    const pkcs8 = decryptCosignKey(pem, passphrase);
    if (!pkcs8.ok) return pkcs8;
    return signingKeyOf(() =>
      createPrivateKey({ key: Buffer.from(pkcs8.value), format: 'der', type: 'pkcs8' }),
    );
  }
  if (!/-----BEGIN (?:ENCRYPTED |EC )?PRIVATE KEY-----/.test(pem))
    return refuse('malformed', 'key', 'no private key in PEM: "BEGIN PRIVATE KEY" is missing');
  if (passphrase === undefined && pem.includes('ENCRYPTED'))
    return refuse('malformed', 'key', 'is encrypted; give its passphrase');
  return signingKeyOf(() =>
    createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) }),
  );
}

function signingKeyOf(read: () => KeyObject): Decoded<SigningKey> {
  let key: KeyObject;
  try {
    key = read();
  } catch {
    return refuse('malformed', 'key', 'no private key that can be read, or a wrong passphrase');
  }
  const verification = verificationKeyOf(key);
  if (!verification.ok) return verification;
  const hash = verification.value.algorithm === 'ed25519' ? null : 'sha256';
  return accept({ ...verification.value, sign: (message) => new Uint8Array(sign(hash, message, key)) });
}
