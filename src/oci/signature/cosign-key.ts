import { scryptSync } from 'node:crypto';
import { decodeJson, type JsonPlace } from '../json-document.ts';
import { accept, type Decoded, refuse } from '../refusal.ts';
import { openSecretbox, SECRETBOX_KEY_BYTES } from './secretbox.ts';

/** Labels of cosign's private keys, now and before version 2. Source: cosign, pkg/cosign/keys.go. */
const PEM =
  /-----BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY-----([\sA-Za-z0-9+/=]*)-----END ENCRYPTED \1 PRIVATE KEY-----/;
/** cosign writes N 65536, r 8: 64 MiB. A file that asks for more than this is refused. */
const SCRYPT_MEMORY_MAX = 256 * 1024 * 1024;
const DOCUMENT_BYTES_MAX = 16 * 1024;

export function isCosignKey(pem: string): boolean {
  return PEM.test(pem);
}

interface Sealed {
  readonly cost: { readonly N: number; readonly r: number; readonly p: number };
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
}

/**
 * The PKCS #8 inside cosign's key file: scrypt makes a key of the passphrase, secretbox seals.
 * Takes as long as scrypt is meant to. Source: go-securesystemslib, encrypted/encrypted.go.
 */
export function decryptCosignKey(pem: string, passphrase: string): Decoded<Uint8Array> {
  const body = PEM.exec(pem)?.[2] ?? '';
  const document = new Uint8Array(Buffer.from(body, 'base64'));
  const decoded = decodeJson(document, DOCUMENT_BYTES_MAX, readSealed);
  if (!decoded.ok) return decoded;
  const { cost, salt, nonce, box } = decoded.value;
  if (128 * cost.N * cost.r > SCRYPT_MEMORY_MAX)
    return refuse(
      'too-large',
      'kdf.params',
      `would need ${128 * cost.N * cost.r} bytes; at most ${SCRYPT_MEMORY_MAX} are given`,
    );
  let key: Uint8Array;
  try {
    key = scryptSync(passphrase, salt, SECRETBOX_KEY_BYTES, { ...cost, maxmem: 2 * SCRYPT_MEMORY_MAX });
  } catch {
    return refuse('malformed', 'kdf.params', 'are none that scrypt takes');
  }
  const plain = openSecretbox(box, nonce, key);
  return plain === undefined
    ? refuse('malformed', 'ciphertext', 'wrong passphrase, or the key file was changed')
    : accept(plain);
}

function readSealed(root: JsonPlace): Sealed {
  const kdf = root.at('kdf');
  const cipher = root.at('cipher');
  expectName(kdf.at('name'), 'scrypt');
  expectName(cipher.at('name'), 'nacl/secretbox');
  const params = kdf.at('params');
  const bytes = (place: JsonPlace): Uint8Array => new Uint8Array(Buffer.from(place.string(), 'base64'));
  const p = params.at('p').count();
  if (p > 16) params.at('p').refuse('too-large', 'is above 16');
  return {
    cost: { N: params.at('N').count(), r: params.at('r').count(), p },
    salt: bytes(kdf.at('salt')),
    nonce: bytes(cipher.at('nonce')),
    box: bytes(root.at('ciphertext')),
  };
}

function expectName(place: JsonPlace, name: string): void {
  if (place.string() !== name) place.refuse('malformed', `must be ${name}`);
}
