import { createPrivateKey, createPublicKey, hash } from 'node:crypto';
import { readSigningKey, type SigningKey } from '../../../src/oci/signature/signing-key.ts';
import { readVerificationKey, type VerificationKey } from '../../../src/oci/signature/verification-key.ts';

export interface KeyPair {
  readonly privatePem: string;
  readonly publicPem: string;
  readonly signing: SigningKey;
  readonly verification: VerificationKey;
}

/** The Ed25519 key pair whose seed is the SHA-256 of `name`: the same in every run. */
export function ed25519Pair(name: string): KeyPair {
  // PrivateKeyInfo before the 32-byte seed. Source: RFC 8410 section 7.
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const der = Buffer.concat([prefix, hash('sha256', name, 'buffer')]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const privatePem = key.export({ format: 'pem', type: 'pkcs8' }).toString();
  const publicPem = createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString();
  const signing = readSigningKey(privatePem);
  const verification = readVerificationKey(publicPem);
  if (!signing.ok || !verification.ok) throw new Error('a fresh key cannot be read');
  return { privatePem, publicPem, signing: signing.value, verification: verification.value };
}
