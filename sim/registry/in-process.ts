import type { Digest } from '../../src/oci/digest.ts';
import type { Descriptor } from '../../src/oci/manifest.ts';
import type { Reference, Repository } from '../../src/oci/reference.ts';
import type { BlobKey, ByteRange, ManifestContent, Registry, TagPage } from '../../src/oci/registry.ts';
import { RegistryError, type RegistryErrorCode } from '../../src/oci/registry-error.ts';
import { type RetryPolicy, withRetries } from '../../src/oci/retry.ts';
import type { Clock } from '../../src/time/clock.ts';
import { type Intercept, type RegistryFault, type RegistryRequest, spoil } from './fault.ts';
import { InProcessDownload } from './in-process-download.ts';
import type { RegistryStore } from './store.ts';
import { StoreError, type StoreErrorCode } from './store-error.ts';
import type { TrafficMeter } from './traffic-meter.ts';

const CODE: Readonly<Record<StoreErrorCode, RegistryErrorCode>> = {
  BLOB_UNKNOWN: 'not-found',
  BLOB_UPLOAD_INVALID: 'malformed',
  BLOB_UPLOAD_UNKNOWN: 'not-found',
  DIGEST_INVALID: 'digest-mismatch',
  MANIFEST_BLOB_UNKNOWN: 'malformed',
  MANIFEST_INVALID: 'malformed',
  MANIFEST_UNKNOWN: 'not-found',
  NAME_INVALID: 'malformed',
  NAME_UNKNOWN: 'not-found',
  RANGE_INVALID: 'malformed',
  SIZE_INVALID: 'size-mismatch',
};

/** How long nothing comes before it is given up, as over HTTP. */
const STALL_MS = 30_000;

export interface InProcessOptions {
  /** Hosts this registry answers for; a reference to any other is `unavailable`, as on a network without it. */
  readonly hosts: readonly string[];
  /** Where delays pass. */
  readonly clock: Clock;
  readonly intercept?: Intercept;
  /** How a client over HTTP would try again; absent: every call is one request. */
  readonly retry?: RetryPolicy;
  /** Counts the content that is sent. */
  readonly meter?: TrafficMeter;
}

const ONCE: RetryPolicy = { attemptsMax: 1, backoffMs: 0, waitMsMax: 0 };

/**
 * The Registry port straight on a store: no I/O, so it may be used in virtual time.
 *
 * Weather strikes single requests, as over HTTP, and is answered as the client over HTTP answers it: with
 * another attempt, from where the last one broke off, and with a new token for one that has run out.
 */
export class InProcessRegistry implements Registry {
  readonly #store: RegistryStore;
  readonly #hosts: ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #intercept: Intercept | undefined;
  readonly #retry: RetryPolicy;
  readonly #meter: TrafficMeter | undefined;

  constructor(store: RegistryStore, options: InProcessOptions) {
    this.#store = store;
    this.#hosts = new Set(options.hosts);
    this.#clock = options.clock;
    this.#intercept = options.intercept;
    this.#retry = options.retry ?? ONCE;
    this.#meter = options.meter;
  }

