import { BoundedCache } from './bounded-cache.ts';
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
 * and kept. One attester serves a whole virtual fleet; a forgotten boot costs a derivation, never an answer.
 */
export class Attester {
  readonly #bootloaders: BoundedCache<BootloaderLayer>;
  readonly #boots: BoundedCache<BootIdentity>;

  constructor(options: { readonly bootsMax: number } = { bootsMax: 16_384 }) {
    this.#bootloaders = new BoundedCache(options.bootsMax);
    this.#boots = new BoundedCache(options.bootsMax);
  }

  /** Evidence for `nonce` (8 to 64 bytes). Equal arguments give equal bytes. */
  attest(boot: BootState, nonce: Uint8Array, claims: RunningClaims): Uint8Array {
    const identity = this.#identityOf(boot);
    const { applicationDigest, bootloaderDigest, secureVersion } = boot;
    const payload = encodeEat({ ...claims, nonce, applicationDigest, bootloaderDigest, secureVersion });
    const token = encodeSign1(identity.attestationKey, payload, 'tagged');
    return encodeEvidence({ chain: identity.chain, token });
  }

  #identityOf(boot: BootState): BootIdentity {
    const bootloaderKey = keyOfBootloader(boot);
    const key = `${bootloaderKey}|${textOf(boot.applicationDigest)}|${boot.secureVersion}`;
    let identity = this.#boots.get(key);
    if (identity === undefined) {
      let bootloader = this.#bootloaders.get(bootloaderKey);
      if (bootloader === undefined) {
        bootloader = deriveBootloaderLayer(boot);
        this.#bootloaders.set(bootloaderKey, bootloader);
      }
      identity = deriveBootIdentity(boot, bootloader);
      this.#boots.set(key, identity);
    }
    return identity;
  }
}

function keyOfBootloader(state: BootloaderState): string {
  return `${textOf(state.uds)}${textOf(state.bootloaderDigest)}|${state.mode}|${state.algorithm ?? ''}`;
}

/** One character a byte: the shortest text that tells two byte strings apart. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
