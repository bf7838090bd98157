import { createPrivateKey, createPublicKey } from 'node:crypto';
import { parseSignaturePolicy, type SignaturePolicy } from '../src/oci/signature/signature-policy.ts';
import { readSigningKey, type SigningKey } from '../src/oci/signature/signing-key.ts';
import { SeededRandom } from '../src/random/random.ts';
import type { PlannedSignatures } from '../src/scenario/plan.ts';

/** What precedes the 32 bytes of an Ed25519 private key in PKCS #8. Source: RFC 8410, section 7. */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The key that a scenario calls `name`: Ed25519, whose signatures are the same in every run. */
export function firmwareKey(seed: number, name: string): SigningKey {
  const key = readSigningKey(privateKeyOf(seed, name).export({ format: 'pem', type: 'pkcs8' }).toString());
  if (!key.ok) throw new Error(`key ${name}: ${key.refusal.message}`);
  return key.value;
}

/** The policy of a scenario, read as an operator reads its own; undefined when it has none. */
export function signaturePolicyOf(plan: {
  readonly seed: number;
  readonly signatures?: PlannedSignatures;
}): SignaturePolicy | undefined {
  const { seed, signatures } = plan;
  if (signatures?.policy === undefined) return undefined;
  const pemOf = (name: string): string =>
    createPublicKey(privateKeyOf(seed, name)).export({ format: 'pem', type: 'spki' }).toString();
  const keys = Object.fromEntries(signatures.keys.map((name) => [name, { pem: pemOf(name) }]));
  const policy = parseSignaturePolicy(
    new TextEncoder().encode(JSON.stringify({ keys, applications: signatures.policy })),
  );
  if (!policy.ok) throw new Error(`policy: ${policy.refusal.message}`);
  return policy.value;
}

function privateKeyOf(seed: number, name: string): ReturnType<typeof createPrivateKey> {
  const secret = SeededRandom.ofSeed(seed).split(`firmware-key/${name}`).bytes(32);
  const key = Buffer.concat([PKCS8_ED25519, secret]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}
