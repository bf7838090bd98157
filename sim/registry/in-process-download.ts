import { type Digest, matchesDigest } from '../../src/oci/digest.ts';
import type { BlobKey, ByteRange } from '../../src/oci/registry.ts';
import { RegistryError } from '../../src/oci/registry-error.ts';

/**
 * A blob, or a part of one, as it arrives over any number of answers: what is there stays, and the next
 * answer goes on behind it, as over HTTP.
 */
export class InProcessDownload {
  readonly #digest: Digest;
  readonly #start: number;
  readonly #wantedBytes: number;
  readonly #isWhole: boolean;
  #pieces: Uint8Array[] = [];
  #receivedBytes = 0;

  constructor({ digest, size }: BlobKey, range: ByteRange | undefined) {
    this.#digest = digest;
    this.#start = range?.offsetBytes ?? 0;
    this.#wantedBytes = range?.lengthBytes ?? size;
    this.#isWhole = range === undefined;
  }

  /** 0…1. */
  get progress(): number {
    return this.#receivedBytes / Math.max(1, this.#wantedBytes);
  }

  /** What the next answer has to carry. Throws RegistryError `malformed` for a range that leaves the blob. */
  missing(stored: Uint8Array): Uint8Array {
    const end = this.#isWhole ? stored.length : this.#start + this.#wantedBytes;
    if (end > stored.length)
      throw new RegistryError('malformed', `range ends at ${end}, the blob has ${stored.length} bytes`);
    return stored.subarray(this.#start + this.#receivedBytes, end);
  }

  accept(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#receivedBytes += piece.length;
  }

  /**
   * The content, once an answer has ended. Throws RegistryError `size-mismatch` while bytes are missing, and
   * `digest-mismatch` for a whole blob that weather spoiled: then nothing of it is kept.
   */
  finish(stored: Uint8Array): Uint8Array {
    const [got, wanted] = [this.#receivedBytes, this.#wantedBytes];
    if (got !== wanted)
      throw new RegistryError(
        got < wanted ? 'size-mismatch' : 'too-large',
        `${this.#digest}: got ${got} bytes of ${wanted}`,
      );
    const [only] = this.#pieces;
    const isOne = only !== undefined && this.#pieces.length === 1;
    // Untouched, it is the store's own array, which every caller may share.
    if (isOne && only.buffer === stored.buffer) return only.length === stored.length ? stored : only;
    const bytes = isOne ? only : new Uint8Array(Buffer.concat(this.#pieces));
    if (!this.#isWhole || matchesDigest(bytes, this.#digest)) return bytes;
    this.#pieces = [];
    this.#receivedBytes = 0;
    throw new RegistryError('digest-mismatch', `the content is not what ${this.#digest} names`);
  }
}
