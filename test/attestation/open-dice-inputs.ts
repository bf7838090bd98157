import { hash } from 'node:crypto';
import type { Cdis, DiceInputs } from '../../src/attestation/dice.ts';

/** Pseudo-value of a label, by the rule of open-dice's tests: a chain of SHA-512 over a counting state. */
export function pseudoValue(label: string, length: number): Uint8Array {
  const state = hash('sha512', label, 'buffer');
  const out: Uint8Array[] = [];
  for (let filled = 0; filled < length; filled += 64) {
    out.push(hash('sha512', state, 'buffer'));
    state.writeBigUInt64LE(BigInt.asUintN(64, state.readBigUInt64LE(0) + 1n), 0);
  }
  return new Uint8Array(Buffer.concat(out).subarray(0, length));
}

export type CaseName = 'zero' | 'hash-only' | 'descriptor';

const zeros = (length: number) => new Uint8Array(length);

/** The three input sets whose results open-dice records. */
export const CASES: Readonly<Record<CaseName, { readonly parent: Cdis; readonly inputs: DiceInputs }>> = {
  zero: {
    parent: { attest: zeros(32), seal: zeros(32) },
    inputs: {
      codeHash: zeros(64),
      configuration: { kind: 'inline', value: zeros(64) },
      authorityHash: zeros(64),
      mode: 'not-configured',
      hidden: zeros(64),
    },
  },
  'hash-only': {
    parent: { attest: pseudoValue('cdi_attest', 32), seal: pseudoValue('cdi_seal', 32) },
    inputs: {
      codeHash: pseudoValue('code_hash', 64),
      configuration: { kind: 'inline', value: pseudoValue('inline_config', 64) },
      authorityHash: pseudoValue('authority_hash', 64),
      mode: 'not-configured',
      hidden: zeros(64),
    },
  },
  descriptor: {
    parent: { attest: pseudoValue('cdi_attest', 32), seal: pseudoValue('cdi_seal', 32) },
    inputs: {
      codeHash: pseudoValue('code_hash', 64),
      codeDescriptor: pseudoValue('code_desc', 100),
      configuration: { kind: 'descriptor', descriptor: pseudoValue('config_desc', 40) },
      authorityHash: pseudoValue('authority_hash', 64),
      authorityDescriptor: pseudoValue('authority_desc', 65),
      mode: 'not-configured',
      hidden: zeros(64),
    },
  },
};
