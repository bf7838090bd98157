import { createHash, type Hash } from 'node:crypto';
import type { BlobKey, ByteRange } from '../../src/oci/registry.ts';
import { RegistryError } from '../../src/oci/registry-error.ts';
import type { Piece } from './registry-http-transport.ts';

/**
 * A blob, or a part of one, as it arrives over any number of answers.
 *
 * After an answer that broke off the next one is asked for what is missing, and the digest goes on from where
 * it was. An answer that begins earlier, because the registry ignores Range, is taken from where it is new.
 */
export class BlobDownload {
  readonly #key: BlobKey;
  readonly #start: number;
  readonly #end: number;
  readonly #isWhole: boolean;
  readonly #bytes: Uint8Array;
  #hash: Hash;
  #receivedBytes = 0;
  /** Where in the blob the next piece of the current answer belongs. */
  #position = 0;

  /** Throws RegistryError `malformed` for a range that leaves the blob. */
  constructor(key: BlobKey, range: ByteRange | undefined) {
    const { offsetBytes, lengthBytes } = range ?? { offsetBytes: 0, lengthBytes: key.size };
    this.#start = offsetBytes;
    this.#end = offsetBytes + lengthBytes;
    if (this.#end > key.size)
      throw new RegistryError('malformed', `range ends at ${this.#end}, the blob has ${key.size} bytes`);
    this.#key = key;
    this.#isWhole = range === undefined;
    this.#bytes = new Uint8Array(lengthBytes);
    this.#hash = this.#newHash();
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Range of what is missing; undefined when that is the whole blob. */
  get missing(): string | undefined {
    if (this.#isWhole && this.#receivedBytes === 0) return undefined;
    return `bytes=${this.#start + this.#receivedBytes}-${this.#end - 1}`;
  }

  /** Takes the next piece of an answer; the first one comes with `isFirst`. */
  accept({ status, headers, bytes, isFirst }: Piece): void {
    if (isFirst) this.#position = startOfAnswer(status, headers);
    const wanted = this.#start + this.#receivedBytes;
    if (this.#position > wanted)
      throw new RegistryError(
        'malformed',
        `${this.#key.digest}: the answer begins at ${this.#position}, not ${wanted}`,
      );
    const from = Math.min(bytes.length, wanted - this.#position);
    const upTo = Math.min(bytes.length, Math.max(from, this.#end - this.#position));
    const fresh = bytes.subarray(from, upTo);
    this.#bytes.set(fresh, this.#receivedBytes);
    if (this.#isWhole) this.#hash.update(fresh);
    this.#receivedBytes += fresh.length;
    this.#position += bytes.length;
  }

  /**
   * The content, once an answer has ended. Throws RegistryError `size-mismatch` while bytes are missing,
   * keeping what is there, and `digest-mismatch` for a whole blob that is not what was asked for, keeping
   * nothing: which of its bytes is wrong nobody knows.
   */
  finish(): Uint8Array {
    const { digest } = this.#key;
    if (this.#receivedBytes < this.#bytes.length)
      throw new RegistryError(
        'size-mismatch',
        `${digest}: got ${this.#receivedBytes} bytes of ${this.#bytes.length}`,
      );
    if (!this.#isWhole) return this.#bytes;
    const found = this.#hash.digest('hex');
    this.#hash = this.#newHash();
    if (digest.endsWith(`:${found}`)) return this.#bytes;
    this.#receivedBytes = 0;
    throw new RegistryError('digest-mismatch', `the content is not what ${digest} names`);
  }

  #newHash(): Hash {
    return createHash(this.#key.digest.startsWith('sha512:') ? 'sha512' : 'sha256');
  }
}

/** Source: RFC 9110, 14.4: `bytes 100-199/1000`. */
function startOfAnswer(status: number, headers: Headers): number {
  if (status !== 206) return 0;
  const match = /^bytes (\d{1,15})-/.exec(headers.get('content-range') ?? '');
  if (match === null) throw new RegistryError('malformed', 'a partial answer does not say which part it is');
  return Number(match[1]);
}
