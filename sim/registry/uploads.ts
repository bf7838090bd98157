import { StoreError } from './store-error.ts';

/** Sessions kept at once; the oldest goes when a client opens one more. */
const SESSIONS_MAX = 1024;

interface Session {
  readonly repository: string;
  readonly chunks: Uint8Array[];
  sizeBytes: number;
}

/** Blobs on their way in. Source: OCI distribution-spec, "Pushing a blob in chunks". */
export class UploadSessions {
  readonly #sessions = new Map<string, Session>();
  #opened = 0;

  /** Opens a session and returns its id. */
  open(repository: string): string {
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= SESSIONS_MAX && oldest !== undefined) this.#sessions.delete(oldest);
    const id = `upload-${++this.#opened}`;
    this.#sessions.set(id, { repository, chunks: [], sizeBytes: 0 });
    return id;
  }

  /** Bytes received so far; throws StoreError BLOB_UPLOAD_UNKNOWN. */
  sizeOf(repository: string, id: string): number {
    return this.#find(repository, id).sizeBytes;
  }

  /**
   * Adds a chunk and returns the bytes received so far. A chunk that says where it starts must start
   * where the last one ended: throws StoreError RANGE_INVALID and keeps what was there.
   */
  append(repository: string, id: string, chunk: Uint8Array, startBytes?: number): number {
    const session = this.#find(repository, id);
    if (startBytes !== undefined && startBytes !== session.sizeBytes)
      throw new StoreError('RANGE_INVALID', `chunk starts at ${startBytes}, expected ${session.sizeBytes}`);
    session.chunks.push(chunk);
    session.sizeBytes += chunk.length;
    return session.sizeBytes;
  }

  /** Everything received, in one array. The session stays until it is closed: a wrong digest may be corrected. */
  content(repository: string, id: string): Uint8Array {
    const { chunks, sizeBytes } = this.#find(repository, id);
    const [only] = chunks;
    if (only !== undefined && chunks.length === 1) return only;
    const bytes = new Uint8Array(sizeBytes);
    let offset = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  }

  close(repository: string, id: string): void {
    this.#find(repository, id);
    this.#sessions.delete(id);
  }

  #find(repository: string, id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined || session.repository !== repository)
      throw new StoreError('BLOB_UPLOAD_UNKNOWN', `${repository} has no upload ${JSON.stringify(id)}`);
    return session;
  }
}
