import type { Digest } from '../../src/oci/digest.ts';
import type { StoreFiles } from './store-files.ts';

/** Blobs by digest, each once however many repositories have it: in memory, or in files and read when asked for. */
export class BlobShelf {
  readonly #files: StoreFiles | undefined;
  readonly #inMemory = new Map<Digest, Uint8Array>();
  readonly #sizes = new Map<Digest, number>();

  constructor(files?: StoreFiles) {
    this.#files = files;
  }

  /** Size in bytes; undefined when the blob is not here. */
  sizeOf(digest: Digest): number | undefined {
    return this.#sizes.get(digest);
  }

  get(digest: Digest): Uint8Array | undefined {
    if (!this.#sizes.has(digest)) return undefined;
    return this.#files === undefined ? this.#inMemory.get(digest) : this.#files.read(pathOf(digest));
  }

  put(digest: Digest, bytes: Uint8Array): void {
    if (this.#sizes.has(digest)) return;
    if (this.#files === undefined) this.#inMemory.set(digest, bytes);
    else this.#files.write(pathOf(digest), bytes);
    this.#sizes.set(digest, bytes.length);
  }

  delete(digest: Digest): void {
    this.#files?.remove(pathOf(digest));
    this.#inMemory.delete(digest);
    this.#sizes.delete(digest);
  }

  /** Takes up a blob that lies in the files already. */
  adopt(digest: Digest, sizeBytes: number): void {
    this.#sizes.set(digest, sizeBytes);
  }
}

/** `blobs/sha256/<hex>`, as an image layout has it. */
function pathOf(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}
