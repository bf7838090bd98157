import { type Digest, digestOf, parseDigest } from '../../src/oci/digest.ts';
import type { Descriptor } from '../../src/oci/manifest.ts';
import { bareMediaType, MANIFEST_TYPES } from '../../src/oci/media-type.ts';
import type { Reference, Repository } from '../../src/oci/reference.ts';
import type { BlobKey, ByteRange, ManifestContent, Registry, TagPage } from '../../src/oci/registry.ts';
import { RegistryError } from '../../src/oci/registry-error.ts';
import { RETRY_POLICY, type RetryContext, type RetryPolicy, withRetries } from '../../src/oci/retry.ts';
import type { Random } from '../../src/random/random.ts';
import { BlobDownload } from './registry-http-download.ts';
import { addReferrer } from './registry-http-fallback.ts';
import { listReferrers, listTags } from './registry-http-lists.ts';
import {
  type Answer,
  type Exchange,
  exchangeWith,
  RegistryTransport,
  type TransportOptions,
} from './registry-http-transport.ts';
import { BlobUpload, CHUNK_BYTES } from './registry-http-upload.ts';

export interface HttpRegistryOptions extends TransportOptions {
  /** Absent: RETRY_POLICY. */
  readonly retry?: RetryPolicy;
  /** Spreads waits, so that a thousand agents do not come back at once; absent: they do. */
  readonly random?: Random;
  /** Blobs larger than this are sent in chunks of it; default CHUNK_BYTES. */
  readonly chunkBytes?: number;
}

/** Without it a registry may convert an index to the manifest of its own platform. */
const ACCEPT = { accept: MANIFEST_TYPES.join(', ') };

/** The Registry port over any registry that speaks the OCI distribution specification. */
export class HttpRegistry implements Registry {
  readonly #transport: RegistryTransport;
  readonly #retryContext: RetryContext;
  readonly #retry: RetryPolicy;
  readonly #chunkBytes: number;

  constructor(options: HttpRegistryOptions) {
    this.#transport = new RegistryTransport(options);
    const { clock, random } = options;
    this.#retryContext = random === undefined ? { clock } : { clock, random };
    this.#retry = options.retry ?? RETRY_POLICY;
    this.#chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
  }

  async resolve(reference: Reference): Promise<Descriptor> {
    const path = `/v2/${reference.name}/manifests/${reference.digest ?? reference.tag ?? 'latest'}`;
    const head = exchangeWith(reference, 'HEAD', path, { headers: ACCEPT });
    const { headers } = await this.#send(head);
    const announced = headers.get('docker-content-digest') ?? reference.digest;
    const size = headers.get('content-length');
    // Both headers are only recommended; without them the content says what it is.
    if (announced === undefined || size === null || !/^\d{1,15}$/.test(size))
      return describe(await this.#send({ ...head, method: 'GET' }));
    const digest = parseDigest(announced, 'Docker-Content-Digest');
    if (!digest.ok) throw new RegistryError('malformed', `${reference.host}: ${digest.refusal.message}`);
    return { mediaType: mediaTypeOf(headers), digest: digest.value, size: Number(size) };
  }

  async manifest(repository: Repository, digest: Digest): Promise<ManifestContent> {
    const path = `/v2/${repository.name}/manifests/${digest}`;
    const { headers, body } = await this.#send(exchangeWith(repository, 'GET', path, { headers: ACCEPT }));
    return { mediaType: mediaTypeOf(headers), bytes: body };
  }

  /** A download that breaks off goes on from where it was; a whole blob that is wrong is fetched again. */
  async blob(repository: Repository, key: BlobKey, range?: ByteRange): Promise<Uint8Array> {
    const download = new BlobDownload(key, range);
    if (range?.lengthBytes === 0) return new Uint8Array(0);
    const wantedBytes = range?.lengthBytes ?? key.size;
    return this.#retrying(
      async () => {
        const { missing } = download;
        await this.#transport.send(
          exchangeWith(repository, 'GET', `/v2/${repository.name}/blobs/${key.digest}`, {
            headers: missing === undefined ? {} : { range: missing },
            bytesMax: key.size,
            receive: (piece) => download.accept(piece),
          }),
        );
        return download.finish();
      },
      () => download.receivedBytes / wantedBytes,
    );
  }

  async hasBlob(repository: Repository, digest: Digest): Promise<boolean> {
    const path = `/v2/${repository.name}/blobs/${digest}`;
    return (await this.#send(exchangeWith(repository, 'HEAD', path, { mayBeAbsent: true }))).status !== 404;
  }

  tags(repository: Repository, page: TagPage = {}): Promise<readonly string[]> {
    return listTags((exchange) => this.#send(exchange), repository, page);
  }

  referrers(repository: Repository, digest: Digest, artifactType?: string): Promise<readonly Descriptor[]> {
    return listReferrers((exchange) => this.#send(exchange), repository, digest, artifactType);
  }

  async putBlob(repository: Repository, bytes: Uint8Array): Promise<Digest> {
    const upload = new BlobUpload(this.#transport, repository, bytes, this.#chunkBytes);
    return this.#retrying(
      () => upload.attempt(),
      () => upload.sentBytes / bytes.length,
    );
  }

  /** A registry that will not mount opens an upload instead, which is left to expire. */
  async mountBlob(repository: Repository, from: string, digest: Digest): Promise<boolean> {
    const query = new URLSearchParams({ mount: digest, from });
    const path = `/v2/${repository.name}/blobs/uploads/?${query}`;
    const answer = await this.#send(exchangeWith(repository, 'POST', path, { access: 'push' }));
    return answer.status === 201;
  }

  async putManifest(reference: Reference, content: ManifestContent): Promise<Digest> {
    const path = `/v2/${reference.name}/manifests/${reference.tag ?? reference.digest ?? 'latest'}`;
    const answer = await this.#send(
      exchangeWith(reference, 'PUT', path, {
        access: 'push',
        headers: { 'content-type': content.mediaType },
        body: content.bytes,
      }),
    );
    const digest =
      reference.tag === undefined ? (reference.digest ?? digestOf(content.bytes)) : digestOf(content.bytes);
    const stored = answer.headers.get('docker-content-digest') ?? digest;
    if (stored !== digest)
      throw new RegistryError(
        'digest-mismatch',
        `${reference.host} stored ${path} as ${stored}, not ${digest}`,
      );
    if (!answer.headers.has('oci-subject')) await this.#putFallback(reference, content, digest);
    return digest;
  }

  /** A registry that knows subjects says so; elsewhere referrers are found by a tag that clients keep. */
  async #putFallback(reference: Reference, content: ManifestContent, digest: Digest): Promise<void> {
    const change = addReferrer((exchange) => this.#send(exchange), reference, content, digest);
    const index = await change;
    if (index !== undefined) await this.putManifest(index.reference, index.content);
  }

  #send(exchange: Exchange): Promise<Answer> {
    return this.#retrying(() => this.#transport.send(exchange));
  }

  #retrying<T>(attempt: () => Promise<T>, progress?: () => number): Promise<T> {
    const context = { ...this.#retryContext, ...(progress === undefined ? {} : { progress }) };
    return withRetries(context, this.#retry, attempt);
  }
}

function mediaTypeOf(headers: Headers): string {
  return bareMediaType(headers.get('content-type') ?? '');
}

function describe({ headers, body }: Answer): Descriptor {
  return { mediaType: mediaTypeOf(headers), digest: digestOf(body), size: body.length };
}
