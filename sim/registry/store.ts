import { type Digest, digestOf, matchesDigest } from '../../src/oci/digest.ts';
import {
  type Descriptor,
  type ImageIndex,
  type ImageManifest,
  MANIFEST_BYTES_MAX,
  parseManifest,
} from '../../src/oci/manifest.ts';
import { isRepositoryName, isTag } from '../../src/oci/reference.ts';
import type { ManifestContent } from '../../src/oci/registry.ts';
import { BlobShelf } from './blob-shelf.ts';
import { StoreError } from './store-error.ts';
import type { StoreFiles } from './store-files.ts';
import { type StoreFact, StoreRecord } from './store-record.ts';

/** A manifest with what was worked out when it came in. */
export interface StoredManifest extends ManifestContent {
  readonly digest: Digest;
  readonly document: ImageIndex | ImageManifest;
}

interface RepositoryContent {
  readonly blobs: Set<Digest>;
  /** In the order pushed, which is the order of referrers. */
  readonly manifests: Map<Digest, StoredManifest>;
  readonly tags: Map<string, Digest>;
}

/**
 * The embedded registry's content: blobs by digest, shared by all repositories; manifests and tags per
 * repository. Synchronous; both doors (in process, HTTP) open on it.
 *
 * In memory, or in files as well: then everything that was answered is there after a crash, and whatever a
 * crash interrupted is there whole or not at all. What names comes after what it names, and goes before it.
 * Arrays are kept and handed out as they are, never copied: nobody may change them.
 */
export class RegistryStore {
  /** Files that were passed over on opening, because they are damaged or none of ours. */
  readonly strangeFiles: readonly string[];
  readonly #blobs: BlobShelf;
  readonly #record: StoreRecord;
  readonly #repositories = new Map<string, RepositoryContent>();
  #pushes = 0;

  constructor(files?: StoreFiles) {
    this.#blobs = new BlobShelf(files);
    this.#record = new StoreRecord(files);
    const { blobs, facts, strange } = this.#record.load();
    this.strangeFiles = strange;
    for (const [digest, sizeBytes] of blobs) this.#blobs.adopt(digest, sizeBytes);
    this.#adopt(facts);
    // A crash may have left content that nothing links to.
    for (const digest of blobs.keys()) this.#dropUnlinked(digest);
  }

