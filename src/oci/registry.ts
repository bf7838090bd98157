import type { Digest } from './digest.ts';
import type { Descriptor } from './manifest.ts';
import type { Reference, Repository } from './reference.ts';

/** A part of a blob; `offsetBytes + lengthBytes` is at most the blob's size. */
export interface ByteRange {
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** A manifest as stored: the bytes that the digest is over, and the type the registry declares. */
export interface ManifestContent {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** What a blob's bytes are asked for by; the size bounds what an adapter reads. */
export type BlobKey = Pick<Descriptor, 'digest' | 'size'>;

/** A page of tags: those after `last` in the registry's order, at most `limit` of them. */
export interface TagPage {
  readonly last?: string;
  readonly limit?: number;
}

/**
 * The door to OCI registries, embedded or real; one instance serves every host it can reach.
 *
 * - Every method rejects with RegistryError (registry-error.ts) and with nothing else.
 * - Nothing that comes back is verified: whoever uses the bytes checks size and digest
 *   (`pullManifest` and `pullBlob` do), so that no adapter can be trusted by mistake.
 * - Byte arrays are shared both ways. What comes back must not be changed, and neither may what was
 *   handed over; an adapter may return the same array to every caller.
 * - An adapter never reads more than the stated size (`BlobKey.size`, the range, MANIFEST_BYTES_MAX);
 *   more than that on the wire is `too-large`, less is `size-mismatch`.
 * - Retrying is the adapter's: an error that arrives here is final for this call. `retryable` says
 *   whether the same call may succeed later.
 * - What was put is visible to every later call; a manifest may be put only after what it names.
 */
export interface Registry {
  /** What a tag points at now, or whether a digest exists. One HEAD; no content moves. */
  resolve(reference: Reference): Promise<Descriptor>;
  manifest(repository: Repository, digest: Digest): Promise<ManifestContent>;
  /** The blob, or exactly `range` of it. */
  blob(repository: Repository, blob: BlobKey, range?: ByteRange): Promise<Uint8Array>;
  /** Whether the repository holds the blob. One HEAD; no content moves. */
  hasBlob(repository: Repository, digest: Digest): Promise<boolean>;
  /** Tags in lexical order; empty for a repository that has none or does not exist. */
  tags(repository: Repository, page?: TagPage): Promise<readonly string[]>;
  /** Manifests whose `subject` is `digest`, in the registry's order; empty when there is none. */
  referrers(repository: Repository, digest: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
  /** Settles when the blob is stored under its SHA-256 digest; storing twice is once. */
  putBlob(repository: Repository, bytes: Uint8Array): Promise<Digest>;
  /**
   * Makes a blob of repository `from` on the same host visible in `repository`, without its bytes moving;
   * false when the registry does not do that, or `from` does not have it.
   */
  mountBlob(repository: Repository, from: string, digest: Digest): Promise<boolean>;
  /** Stores under `reference.tag`, which moves, or under the digest alone; returns the digest. */
  putManifest(reference: Reference, content: ManifestContent): Promise<Digest>;
}
