import type { Digest } from '../../src/oci/digest.ts';
import type { Descriptor } from '../../src/oci/manifest.ts';
import type { Reference, Repository } from '../../src/oci/reference.ts';
import type { BlobKey, ByteRange, ManifestContent, Registry, TagPage } from '../../src/oci/registry.ts';

/** A registry known by one name and reached at another, as a mirror in a container runtime's configuration is. */
export class RegistryAlias implements Registry {
  readonly #registry: Registry;
  readonly #name: string;
  readonly #host: string;

  /** References to `name` go to `host`; all others go where they say. */
  constructor(registry: Registry, name: string, host: string) {
    this.#registry = registry;
    this.#name = name;
    this.#host = host;
  }

  resolve(reference: Reference): Promise<Descriptor> {
    return this.#registry.resolve(this.#at(reference));
  }

  manifest(repository: Repository, digest: Digest): Promise<ManifestContent> {
    return this.#registry.manifest(this.#at(repository), digest);
  }

  blob(repository: Repository, blob: BlobKey, range?: ByteRange): Promise<Uint8Array> {
    return this.#registry.blob(this.#at(repository), blob, range);
  }

  hasBlob(repository: Repository, digest: Digest): Promise<boolean> {
    return this.#registry.hasBlob(this.#at(repository), digest);
  }

  tags(repository: Repository, page?: TagPage): Promise<readonly string[]> {
    return this.#registry.tags(this.#at(repository), page);
  }

  referrers(repository: Repository, digest: Digest, artifactType?: string): Promise<readonly Descriptor[]> {
    return this.#registry.referrers(this.#at(repository), digest, artifactType);
  }

  putBlob(repository: Repository, bytes: Uint8Array): Promise<Digest> {
    return this.#registry.putBlob(this.#at(repository), bytes);
  }

  mountBlob(repository: Repository, from: string, digest: Digest): Promise<boolean> {
    return this.#registry.mountBlob(this.#at(repository), from, digest);
  }

  putManifest(reference: Reference, content: ManifestContent): Promise<Digest> {
    return this.#registry.putManifest(this.#at(reference), content);
  }

  #at<T extends Repository>(place: T): T {
    return place.host === this.#name ? { ...place, host: this.#host } : place;
  }
}