  resolve(reference: Reference): Promise<Descriptor> {
    const target = reference.digest ?? reference.tag ?? 'latest';
    return this.#call('resolve', reference, target, (fault) => {
      const meant = fault?.kind === 'tag-moved' ? fault.digest : target;
      const { mediaType, digest, bytes } = this.#store.manifest(reference.name, meant);
      return {
        mediaType,
        digest: fault?.kind === 'wrong-digest' ? fault.digest : digest,
        size: bytes.length,
      };
    });
  }

  manifest(repository: Repository, digest: Digest): Promise<ManifestContent> {
    return this.#call('manifest', repository, digest, async (fault) => {
      const given = fault?.kind === 'swapped-manifest' ? fault.digest : digest;
      const { mediaType, bytes } = this.#store.manifest(repository.name, given);
      return { mediaType, bytes: await this.#send(repository, digest, bytes, fault) };
    });
  }

  blob(repository: Repository, key: BlobKey, range?: ByteRange): Promise<Uint8Array> {
    const download = new InProcessDownload(key, range);
    const answer = async (fault: RegistryFault | undefined): Promise<Uint8Array> => {
      const stored = this.#store.blob(repository.name, key.digest);
      await this.#send(repository, key.digest, download.missing(stored), fault, (piece) =>
        download.accept(piece),
      );
      return download.finish(stored);
    };
    return this.#call('blob', repository, key.digest, answer, () => download.progress);
  }

  hasBlob(repository: Repository, digest: Digest): Promise<boolean> {
    return this.#call('has-blob', repository, digest, () => this.#store.hasBlob(repository.name, digest));
  }

  tags(repository: Repository, page: TagPage = {}): Promise<readonly string[]> {
    const { name } = repository;
    return this.#call('tags', repository, '', () =>
      this.#store.hasRepository(name) ? this.#store.tags(name, page.last, page.limit).tags : [],
    );
  }

  referrers(repository: Repository, digest: Digest, artifactType?: string): Promise<readonly Descriptor[]> {
    return this.#call('referrers', repository, digest, () =>
      this.#store.referrers(repository.name, digest, artifactType),
    );
  }

  putBlob(repository: Repository, bytes: Uint8Array): Promise<Digest> {
    return this.#call('put-blob', repository, '', () => this.#store.putBlob(repository.name, bytes));
  }

  mountBlob(repository: Repository, from: string, digest: Digest): Promise<boolean> {
    return this.#call('put-blob', repository, digest, () =>
      this.#store.mountBlob(repository.name, from, digest),
    );
  }

  putManifest(reference: Reference, content: ManifestContent): Promise<Digest> {
    const target = reference.tag ?? reference.digest ?? 'latest';
    return this.#call('put-manifest', reference, target, () => {
      return this.#store.putManifest(reference.name, target, content).digest;
    });
  }

  #call<T>(
    operation: RegistryRequest['operation'],
    repository: Repository,
    target: string,
    answer: (fault: RegistryFault | undefined) => T | Promise<T>,
    progress?: () => number,
  ): Promise<T> {
    const { host, name } = repository;
    const request: RegistryRequest = { operation, host, name, target };
    const context = { clock: this.#clock, ...(progress === undefined ? {} : { progress }) };
    return withRetries(context, this.#retry, () => this.#attempt(request, answer));
  }

  async #attempt<T>(
    request: RegistryRequest,
    answer: (fault: RegistryFault | undefined) => T | Promise<T>,
  ): Promise<T> {
    const { operation, host, name, target } = request;
    if (!this.#hosts.has(host))
      throw new RegistryError(
        'unavailable',
        `no registry ${host} here; this one answers for ${[...this.#hosts].join(', ')}`,
      );
    let fault = this.#intercept?.(request);
    // Refused once, the client asks for a new token and says it all again.
    if (fault?.kind === 'expired-token') fault = this.#intercept?.(request);
    const what = `${operation} ${host}/${name} ${target}`;
    if (fault?.kind === 'expired-token')
      throw new RegistryError('unauthorized', `${what}: a new token is refused, too`);
    if (fault?.delayMs !== undefined) await this.#clock.sleep(fault.delayMs);
    if (fault?.kind === 'error')
      throw new RegistryError(fault.code, `${what}: ${fault.code}`, { retryAfterMs: fault.retryAfterMs });
    try {
      return await answer(fault);
    } catch (error) {
      if (error instanceof StoreError) throw new RegistryError(CODE[error.code], `${host}: ${error.message}`);
      throw error;
    }
  }

  /** What arrives of an answer's body, when it has; `accept` is told before anything goes wrong. */
  async #send(
    { host, name }: Repository,
    target: string,
    body: Uint8Array,
    fault: RegistryFault | undefined,
    accept: (piece: Uint8Array) => void = () => {},
  ): Promise<Uint8Array> {
    const sent = spoil(body, fault);
    this.#meter?.answer(name, target)(sent.length);
    accept(sent);
    if (fault?.kind === 'slow') await this.#clock.sleep((sent.length / fault.bytesPerSecond) * 1000);
    if (fault?.kind === 'stall') {
      // What the client over HTTP does: it waits as long as it waits for anything, and gives up.
      await this.#clock.sleep(STALL_MS);
      throw new RegistryError('timeout', `${host}/${name} ${target}: no progress`);
    }
    if (sent.length < body.length)
      throw new RegistryError('unavailable', `${host}/${name} ${target}: the connection broke off`);
    return sent;
  }
}
