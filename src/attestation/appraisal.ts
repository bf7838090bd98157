import { equalBytes, hexOf } from './bytes.ts';
import { ChainVerifier, type VerifiedChain } from './certificate-chain.ts';
import { decodeSign1, verifySign1 } from './cose.ts';
import type { WireRefusal } from './decoded.ts';
import type { DiceMode } from './dice.ts';
import { decodeEat, type EatClaims } from './eat.ts';
import { decodeEvidence } from './evidence.ts';
import { codeInputOf } from './layers.ts';
import { isMacDerivedKey } from './legacy-identity.ts';
import { deviceIdOf } from './ueid.ts';

/** Why evidence was refused, in the order in which the checks are made. */
export type RefusalCode =
  | 'malformed'
  | 'unsupported-algorithm'
  | 'unsupported-profile'
  | 'unknown-device'
  | 'mac-derived-identity'
  | 'cloned-identity'
  | 'bad-certificate'
  | 'bad-signature'
  | 'nonce-mismatch'
  | 'nonce-expired'
  | 'revoked'
  | 'debug-mode'
  | 'mode-not-normal'
  | 'measurement-mismatch'
  | 'unknown-measurement'
  | 'downgraded';

/** What the operator knows of a device since the factory. */
export interface Enrolment {
  /** Raw public key of its UDS: 32 bytes Ed25519, or X‖Y of P-256. */
  readonly udsPublicKey: Uint8Array;
  /** Station MAC, 6 bytes, where known: lets an identity that follows from it be recognised. */
  readonly mac?: Uint8Array;
  readonly revoked?: boolean;
}

export interface AppraisalContext {
  /** The challenge being answered; undefined when none is open, so that whatever comes is a replay. */
  readonly nonce: Uint8Array | undefined;
  readonly nonceIssuedAtMs: number;
  readonly nonceTtlMs: number;
  readonly nowMs: number;
  readonly enrolled: (ueidHex: string) => Enrolment | undefined;
  /** Whether these are claims of firmware that was released; absent: any measurement will do. */
  readonly referenceValues?: (claims: EatClaims) => boolean;
  /** Lowest secure version that may run. */
  readonly secureVersionFloor?: number;
  /** Remembers certificates from one appraisal to the next; absent: each is verified anew. */
  readonly chainVerifier?: ChainVerifier;
}

export type AppraisalResult =
  | { readonly result: 'accepted'; readonly deviceId: string; readonly claims: EatClaims }
  | {
      readonly result: 'refused';
      readonly code: RefusalCode;
      /** A sentence for an operator: what is wrong with which device. */
      readonly message: string;
      /** The device that the evidence names, as far as it could be read; before bad-signature it is only a claim. */
      readonly deviceId?: string;
    };

/**
 * Decides whether evidence proves what it says. Never throws, whatever the bytes.
 *
 * The order is the argument. First what needs no trust: shape, algorithm, profile. Then who it claims to be, which
 * only picks the key to check against. An identity that follows from a MAC goes before any signature, because its
 * signatures prove nothing. Then the signatures, from the enrolled key down to the token; nothing in the content
 * counts before. Then freshness, because a true statement about last week must not be reported as one about now.
 * Then what the operator decided, what mode the board is in, and last what it runs: first that the token says what
 * the bootloader measured, then that this is released, then that it is not too old.
 */
