/** Content by digest that others may have fetched already. */
export interface SharedContent {
  /** The content under `key`, verified, fetched by `fetch` (which verifies it) when it is not there. */
  get(key: string, fetch: () => Promise<Uint8Array>): Promise<Uint8Array>;
}

interface Entry {
  readonly content: Promise<Uint8Array>;
  /** Absent until the content is there. */
  sizeBytes?: number;
}

/**
 * Verified content by digest, shared by the agents of a process, so that a blob crosses the wire once.
 *
 * Whoever asks first fetches, all others who ask meanwhile wait for the same fetch, and get the same
 * array: it must not be changed. A failed fetch is told to all who waited and then forgotten. The
 * least recently used content goes when `bytesMax` is exceeded; content larger than that is handed
 * out and not kept.
 */
export class ContentCache implements SharedContent {
  readonly bytesMax: number;
  readonly #beneath: SharedContent | undefined;
  /** Insertion order is order of use, oldest first. */
  readonly #entries = new Map<string, Entry>();
  #heldBytes = 0;

  /** `beneath` is asked for what is not here: what other processes of the node share. */
  constructor(bytesMax: number, beneath?: SharedContent) {
    this.bytesMax = bytesMax;
    this.#beneath = beneath;
  }

  /** Bytes held now; content still being fetched does not count. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The content under `key`, fetched by `fetch` (which verifies it) when it is not there. */
  get(key: string, fetch: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.content;
    }
    const entry: Entry = { content: this.#beneath?.get(key, fetch) ?? fetch() };
    this.#entries.set(key, entry);
    entry.content.then(
      (bytes) => {
        if (this.#entries.get(key) !== entry) return;
        entry.sizeBytes = bytes.length;
        this.#heldBytes += bytes.length;
        this.#evict();
      },
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return entry.content;
  }

  #evict(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#heldBytes <= this.bytesMax) return;
      if (entry.sizeBytes === undefined) continue;
      this.#entries.delete(key);
      this.#heldBytes -= entry.sizeBytes;
    }
  }
}
