import type { Digest } from '../../src/oci/digest.ts';
import type { Descriptor } from '../../src/oci/manifest.ts';
import type { Reference, Repository } from '../../src/oci/reference.ts';
import type { BlobKey, ByteRange, ManifestContent, Registry, TagPage } from '../../src/oci/registry.ts';
import { RegistryError, type RegistryErrorCode } from '../../src/oci/registry-error.ts';
import type { Clock } from '../../src/time/clock.ts';
import { type Intercept, type RegistryFault, type RegistryRequest, spoil } from './fault.ts';
import type { RegistryStore } from './store.ts';
import { StoreError, type StoreErrorCode } from './store-error.ts';

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
}

/** The Registry port straight on a store: no I/O, so it may be used in virtual time. */
export class InProcessRegistry implements Registry {
  readonly #store: RegistryStore;
  readonly #hosts: ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #intercept: Intercept | undefined;

  constructor(store: RegistryStore, options: InProcessOptions) {
    this.#store = store;
    this.#hosts = new Set(options.hosts);
    this.#clock = options.clock;
    this.#intercept = options.intercept;
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
    return this.#call('manifest', repository, digest, (fault) => {
      const { mediaType, bytes } = this.#store.manifest(repository.name, digest);
      return { mediaType, bytes: spoil(bytes, fault) };
    });
  }

  blob(repository: Repository, key: BlobKey, range?: ByteRange): Promise<Uint8Array> {
    return this.#call('blob', repository, key.digest, (fault) => {
      const bytes = spoil(cut(this.#store.blob(repository.name, key.digest), range), fault);
      const expected = range?.lengthBytes ?? key.size;
      if (bytes.length !== expected)
        throw new RegistryError(
          bytes.length < expected ? 'size-mismatch' : 'too-large',
          `${key.digest}: got ${bytes.length} bytes of ${expected}`,
        );
      return bytes;
    });
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

  async #call<T>(
    operation: RegistryRequest['operation'],
    repository: Repository,
    target: string,
    answer: (fault: RegistryFault | undefined) => T,
  ): Promise<T> {
    const { host, name } = repository;
    if (!this.#hosts.has(host))
      throw new RegistryError(
        'unavailable',
        `no registry ${host} here; this one answers for ${[...this.#hosts].join(', ')}`,
      );
    const fault = this.#intercept?.({ operation, host, name, target });
    if (fault?.delayMs !== undefined) await this.#clock.sleep(fault.delayMs);
    if (fault?.kind === 'error')
      throw new RegistryError(fault.code, `${operation} ${host}/${name} ${target}: ${fault.code}`, {
        retryAfterMs: fault.retryAfterMs,
      });
    if (fault?.kind === 'stall') {
      // What an adapter over HTTP does: it waits as long as it waits for anything, and gives up.
      await this.#clock.sleep(STALL_MS);
      throw new RegistryError('timeout', `${operation} ${host}/${name} ${target}: no progress`);
    }
    try {
      const answered = answer(fault);
      if (fault?.kind === 'slow') await this.#clock.sleep((sizeOf(answered) / fault.bytesPerSecond) * 1000);
      return answered;
    } catch (error) {
      if (error instanceof StoreError) throw new RegistryError(CODE[error.code], `${host}: ${error.message}`);
      throw error;
    }
  }
}

/** Bytes of content in an answer, where it holds any. */
function sizeOf(answered: unknown): number {
  if (answered instanceof Uint8Array) return answered.length;
  const { bytes } = (answered ?? {}) as { bytes?: unknown };
  return bytes instanceof Uint8Array ? bytes.length : 0;
}

function cut(bytes: Uint8Array, range: ByteRange | undefined): Uint8Array {
  if (range === undefined) return bytes;
  const end = range.offsetBytes + range.lengthBytes;
  if (end > bytes.length)
    throw new RegistryError('malformed', `range ends at ${end}, the blob has ${bytes.length} bytes`);
  return bytes.subarray(range.offsetBytes, end);
}