export function appraise(evidence: Uint8Array, context: AppraisalContext): AppraisalResult {
  const envelope = decodeEvidence(evidence);
  if (!envelope.ok) return refusedBytes(envelope);
  const token = decodeSign1(envelope.value.token, 'tagged', 'the token');
  if (!token.ok) return refusedBytes(token);
  const decoded = decodeEat(token.value.payload);
  if (!decoded.ok) return refusedBytes(decoded);
  const claims = decoded.value;
  const deviceId = deviceIdOf(claims.ueid);
  const refuse = (code: RefusalCode, why: string): AppraisalResult => {
    return { result: 'refused', code, message: `device ${deviceId}: ${why}`, deviceId };
  };

  const enrolment = context.enrolled(hexOf(claims.ueid));
  if (enrolment === undefined) return refuse('unknown-device', 'its UEID is not enrolled');
  if (enrolment.mac !== undefined && isMacDerivedKey(enrolment.udsPublicKey, enrolment.mac))
    return refuse('mac-derived-identity', MAC_DERIVED);

  const chainVerifier = context.chainVerifier ?? new ChainVerifier();
  const verdict = chainVerifier.verify(envelope.value.chain, enrolment.udsPublicKey);
  if (!verdict.ok) return refuse(verdict.code, verdict.message);
  if (!verifySign1(token.value, verdict.chain.application.key))
    return refuse(
      'bad-signature',
      'the token is not signed by the attestation key of this boot: it is forged',
    );

  const stale = judgeFreshness(claims, context);
  if (stale !== undefined) return refuse(stale.code, stale.why);
  if (enrolment.revoked === true) return refuse('revoked', 'its identity was revoked by the operator');
  const unfit = judgeMode(claims, verdict.chain) ?? judgeFirmware(claims, verdict.chain, context);
  if (unfit !== undefined) return refuse(unfit.code, unfit.why);
  return { result: 'accepted', deviceId, claims };
}

interface Finding {
  readonly code: RefusalCode;
  readonly why: string;
}

const MAC_DERIVED =
  'its device secret is computed from its MAC address, which everybody near it can read, so anybody can make its evidence; give it a random secret and enrol it again';

function refusedBytes({ fault, message }: WireRefusal): AppraisalResult {
  const isUnsupported = fault === 'unsupported-algorithm' || fault === 'unsupported-profile';
  return { result: 'refused', code: isUnsupported ? fault : 'malformed', message };
}

function judgeFreshness(claims: EatClaims, context: AppraisalContext): Finding | undefined {
  if (context.nonce === undefined)
    return {
      code: 'nonce-mismatch',
      why: 'nobody is waiting for this evidence: it is replayed, or too late',
    };
  if (!equalBytes(claims.nonce, context.nonce))
    return { code: 'nonce-mismatch', why: 'the token answers another challenge than ours: it is replayed' };
  const ageMs = context.nowMs - context.nonceIssuedAtMs;
  if (ageMs <= context.nonceTtlMs) return undefined;
  const why = `the token answers a challenge that is ${ageMs} ms old; at most ${context.nonceTtlMs} ms are allowed`;
  return { code: 'nonce-expired', why };
}

function judgeMode(claims: EatClaims, chain: VerifiedChain): Finding | undefined {
  const modes: readonly DiceMode[] = [chain.bootloader.mode, chain.application.mode];
  if (modes.includes('debug'))
    return {
      code: 'debug-mode',
      why: 'it booted in debug mode, in which its memory can be read and changed',
    };
  if (claims.dbgstat === 'enabled')
    return { code: 'debug-mode', why: 'its debug port is enabled, so its memory can be read and changed' };
  const odd = modes.find((mode) => mode !== 'normal');
  return odd === undefined
    ? undefined
    : { code: 'mode-not-normal', why: `it booted in mode ${odd}, not normal` };
}

function judgeFirmware(
  claims: EatClaims,
  chain: VerifiedChain,
  context: AppraisalContext,
): Finding | undefined {
  const mismatch = (what: string): Finding => {
    const why = `the ${what} that its token states is not the one that was measured when it booted`;
    return { code: 'measurement-mismatch', why };
  };
  if (!equalBytes(codeInputOf(claims.bootloaderDigest), chain.bootloader.codeHash))
    return mismatch('bootloader');
  if (!equalBytes(codeInputOf(claims.applicationDigest), chain.application.codeHash))
    return mismatch('application');
  if (chain.application.secureVersion !== claims.secureVersion) return mismatch('secure version');
  const running = `${claims.swname} ${claims.swversion}`;
  if (context.referenceValues?.(claims) === false) {
    const why = `it runs ${running} with digest sha256:${hexOf(claims.applicationDigest)}, which is no released firmware`;
    return { code: 'unknown-measurement', why };
  }
  const floor = context.secureVersionFloor ?? 0;
  if (claims.secureVersion >= floor) return undefined;
  const why = `it runs ${running} of secure version ${claims.secureVersion}; the lowest allowed is ${floor}`;
  return { code: 'downgraded', why };
}
