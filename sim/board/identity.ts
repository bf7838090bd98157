import { Attester, type RunningClaims } from '../../src/attestation/attester.ts';
import type { BootState } from '../../src/attestation/layers.ts';

/** Whether a board's evidence is what it seems. Everything but `genuine` is an attack to be refused. */
export type IdentityKind = 'genuine' | 'cloned' | 'forged' | 'replayed';

/**
 * How a board answers challenges.
 *
 * A clone needs no code of its own: it holds another's UEID and not its secret, so its honest answer is
 * the false one. A forger changes a claim after signing; a replayer says again what was once true.
 */
export class BoardIdentity {
  readonly ueid: Uint8Array;
  kind: IdentityKind;
  readonly #attester = new Attester();

  constructor(ueid: Uint8Array, kind: IdentityKind) {
    this.ueid = ueid;
    this.kind = kind;
  }

  answer(boot: BootState, nonce: Uint8Array, claims: RunningClaims): Uint8Array {
    const evidence = this.#attester.attest(boot, this.kind === 'replayed' ? YESTERDAYS_NONCE : nonce, claims);
    return this.kind === 'forged' ? alterVersion(evidence, claims.swversion) : evidence;
  }
}

/** What a replayer was once asked and recorded its true answer to. */
const YESTERDAYS_NONCE = new Uint8Array(32);

/** Raises the last digit of the version in the signed token: the smallest lie that would pass for an update. */
function alterVersion(evidence: Uint8Array, version: string): Uint8Array {
  const altered = evidence.slice();
  const at = Buffer.from(altered.buffer).lastIndexOf(version, undefined, 'latin1');
  const last = at + version.length - 1;
  altered[last] = altered[last] === 0x39 ? 0x30 : (altered[last] ?? 0) + 1;
  return altered;
}
