import { hash } from 'node:crypto';
import { BoundedCache } from './bounded-cache.ts';
import { hexOf } from './bytes.ts';
import { type CdiCertificate, decodeCdiCertificate, type KeyUsage } from './cdi-certificate.ts';
import { verifySign1 } from './cose.ts';
import { deriveId } from './dice.ts';
import { certifiedSecureVersion } from './layers.ts';
import { type VerifyKey, verifyKeyFromRaw } from './signing-key.ts';

/** One layer, vouched for by the layer below it: what was measured, in which mode, and which key it was given. */
export interface VerifiedLayer {
  /** 64-byte code input: the SHA-256 digest, then zeros. */
  readonly codeHash: Uint8Array;
  readonly mode: CdiCertificate['mode'];
  /** Anti-rollback version; undefined when the certificate states none. */
  readonly secureVersion: number | undefined;
  readonly key: VerifyKey;
  /** Hex of the ID of its key. */
  readonly keyId: string;
}

/** A chain whose every signature was checked, from the enrolled UDS key up to the attestation key. */
export interface VerifiedChain {
  readonly bootloader: VerifiedLayer;
  /** Its key is the attestation key. */
  readonly application: VerifiedLayer;
}

export interface ChainRefusal {
  readonly ok: false;
  readonly code: 'cloned-identity' | 'bad-certificate' | 'unsupported-algorithm';
  readonly message: string;
}

export type ChainVerdict = { readonly ok: true; readonly chain: VerifiedChain } | ChainRefusal;

/** DER begins so: somebody sent X.509. */
const DER_SEQUENCE = 0x30;

/**
 * Checks certificate chains, and remembers the certificates that held.
 *
 * A device sends the same ones until its firmware changes, and the bootloader's even longer. An entry is found by
 * a digest over the issuing key, the use, and every byte of the certificate.
 */
export class ChainVerifier {
  readonly #layers: BoundedCache<VerifiedLayer>;

  constructor(options: { readonly certificatesMax: number } = { certificatesMax: 32_768 }) {
    this.#layers = new BoundedCache(options.certificatesMax);
  }

  /** Checks the bootloader's and the application's certificate against the UDS public key enrolled for a device. */
  verify(certificates: readonly [Uint8Array, Uint8Array], enrolledKey: Uint8Array): ChainVerdict {
    const key = verifyKeyFromRaw(enrolledKey);
    if (key === undefined)
      return refuse('bad-certificate', 'the UDS key enrolled for it is no public key; enrol it again');
    const bootloader = this.#layerOf(certificates[0], { key }, 'certificates', 'the bootloader certificate');
    if ('code' in bootloader) return bootloader;
    const application = this.#layerOf(certificates[1], bootloader, 'tokens', 'the application certificate');
    if ('code' in application) return application;
    return { ok: true, chain: { bootloader, application } };
  }

  #layerOf(bytes: Uint8Array, issuer: Issuer, use: KeyUsage, what: string): VerifiedLayer | ChainRefusal {
    const { publicKey } = issuer.key;
    const heading = Buffer.from(`${use} ${publicKey.length} `);
    const entry = hash('sha256', Buffer.concat([heading, publicKey, bytes]), 'base64');
    const known = this.#layers.get(entry);
    if (known !== undefined) return known;
    const layer = verifyCertificate(bytes, issuer, use, what);
    if (!('code' in layer)) this.#layers.set(entry, layer);
    return layer;
  }
}

/** Whose signature is asked for: the layer below, or under the first one the enrolled UDS key, whose ID is derived when needed. */
interface Issuer {
  readonly key: VerifyKey;
  readonly keyId?: string;
}

function verifyCertificate(
  bytes: Uint8Array,
  issuer: Issuer,
  use: KeyUsage,
  what: string,
): VerifiedLayer | ChainRefusal {
  if (bytes[0] === DER_SEQUENCE)
    return refuse('bad-certificate', `${what} is X.509; evidence carries CBOR certificates`);
  const decoded = decodeCdiCertificate(bytes, what);
  if (!decoded.ok) {
    const code = decoded.fault === 'unsupported-algorithm' ? 'unsupported-algorithm' : 'bad-certificate';
    return refuse(code, decoded.message);
  }
  const { issuerId, subjectId, subjectPublicKey, keyUsage, signed, codeHash, mode } = decoded.value;
  const expectedId = issuer.keyId ?? hexOf(deriveId(issuer.key.publicKey));
  // Only the first certificate can name another issuer honestly: a board with another UDS made it.
  if (issuerId !== expectedId && use === 'certificates')
    return refuse(
      'cloned-identity',
      `its evidence was made with UDS key ${issuerId}, but it is enrolled with UDS key ${expectedId}: another board, or a forger, uses its identity`,
    );
  if (!verifySign1(signed, issuer.key))
    return refuse('bad-certificate', `${what} is not signed by the key above it`);
  const keyId = hexOf(deriveId(subjectPublicKey));
  if (issuerId !== expectedId || subjectId !== keyId)
    return refuse('bad-certificate', `${what} names keys that it was not made with`);
  if (keyUsage !== use)
    return refuse('bad-certificate', `${what} certifies a key for ${keyUsage}, not ${use}`);
  const key = verifyKeyFromRaw(subjectPublicKey);
  if (key === undefined) return refuse('bad-certificate', `${what} certifies a key that is no public key`);
  return { codeHash, mode, secureVersion: certifiedSecureVersion(decoded.value.configuration), key, keyId };
}

function refuse(code: ChainRefusal['code'], message: string): ChainRefusal {
  return { ok: false, code, message };
}