  /** Names of all repositories, sorted. */
  get repositories(): readonly string[] {
    return [...this.#repositories.keys()].sort();
  }

  hasRepository(repository: string): boolean {
    return this.#repositories.has(repository);
  }

  hasBlob(repository: string, digest: Digest): boolean {
    return this.#repositories.get(repository)?.blobs.has(digest) ?? false;
  }

  /** Throws StoreError BLOB_UNKNOWN also for a blob that only another repository has. */
  blob(repository: string, digest: Digest): Uint8Array {
    const bytes = this.hasBlob(repository, digest) ? this.#blobs.get(digest) : undefined;
    if (bytes === undefined) throw new StoreError('BLOB_UNKNOWN', `${repository} has no blob ${digest}`);
    return bytes;
  }

  /** Stores under `expected` when given, which must be the content's digest; else under its SHA-256. */
  putBlob(repository: string, bytes: Uint8Array, expected?: Digest): Digest {
    if (expected !== undefined && !matchesDigest(bytes, expected))
      throw new StoreError('DIGEST_INVALID', `the content is not what ${expected} names`);
    const digest = expected ?? digestOf(bytes);
    const into = this.#open(repository);
    this.#blobs.put(digest, bytes);
    this.#link(repository, into, digest);
    return digest;
  }

  /** Makes a blob of `from` visible in `repository`; false when `from` does not have it. */
  mountBlob(repository: string, from: string, digest: Digest): boolean {
    if (!this.hasBlob(from, digest)) return false;
    this.#link(repository, this.#open(repository), digest);
    return true;
  }

  deleteBlob(repository: string, digest: Digest): void {
    if (!this.hasBlob(repository, digest))
      throw new StoreError('BLOB_UNKNOWN', `${repository} has no blob ${digest}`);
    this.#record.remove({ kind: 'blob', repository, digest });
    this.#repositories.get(repository)?.blobs.delete(digest);
    this.#dropUnlinked(digest);
  }

  /** Media type by which a manifest of the repository names the blob; undefined when none does. */
  typeOfBlob(repository: string, digest: Digest): string | undefined {
    for (const { document } of this.#repositories.get(repository)?.manifests.values() ?? []) {
      const named = document.kind === 'manifest' ? [document.config, ...document.layers] : [];
      const found = named.find((descriptor) => descriptor.digest === digest);
      if (found !== undefined) return found.mediaType;
    }
    return undefined;
  }

  /** Manifests that indexes of the repository name, in the order pushed. */
  namedByIndexes(repository: string): readonly Digest[] {
    const manifests = [...(this.#repositories.get(repository)?.manifests.values() ?? [])];
    const named = manifests.flatMap(({ document }) => (document.kind === 'index' ? document.manifests : []));
    return [...new Set(named.map(({ digest }) => digest))];
  }

  /** `target` is a tag or a digest. */
  findManifest(repository: string, target: string): StoredManifest | undefined {
    const content = this.#repositories.get(repository);
    return content?.manifests.get(content.tags.get(target) ?? (target as Digest));
  }

  /** As findManifest; throws StoreError NAME_UNKNOWN or MANIFEST_UNKNOWN. */
  manifest(repository: string, target: string): StoredManifest {
    this.#known(repository);
    const stored = this.findManifest(repository, target);
    if (stored === undefined)
      throw new StoreError('MANIFEST_UNKNOWN', `${repository} has no manifest ${target}`);
    return stored;
  }

  /**
   * Stores under a digest, which must match, or under a tag, which then points here. Everything named
   * must be there already, the subject excepted. Source: distribution-spec, "Pushing Manifests".
   */
  putManifest(repository: string, target: string, content: ManifestContent): StoredManifest {
    const byDigest = target.includes(':');
    if (!byDigest && !isTag(target)) throw new StoreError('MANIFEST_INVALID', `${target} is not a tag`);
    if (byDigest && !matchesDigest(content.bytes, target as Digest))
      throw new StoreError('DIGEST_INVALID', `the manifest is not what ${target} names`);
    if (content.bytes.length > MANIFEST_BYTES_MAX)
      throw new StoreError('SIZE_INVALID', `a manifest has at most ${MANIFEST_BYTES_MAX} bytes`);
    const parsed = parseManifest(content.bytes, content.mediaType);
    if (!parsed.ok) throw new StoreError('MANIFEST_INVALID', parsed.refusal.message);
    const into = this.#open(repository);
    this.#checkNamed(into, parsed.value);
    const digest = byDigest ? (target as Digest) : digestOf(content.bytes);
    const stored = { ...content, digest, document: parsed.value };
    if (!into.manifests.has(digest)) {
      this.#record.add({ kind: 'manifest', repository, digest, order: ++this.#pushes, content });
      into.manifests.set(digest, stored);
    }
    if (!byDigest) {
      this.#record.add({ kind: 'tag', repository, tag: target, digest });
      into.tags.set(target, digest);
    }
    return stored;
  }

  /** By tag: the tag goes, the manifest stays. By digest: the manifest and every tag on it go. */
  deleteManifest(repository: string, target: string): void {
    const content = this.#known(repository);
    if (content.tags.has(target)) {
      this.#untag(repository, content, target);
      return;
    }
    const digest = target as Digest;
    if (!content.manifests.has(digest))
      throw new StoreError('MANIFEST_UNKNOWN', `${repository} has no manifest ${target}`);
    for (const [tag, named] of [...content.tags]) if (named === digest) this.#untag(repository, content, tag);
    this.#record.remove({ kind: 'manifest', repository, digest });
    content.manifests.delete(digest);
  }

  /** Tags after `last` in lexical order, at most `limit` of them; throws StoreError NAME_UNKNOWN. */
  tags(repository: string, last = '', limit = Number.POSITIVE_INFINITY): { tags: string[]; more: boolean } {
    const after = [...this.#known(repository).tags.keys()].filter((tag) => tag > last).sort();
    return { tags: after.slice(0, limit), more: after.length > limit };
  }

  /** Descriptors of the manifests whose subject is `digest`. Source: distribution-spec, "Listing Referrers". */
  referrers(repository: string, digest: Digest, artifactType?: string): Descriptor[] {
    const found: Descriptor[] = [];
    for (const { document, ...stored } of this.#repositories.get(repository)?.manifests.values() ?? []) {
      if (document.subject?.digest !== digest) continue;
      const fallback = document.kind === 'manifest' ? document.config.mediaType : undefined;
      const type = document.artifactType ?? fallback;
      if (artifactType !== undefined && type !== artifactType) continue;
      found.push({
        mediaType: stored.mediaType,
        digest: stored.digest,
        size: stored.bytes.length,
        ...(type === undefined ? {} : { artifactType: type }),
        ...(document.annotations === undefined ? {} : { annotations: document.annotations }),
      });
    }
    return found;
  }

  #checkNamed(into: RepositoryContent, document: ImageIndex | ImageManifest): void {
    if (document.kind === 'index') {
      for (const { digest } of document.manifests)
        if (!into.manifests.has(digest))
          throw new StoreError('MANIFEST_BLOB_UNKNOWN', `the index names manifest ${digest}, push it first`);
      return;
    }
    for (const { digest, size } of [document.config, ...document.layers]) {
      const held = into.blobs.has(digest) ? this.#blobs.sizeOf(digest) : undefined;
      if (held === undefined)
        throw new StoreError('MANIFEST_BLOB_UNKNOWN', `the manifest names blob ${digest}, push it first`);
      if (held !== size)
        throw new StoreError('SIZE_INVALID', `blob ${digest} has ${held} bytes, the manifest says ${size}`);
    }
  }

  #link(repository: string, into: RepositoryContent, digest: Digest): void {
    if (into.blobs.has(digest)) return;
    this.#record.add({ kind: 'blob', repository, digest });
    into.blobs.add(digest);
  }

  #untag(repository: string, content: RepositoryContent, tag: string): void {
    this.#record.remove({ kind: 'tag', repository, tag });
    content.tags.delete(tag);
  }

  #dropUnlinked(digest: Digest): void {
    const kept = [...this.#repositories.values()].some((content) => content.blobs.has(digest));
    if (!kept) this.#blobs.delete(digest);
  }

  /** Takes up what the files hold; a tag or link to what is not there any more is left out. */
  #adopt(facts: readonly StoreFact[]): void {
    const manifests = facts.filter((fact) => fact.kind === 'manifest').sort((a, b) => a.order - b.order);
    for (const fact of facts)
      if (fact.kind === 'blob' && this.#blobs.sizeOf(fact.digest) !== undefined)
        this.#open(fact.repository).blobs.add(fact.digest);
    for (const { repository, digest, order, content } of manifests) {
      const parsed = parseManifest(content.bytes, content.mediaType);
      if (!parsed.ok) continue;
      this.#open(repository).manifests.set(digest, { ...content, digest, document: parsed.value });
      this.#pushes = Math.max(this.#pushes, order);
    }
    for (const fact of facts)
      if (fact.kind === 'tag' && this.#repositories.get(fact.repository)?.manifests.has(fact.digest) === true)
        this.#open(fact.repository).tags.set(fact.tag, fact.digest);
  }

  #open(repository: string): RepositoryContent {
    const known = this.#repositories.get(repository);
    if (known !== undefined) return known;
    if (!isRepositoryName(repository))
      throw new StoreError('NAME_INVALID', `${JSON.stringify(repository)} is not a repository name`);
    const content: RepositoryContent = { blobs: new Set(), manifests: new Map(), tags: new Map() };
    this.#repositories.set(repository, content);
    return content;
  }

  #known(repository: string): RepositoryContent {
    const known = this.#repositories.get(repository);
    if (known === undefined)
      throw new StoreError('NAME_UNKNOWN', `no repository ${JSON.stringify(repository)}`);
    return known;
  }
}
