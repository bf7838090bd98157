import type { Offer } from '../../src/device/messages.ts';
import type { Content, SessionId } from '../../src/device/topics.ts';
import type { Timer } from '../../src/time/clock.ts';

/** Bytes asked for at once: whole flash sectors, and what esp-mqtt streams without a large buffer. */
export const CHUNK_BYTES = 32 * 1024;
/** Chunks on the way at once, so that the link is busy while the flash is written. */
const WINDOW = 2;
/** An answer that takes longer than this is asked for again. */
const ANSWER_MS = 15_000;
/** Requests for one chunk before the download waits for a new offer. */
const REQUESTS_MAX = 40;

export interface DownloadPorts<Failure extends object> {
  /** Asks the fleet for bytes of the content. */
  readonly pull: (session: SessionId, offsetBytes: number, lengthBytes: number) => void;
  /** Takes the next bytes, which nobody may change. Returns how long the flash is busy, in ms, or why not. */
  readonly write: (bytes: Uint8Array) => number | Failure;
  /** Every byte has been taken. */
  readonly onWhole: () => void;
  onFailed(failure: Failure): void;
  /** Nobody answered for a long time; only a new offer goes on. */
  readonly onStalled: () => void;
  readonly after: (delayMs: number, callback: () => void) => Timer;
}

/**
 * One image, or the delta that makes it, on its way into the inactive slot.
 *
 * The device pulls: it asks for the next bytes when it has room for them, takes chunks in any order and
 * twice, and after an interruption goes on where it was, also for a new session of the same content.
 */
export class Download<Failure extends object = object> {
  offer: Offer;
  readonly content: Content;
  readonly #sizeBytes: number;
  readonly #ports: DownloadPorts<Failure>;
  /** Bytes written, all of them from the start of the content. */
  #writtenBytes: number;
  #askedBytes = 0;
  #busy = false;
  #requests = 0;
  #timer: Timer | undefined;
  readonly #early = new Map<number, Uint8Array>();

  /** `writtenBytes` are in the slot already: whole chunks, fewer than the content has. */
  constructor(offer: Offer, content: Content, writtenBytes: number, ports: DownloadPorts<Failure>) {
    this.offer = offer;
    this.content = content;
    this.#sizeBytes = content === 'delta' ? (offer.delta?.sizeBytes ?? 0) : offer.sizeBytes;
    this.#writtenBytes = writtenBytes;
    this.#ports = ports;
  }

  /** Whether `offer` is served by going on here. An image that is on its way needs no delta any more. */
  serves(offer: Offer): boolean {
    if (this.offer.digest !== offer.digest) return false;
    return this.content === 'image' || this.offer.delta?.digest === offer.delta?.digest;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Starts, or goes on under a new session of the same content. */
  start(offer: Offer): void {
    this.offer = offer;
    this.#requests = 0;
    this.#askedBytes = this.#writtenBytes;
    this.#ask();
  }

  /** Takes a chunk; those already written, and those of other sizes than were asked for, are dropped. */
  receive(offsetBytes: number, bytes: Uint8Array): void {
    if (offsetBytes < this.#writtenBytes || offsetBytes % CHUNK_BYTES !== 0) return;
    if (bytes.length !== this.#lengthAt(offsetBytes)) return;
    this.#early.set(offsetBytes, bytes);
    this.#requests = 0;
    this.#drain();
  }

  /** Stops asking; what is written stays written. */
  pause(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#early.clear();
  }

  #drain(): void {
    if (this.#busy) return;
    const bytes = this.#early.get(this.#writtenBytes);
    if (bytes === undefined) return;
    this.#early.delete(this.#writtenBytes);
    const busyMs = this.#ports.write(bytes);
    if (typeof busyMs !== 'number') {
      this.pause();
      this.#ports.onFailed(busyMs);
      return;
    }
    this.#writtenBytes += bytes.length;
    this.#busy = true;
    if (this.#writtenBytes < this.#sizeBytes) this.#ask();
    else this.#timer?.cancel();
    this.#ports.after(busyMs, () => {
      this.#busy = false;
      if (this.#writtenBytes === this.#sizeBytes) this.#ports.onWhole();
      else this.#drain();
    });
  }

  #ask(): void {
    const end = Math.min(this.#sizeBytes, this.#writtenBytes + WINDOW * CHUNK_BYTES);
    while (this.#askedBytes < end) {
      const length = this.#lengthAt(this.#askedBytes);
      this.#ports.pull(this.offer.session, this.#askedBytes, length);
      this.#askedBytes += length;
    }
    this.#timer?.cancel();
    this.#timer = this.#ports.after(ANSWER_MS, () => this.#askAgain());
  }

  #askAgain(): void {
    if (++this.#requests > REQUESTS_MAX) {
      this.pause();
      this.#ports.onStalled();
      return;
    }
    if (!this.#busy) this.#askedBytes = this.#writtenBytes;
    this.#ask();
  }

  #lengthAt(offsetBytes: number): number {
    return Math.min(CHUNK_BYTES, this.#sizeBytes - offsetBytes);
  }
}
