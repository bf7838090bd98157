import type { appraise, Enrolment } from '../src/attestation/appraisal.ts';
import { hexOf } from '../src/attestation/bytes.ts';
import { ChainVerifier } from '../src/attestation/certificate-chain.ts';
import { Challenges } from '../src/attestation/challenges.ts';
import type { EatClaims } from '../src/attestation/eat.ts';
import type { DeviceChannel } from '../src/device/channel.ts';
import { encodeMessage } from '../src/device/messages.ts';
import { challengeTopic, type SessionId } from '../src/device/topics.ts';
import type { Evidence } from '../src/flashjob/device-update-view.ts';
import type { AttestedState, Device } from '../src/kube/device.ts';
import type { Random } from '../src/random/random.ts';
import type { Clock } from '../src/time/clock.ts';

export interface VerifierPorts {
  readonly channel: DeviceChannel;
  readonly clock: Clock;
  readonly random: Random;
  readonly chainVerifier?: ChainVerifier;
}

/** A nonce older than this is not answered in time. */
const NONCE_TTL_MS = 300_000;

/**
 * Asks stations for evidence and judges what they answer.
 *
 * A question goes to a station and is about one device; each has its own session and nonce, and only
 * the answer to the latest question about a station is looked at, once.
 */
export class Verifier {
  readonly #ports: VerifierPorts;
  readonly #appraise: typeof appraise;
  readonly #chains: ChainVerifier;
  readonly #random: Random;
  readonly #challenges: Challenges;
  readonly #sessions = new Map<string, SessionId>();

  constructor(ports: VerifierPorts, judge: typeof appraise, name: string) {
    this.#ports = ports;
    this.#appraise = judge;
    this.#chains = ports.chainVerifier ?? new ChainVerifier();
    // By the clock as well: a process that starts again must not repeat the nonces of the one before.
    this.#random = ports.random.split(`verifier/${name}/${ports.clock.nowMs}`);
    this.#challenges = new Challenges(this.#random);
  }

  /** Sends a challenge to `station`; the answer comes on the evidence topic of the session returned. */
  ask(station: string): SessionId {
    const { channel, clock } = this.#ports;
    const session = `c${hexOf(this.#random.bytes(8))}`;
    const { nonce } = this.#challenges.issue(station, clock.nowMs);
    this.#sessions.set(station, session);
    channel.publish(challengeTopic(station), encodeMessage({ session, nonce: hexOf(nonce) }));
    return session;
  }

  /** What an answer proves about `device`; undefined when nobody asked for it, or it was judged already. */
  judge(device: Device, station: string, session: SessionId, evidence: Uint8Array): Evidence | undefined {
    if (this.#sessions.get(station) !== session) return undefined;
    this.#sessions.delete(station);
    const challenge = this.#challenges.take(station);
    const atMs = this.#ports.clock.nowMs;
    const verdict = this.#appraise(evidence, {
      nonce: challenge?.nonce,
      challengedDeviceId: device.metadata.name,
      nonceIssuedAtMs: challenge?.issuedAtMs ?? 0,
      nonceTtlMs: NONCE_TTL_MS,
      nowMs: atMs,
      enrolled: (ueid) => (ueid === device.spec.ueid ? enrolmentOf(device, station) : undefined),
      chainVerifier: this.#chains,
    });
    if (verdict.result === 'refused')
      return { atMs, result: 'refused', code: verdict.code, message: verdict.message };
    return { atMs, result: 'accepted', chip: verdict.claims.hwmodel, state: stateOf(verdict.claims) };
  }

  /** Gives up waiting for an answer from `station`. */
  forget(station: string): void {
    this.#sessions.delete(station);
    this.#challenges.take(station);
  }
}

/** A station ends in the MAC of the radio it was named after. */
const MAC = /[0-9a-f]{12}$/;

function enrolmentOf({ spec }: Device, station: string): Enrolment | undefined {
  if (spec.udsPublicKey === undefined) return undefined;
  const mac = MAC.exec(station)?.[0];
  return {
    udsPublicKey: Buffer.from(spec.udsPublicKey, 'base64'),
    revoked: spec.revoked === true,
    ...(mac !== undefined && { mac: Buffer.from(mac, 'hex') }),
  };
}

function stateOf(claims: EatClaims): AttestedState {
  return {
    application: claims.applicationType,
    version: claims.swversion,
    slot: claims.slot,
    digest: `sha256:${hexOf(claims.applicationDigest)}`,
    secureVersion: claims.secureVersion,
    confirmed: claims.slotState === 'confirmed',
    bootCount: claims.bootcount,
  };
}
