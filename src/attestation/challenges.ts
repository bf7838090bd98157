/** A nonce that was sent to one device. */
export interface Challenge {
  readonly nonce: Uint8Array;
  readonly issuedAtMs: number;
}

/** Bytes of a nonce; RFC 9711 section 4.1 takes 8 to 64. */
const NONCE_BYTES = 32;

/**
 * The verifier's open challenges: one a device, each answered at most once.
 *
 * A new challenge replaces the device's last one, and beyond `openMax` the oldest is forgotten; both only mean that
 * a late answer is refused and the device is asked again.
 */
export class Challenges {
  readonly #openMax: number;
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #open = new Map<string, Challenge>();

  constructor(randomBytes: (length: number) => Uint8Array, options = { openMax: 100_000 }) {
    this.#randomBytes = randomBytes;
    this.#openMax = options.openMax;
  }

  get openCount(): number {
    return this.#open.size;
  }

  issue(deviceId: string, nowMs: number): Challenge {
    const challenge = { nonce: this.#randomBytes(NONCE_BYTES), issuedAtMs: nowMs };
    this.#open.delete(deviceId);
    this.#open.set(deviceId, challenge);
    if (this.#open.size > this.#openMax) {
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.#open.delete(oldest);
    }
    return challenge;
  }

  /** The device's open challenge, which is thereby spent; undefined when it has none. */
  take(deviceId: string): Challenge | undefined {
    const challenge = this.#open.get(deviceId);
    this.#open.delete(deviceId);
    return challenge;
  }
}
