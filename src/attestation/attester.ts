import { equalBytes } from './bytes.ts';
import { encodeSign1 } from './cose.ts';
import { type EatClaims, encodeEat } from './eat.ts';
import { encodeEvidence } from './evidence.ts';
import {
  type BootIdentity,
  type BootloaderLayer,
  type BootloaderState,
  type BootState,
  deriveBootIdentity,
  deriveBootloaderLayer,
} from './layers.ts';

/** What the application says; what was measured comes from the boot itself. */
export type RunningClaims = Omit<
  EatClaims,
  'nonce' | 'applicationDigest' | 'bootloaderDigest' | 'secureVersion'
>;

/**
 * The device's side: answers a challenge with evidence.
 *
 * Keys and certificates depend on the boot's state alone, so they are derived at the first question after a change
 * and kept, as a board keeps them in its RAM.
 */
export class Attester {
  #state: BootState | undefined;
  #bootloader: BootloaderLayer | undefined;
  #identity: BootIdentity | undefined;

  /** Evidence for `nonce` (8 to 64 bytes). Equal arguments give equal bytes, whatever was asked before. */
  attest(boot: BootState, nonce: Uint8Array, claims: RunningClaims): Uint8Array {
    const { attestationKey, chain } = this.#identityOf(boot);
    const { applicationDigest, bootloaderDigest, secureVersion } = boot;
    const payload = encodeEat({ ...claims, nonce, applicationDigest, bootloaderDigest, secureVersion });
    const token = encodeSign1(attestationKey, payload, 'tagged');
    return encodeEvidence({ chain, token });
  }

  #identityOf(boot: BootState): BootIdentity {
    const before = this.#state;
    const hasBootloader = before !== undefined && isSameBootloader(before, boot);
    if (hasBootloader && isSameApplication(before, boot) && this.#identity !== undefined)
      return this.#identity;
    if (!hasBootloader || this.#bootloader === undefined) this.#bootloader = deriveBootloaderLayer(boot);
    this.#identity = deriveBootIdentity(boot, this.#bootloader);
    this.#state = boot;
    return this.#identity;
  }
}

function isSameBootloader(left: BootloaderState, right: BootloaderState): boolean {
  return (
    equalBytes(left.uds, right.uds) &&
    equalBytes(left.bootloaderDigest, right.bootloaderDigest) &&
    left.mode === right.mode &&
    left.algorithm === right.algorithm
  );
}

function isSameApplication(left: BootState, right: BootState): boolean {
  return (
    equalBytes(left.applicationDigest, right.applicationDigest) && left.secureVersion === right.secureVersion
  );
}
