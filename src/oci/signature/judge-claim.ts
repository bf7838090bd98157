import type { Digest } from '../digest.ts';
import { keysFor, type SignaturePolicy, type TrustedKey } from './signature-policy.ts';
import { EXPIRES_ANNOTATION, parseInstant, type SignedClaim } from './signed-claim.ts';

/** Why firmware does not count as signed. The later in this list, the nearer it came. */
export const SIGNATURE_REFUSALS = [
  /** No rule of the policy speaks of the application. */
  'no-rule',
  'unsigned',
  'malformed-signature',
  /** Keyless, or a form or an algorithm that is not verified here. */
  'unsupported-signature',
  /** By none of the keys that may sign the application. */
  'wrong-signer',
  /** Says it is by such a key, and is not, or not over these bytes. */
  'bad-signature',
  /** Genuine, and about another image. */
  'wrong-digest',
  'not-yet-valid',
  'expired',
] as const;
export type SignatureRefusalCode = (typeof SIGNATURE_REFUSALS)[number];

export interface SignatureRefusal {
  readonly code: SignatureRefusalCode;
  readonly message: string;
}

/** Who signed, once it is proved. */
export interface SignatureProof {
  readonly application: string;
  /** Name of the key in the policy. */
  readonly signer: string;
  readonly form: SignedClaim['form'];
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ClaimContext {
  readonly policy: SignaturePolicy;
  /** What the artifact says it is; itself covered by the signature. */
  readonly application: string;
  /** Of the index that devices are about to get. */
  readonly digest: Digest;
  readonly nowMs: number;
}

/** Whether one signature allows the application. Authenticity comes first: nothing else is believed before. */
export function judgeClaim(claim: SignedClaim, context: ClaimContext): SignatureProof | SignatureRefusal {
  const { application, digest, nowMs } = context;
  const keys = keysFor(context.policy, application);
  if (keys === undefined)
    return {
      code: 'no-rule',
      message: `the policy has no rule for the application ${JSON.stringify(application)}`,
    };
  const signer = keys.find(({ key }) => key.verify(claim.message, claim.signature));
  if (signer === undefined) return refuseSigner(claim, application, keys);
  if (claim.digest !== digest)
    return { code: 'wrong-digest', message: `${signer.name} signed ${claim.digest}, this is ${digest}` };
  const untimely = judgeTime(claim, signer, nowMs);
  if (untimely !== undefined) return untimely;
  return { application, signer: signer.name, form: claim.form, annotations: claim.annotations };
}

function refuseSigner(
  claim: SignedClaim,
  application: string,
  keys: readonly TrustedKey[],
): SignatureRefusal {
  const named = keys.find(({ key }) => key.hint === claim.keyHint);
  if (named !== undefined)
    return { code: 'bad-signature', message: `is said to be by ${named.name} and does not verify` };
  const allowed = keys.map(({ name }) => name).join(', ');
  return {
    code: 'wrong-signer',
    message: `is by none of the keys that may sign ${JSON.stringify(application)} (${allowed})`,
  };
}

function judgeTime(claim: SignedClaim, signer: TrustedKey, nowMs: number): SignatureRefusal | undefined {
  const { name, notBeforeMs, notAfterMs } = signer;
  if (notBeforeMs !== undefined && nowMs < notBeforeMs)
    return { code: 'not-yet-valid', message: `the key ${name} is valid from ${textOf(notBeforeMs)}` };
  if (notAfterMs !== undefined && nowMs > notAfterMs)
    return { code: 'expired', message: `the key ${name} was valid until ${textOf(notAfterMs)}` };
  const expires = claim.annotations[EXPIRES_ANNOTATION];
  if (expires === undefined) return undefined;
  const expiresMs = parseInstant(expires);
  if (expiresMs === undefined)
    return { code: 'malformed-signature', message: `${EXPIRES_ANNOTATION} is no RFC 3339 time in UTC` };
  return nowMs > expiresMs
    ? { code: 'expired', message: `the signature by ${name} counted until ${expires}` }
    : undefined;
}

function textOf(instantMs: number): string {
  return new Date(instantMs).toISOString();
}
