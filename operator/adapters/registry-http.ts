import { type Digest, digestOf, parseDigest } from '../../src/oci/digest.ts';
import { type Descriptor, parseManifest } from '../../src/oci/manifest.ts';
import { bareMediaType, MANIFEST_TYPES } from '../../src/oci/media-type.ts';
import type { Reference, Repository } from '../../src/oci/reference.ts';
import type { BlobKey, ByteRange, ManifestContent, Registry, TagPage } from '../../src/oci/registry.ts';
import { RegistryError } from '../../src/oci/registry-error.ts';
import type { Clock } from '../../src/time/clock.ts';
import { listReferrers, listTags } from './registry-http-lists.ts';
import { RETRY_POLICY, type RetryPolicy, withRetries } from './registry-http-retry.ts';
import {
  type Answer,
  type Exchange,
  exchangeWith,
  RegistryTransport,
  type TransportOptions,
} from './registry-http-transport.ts';

export interface HttpRegistryOptions extends TransportOptions {
  /** Absent: RETRY_POLICY. */
  readonly retry?: RetryPolicy;
}

/** Without it a registry may convert an index to the manifest of its own platform. */
const ACCEPT = { accept: MANIFEST_TYPES.join(', ') };

/** The Registry port over any registry that speaks the OCI distribution specification. */
export class HttpRegistry implements Registry {
  readonly #transport: RegistryTransport;
  readonly #clock: Clock;
  readonly #retry: RetryPolicy;

  constructor(options: HttpRegistryOptions) {
    this.#transport = new RegistryTransport(options);
    this.#clock = options.clock;
    this.#retry = options.retry ?? RETRY_POLICY;
  }

  async resolve(reference: Reference): Promise<Descriptor> {
    const path = `/v2/${reference.name}/manifests/${reference.digest ?? reference.tag ?? 'latest'}`;
    const head = exchangeWith(reference, 'HEAD', path, { headers: ACCEPT });
    const { headers } = await this.#send(head);
    const announced = headers.get('docker-content-digest') ?? reference.digest;
    const size = headers.get('content-length');
    // Both headers are only recommended; without them the content says what it is.
    if (announced === undefined || size === null)
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

  async blob(repository: Repository, key: BlobKey, range?: ByteRange): Promise<Uint8Array> {
    const { offsetBytes, lengthBytes } = range ?? { offsetBytes: 0, lengthBytes: key.size };
    const end = offsetBytes + lengthBytes;
    if (end > key.size)
      throw new RegistryError('malformed', `range ends at ${end}, the blob has ${key.size} bytes`);
    if (lengthBytes === 0 && range !== undefined) return new Uint8Array(0);
    const exchange = exchangeWith(repository, 'GET', `/v2/${repository.name}/blobs/${key.digest}`, {
      headers: range === undefined ? {} : { range: `bytes=${offsetBytes}-${end - 1}` },
      bytesMax: key.size,
    });
    return this.#retrying(async () => {
      const { status, body } = await this.#transport.send(exchange);
      // A registry may ignore Range and send the whole blob.
      const wanted = status === 206 || range === undefined ? body : body.subarray(offsetBytes, end);
      if (wanted.length === lengthBytes) return wanted;
      throw new RegistryError(
        wanted.length < lengthBytes ? 'size-mismatch' : 'too-large',
        `${key.digest}: got ${wanted.length} bytes of ${lengthBytes}`,
      );
    });
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

  /** HEAD first, then one POST and one PUT. A session that broke is not resumed: the whole is sent again. */
  putBlob(repository: Repository, bytes: Uint8Array): Promise<Digest> {
    const digest = digestOf(bytes);
    const base = `/v2/${repository.name}/blobs/`;
    const push = { access: 'push' } as const;
    return this.#retrying(async () => {
      const head = exchangeWith(repository, 'HEAD', `${base}${digest}`, { ...push, mayBeAbsent: true });
      if ((await this.#transport.send(head)).status !== 404) return digest;
      const opened = await this.#transport.send(exchangeWith(repository, 'POST', `${base}uploads/`, push));
      const location = opened.headers.get('location');
      if (location === null || opened.status !== 202)
        throw new RegistryError('malformed', `${repository.host} opened no upload (status ${opened.status})`);
      const target = this.#transport.urlOf(repository.host, location);
      target.searchParams.set('digest', digest);
      const headers = { 'content-type': 'application/octet-stream' };
      await this.#transport.send(exchangeWith(repository, 'PUT', target, { ...push, headers, body: bytes }));
      return digest;
    });
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
    checkSubject(reference, content, answer);
    return digest;
  }

  #send(exchange: Exchange): Promise<Answer> {
    return this.#retrying(() => this.#transport.send(exchange));
  }

  #retrying<T>(attempt: () => Promise<T>): Promise<T> {
    return withRetries(this.#clock, this.#retry, attempt);
  }
}

function mediaTypeOf(headers: Headers): string {
  return bareMediaType(headers.get('content-type') ?? '');
}

function describe({ headers, body }: Answer): Descriptor {
  return { mediaType: mediaTypeOf(headers), digest: digestOf(body), size: body.length };
}

/** A registry that knows subjects says so; elsewhere the manifest would be a referrer that nobody finds. */
function checkSubject(reference: Reference, content: ManifestContent, answer: Answer): void {
  const parsed = parseManifest(content.bytes, content.mediaType);
  if (!parsed.ok || parsed.value.subject === undefined || answer.headers.has('oci-subject')) return;
  throw new RegistryError(
    'unsupported',
    `${reference.host} stored the manifest but does not list referrers; use a registry with the referrers API`,
  );
}
