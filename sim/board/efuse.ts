import type { Chip } from '../../src/esp/chips.ts';
import type { TrustedKeys } from '../../src/esp/secure-boot-v2.ts';

/** Key digest slots for Secure Boot V2: BLOCK_KEYs with purpose SECURE_BOOT_DIGEST0, 1 and 2. */
export type KeySlot = 0 | 1 | 2;

/**
 * One-time fuses of one board, as fields: a burnt bit never comes back.
 *
 * Burning what the field cannot take throws RangeError and burns nothing.
 */
export class Efuse {
  readonly chip: Chip;
  /** Factory MAC, twelve lower-case hex digits. */
  readonly mac: string;
  /** Revision of the part, major × 100 + minor. */
  readonly chipRevision: number;
  #secureVersionBits = 0;
  #secureBoot = false;
  #aggressiveRevoke = false;
  #revoked = 0;
  #keyDigests: (string | undefined)[] | undefined;

  constructor(chip: Chip, mac: string, chipRevision: number = chip.revision) {
    if (!/^[0-9a-f]{12}$/.test(mac))
      throw new RangeError(`a MAC is twelve lower-case hex digits, not "${mac}"`);
    this.chip = chip;
    this.mac = mac;
    this.chipRevision = chipRevision;
  }

  /** Another part with the same bits burnt. */
  fork(): Efuse {
    const copy = new Efuse(this.chip, this.mac, this.chipRevision);
    copy.#secureVersionBits = this.#secureVersionBits;
    copy.#secureBoot = this.#secureBoot;
    copy.#aggressiveRevoke = this.#aggressiveRevoke;
    copy.#revoked = this.#revoked;
    copy.#keyDigests = this.#keyDigests?.slice();
    return copy;
  }

  /** Anti-rollback level: the number of burnt bits of a unary counter. */
  get secureVersion(): number {
    let count = 0;
    for (let bits = this.#secureVersionBits; bits !== 0; bits &= bits - 1) count++;
    return count;
  }

  /** Raises the level, never lowers it. Returns false when the counter is too short for it. Source: esp_efuse_fields.c. */
  burnSecureVersion(level: number): boolean {
    if (level > this.chip.secureVersionBits) return false;
    for (let bit = this.secureVersion; bit < level; bit++) this.#secureVersionBits |= 1 << bit;
    return true;
  }

  get secureBoot(): boolean {
    return this.#secureBoot;
  }

  enableSecureBoot(): void {
    this.#secureBoot = true;
  }

  get aggressiveRevoke(): boolean {
    return this.#aggressiveRevoke;
  }

  enableAggressiveRevoke(): void {
    this.#aggressiveRevoke = true;
  }

  /** Burns the SHA-256 of a public key, lower-case hex. Throws RangeError when the slot is taken or does not exist. */
  burnKeyDigest(slot: KeySlot, digest: string): void {
    if (slot >= this.chip.secureBootV2.blocks)
      throw new RangeError(`${this.chip.label} has no key digest ${slot}`);
    this.#keyDigests ??= [undefined, undefined, undefined];
    if (this.#keyDigests[slot] !== undefined) throw new RangeError(`key digest ${slot} is burnt already`);
    this.#keyDigests[slot] = digest;
  }

  keyDigest(slot: KeySlot): string | undefined {
    return this.#keyDigests?.[slot];
  }

  revokeKey(slot: KeySlot): void {
    this.#revoked |= 1 << slot;
  }

  isRevoked(slot: KeySlot): boolean {
    return (this.#revoked & (1 << slot)) !== 0;
  }

  /** What Secure Boot V2 goes by. */
  get trustedKeys(): TrustedKeys {
    const slots = [0, 1, 2] as const;
    return {
      digests: slots.map((slot) => this.keyDigest(slot)),
      revoked: slots.map((slot) => this.isRevoked(slot)),
      schemes: this.chip.secureBootV2.schemes,
    };
  }

  /** A text that two boards share exactly when they trust the same keys. */
  get trustIdentity(): string {
    return `${this.#keyDigests?.join(',') ?? ''}/${this.#revoked}`;
  }
}
