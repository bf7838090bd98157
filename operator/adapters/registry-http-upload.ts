import { type Digest, digestOf } from '../../src/oci/digest.ts';
import type { Repository } from '../../src/oci/reference.ts';
import { RegistryError } from '../../src/oci/registry-error.ts';
import { type Answer, exchangeWith, type RegistryTransport } from './registry-http-transport.ts';

/** Larger blobs are sent in chunks, so that a connection that breaks costs one chunk. */
export const CHUNK_BYTES = 8 * 1024 * 1024;
const PUSH = { access: 'push' } as const;
const BYTES = 'application/octet-stream';

interface UploadSession {
  location: URL;
  sentBytes: number;
  readonly chunkBytes: number;
}

/** A blob on its way to a registry. Source: OCI distribution-spec, "Pushing Blobs". */
export class BlobUpload {
  readonly digest: Digest;
  readonly #transport: RegistryTransport;
  readonly #repository: Repository;
  readonly #bytes: Uint8Array;
  readonly #chunkBytes: number;
  /** The session, once one is open, and what it holds. */
  #session: UploadSession | undefined;

  constructor(
    transport: RegistryTransport,
    repository: Repository,
    bytes: Uint8Array,
    chunkBytes: number = CHUNK_BYTES,
  ) {
    this.digest = digestOf(bytes);
    this.#transport = transport;
    this.#repository = repository;
    this.#bytes = bytes;
    this.#chunkBytes = chunkBytes;
  }

  /** Bytes that the open session is known to hold. */
  get sentBytes(): number {
    return this.#session?.sentBytes ?? 0;
  }

  /** HEAD, POST, chunks if it is large, PUT. Called again after a failure it goes on where the session is. */
  async attempt(): Promise<Digest> {
    if (this.#session !== undefined) await this.#ask();
    this.#session ??= await this.#open();
    const session = this.#session;
    if (session === undefined) return this.digest;
    const size = this.#bytes.length;
    // Small blobs go in one piece with the PUT; of large ones it carries the last chunk.
    while (size - session.sentBytes > session.chunkBytes) await this.#sendChunk(session);
    const target = new URL(session.location);
    target.searchParams.set('digest', this.digest);
    const rest = this.#bytes.subarray(session.sentBytes);
    const range = session.sentBytes === 0 ? {} : rangeOf(session.sentBytes, rest.length);
    await this.#transport.send(
      exchangeWith(this.#repository, 'PUT', target, {
        ...PUSH,
        headers: { 'content-type': BYTES, ...range },
        body: rest,
      }),
    );
    return this.digest;
  }

  /** Undefined when the registry has the blob. */
  async #open(): Promise<UploadSession | undefined> {
    const base = `/v2/${this.#repository.name}/blobs/`;
    const head = exchangeWith(this.#repository, 'HEAD', `${base}${this.digest}`, {
      ...PUSH,
      mayBeAbsent: true,
    });
    if ((await this.#transport.send(head)).status !== 404) return undefined;
    const answer = await this.#transport.send(
      exchangeWith(this.#repository, 'POST', `${base}uploads/`, PUSH),
    );
    const least = Number(answer.headers.get('oci-chunk-min-length') ?? 0);
    const chunkBytes = Math.max(this.#chunkBytes, Number.isSafeInteger(least) ? least : 0);
    return { location: this.#locationIn(answer), sentBytes: 0, chunkBytes };
  }

  async #sendChunk(session: UploadSession): Promise<void> {
    const { sentBytes, chunkBytes } = session;
    const chunk = this.#bytes.subarray(sentBytes, sentBytes + chunkBytes);
    const answer = await this.#transport.send(
      exchangeWith(this.#repository, 'PATCH', session.location, {
        ...PUSH,
        headers: { 'content-type': BYTES, ...rangeOf(sentBytes, chunk.length) },
        body: chunk,
      }),
    );
    session.location = this.#locationIn(answer);
    session.sentBytes = sentBytes + chunk.length;
  }

  /** What the session holds after something went wrong; a session that is gone is opened anew. */
  async #ask(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    const exchange = exchangeWith(this.#repository, 'GET', session.location, { ...PUSH, mayBeAbsent: true });
    const answer = await this.#transport.send(exchange).catch((error: unknown) => {
      if (error instanceof RegistryError && !error.retryable) return undefined;
      throw error;
    });
    if (answer === undefined) {
      this.#session = undefined;
      return;
    }
    const held = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer.headers.get('range') ?? '');
    // An empty session says 0-0, as does one of a single byte: starting over is right for both.
    const heldBytes = held === null ? 0 : Number(held[1]) + 1;
    if (answer.status !== 204 || heldBytes <= 1 || heldBytes > this.#bytes.length) this.#session = undefined;
    else this.#session = { ...session, sentBytes: heldBytes, location: this.#locationIn(answer, session) };
  }

  #locationIn(answer: Answer, known?: { readonly location: URL }): URL {
    const { host } = this.#repository;
    const location = answer.headers.get('location');
    if (location !== null) return this.#transport.urlOf(host, location);
    if (known !== undefined) return known.location;
    throw new RegistryError('malformed', `${host} opened no upload (status ${answer.status})`);
  }
}

/** Inclusive at both ends, and without a unit. */
function rangeOf(start: number, length: number): { readonly 'content-range'?: string } {
  return length === 0 ? {} : { 'content-range': `${start}-${start + length - 1}` };
}
