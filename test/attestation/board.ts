import { hash } from 'node:crypto';
import type { AppraisalContext, Enrolment } from '../../src/attestation/appraisal.ts';
import type { RunningClaims } from '../../src/attestation/attester.ts';
import { hexOf } from '../../src/attestation/bytes.ts';
import { type BootState, udsPublicKey } from '../../src/attestation/layers.ts';
import type { SignatureAlgorithm } from '../../src/attestation/signing-key.ts';
import { ueidFromBytes } from '../../src/attestation/ueid.ts';

/** 32 bytes that depend on nothing but the text. */
export function digestOf(text: string): Uint8Array {
  return new Uint8Array(hash('sha256', text, 'buffer'));
}

/** A board in a good state, the same one for the same name. */
export interface TestBoard {
  readonly boot: BootState;
  readonly claims: RunningClaims;
  readonly enrolment: Enrolment;
}

export function testBoard(name: string, algorithm: SignatureAlgorithm = 'EdDSA'): TestBoard {
  const uds = digestOf(`uds of ${name}`);
  return {
    boot: {
      uds,
      algorithm,
      bootloaderDigest: digestOf('bootloader'),
      applicationDigest: digestOf('thermo 1.0.0'),
      secureVersion: 3,
      mode: 'normal',
    },
    claims: {
      ueid: ueidFromBytes(digestOf(`ueid of ${name}`).subarray(0, 16)),
      oemid: Uint8Array.of(0x24, 0x0a, 0xc4),
      hwmodel: 'esp32s3',
      oemboot: false,
      dbgstat: 'disabled',
      bootcount: 4,
      swname: 'thermo',
      swversion: '1.0.0',
      applicationType: 'thermo',
      slot: 'ota_0',
      slotState: 'confirmed',
    },
    enrolment: { udsPublicKey: udsPublicKey(uds, algorithm) },
  };
}

export const NONCE = digestOf('nonce');

/** A verifier that enrolled these boards and waits for an answer to `NONCE`, sent a second ago. */
export function verifierOf(...boards: readonly TestBoard[]): AppraisalContext {
  const enrolments = new Map(boards.map((board) => [hexOf(board.claims.ueid), board.enrolment]));
  return {
    nonce: NONCE,
    nonceIssuedAtMs: 1_000,
    nonceTtlMs: 30_000,
    nowMs: 2_000,
    enrolled: (ueidHex) => enrolments.get(ueidHex),
  };
}
