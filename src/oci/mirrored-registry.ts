import { type Digest, matchesDigest } from './digest.ts';
import type { Descriptor } from './manifest.ts';
import type { Reference, Repository } from './reference.ts';
import { accept, type Decoded, quote, refuse } from './refusal.ts';
import type { BlobKey, ByteRange, ManifestContent, Registry, TagPage } from './registry.ts';
import { RegistryError } from './registry-error.ts';

/** Hosts that hold copies, by the host they hold copies of, in the order they are asked. */
export type Mirrors = Readonly<Record<string, readonly string[]>>;

/** Reads `HOST=MIRROR`, each; several of one host are asked in the order they are written. */
export function mirrorsIn(settings: readonly string[]): Decoded<Mirrors> {
  const mirrors: Record<string, string[]> = {};
  for (const setting of settings) {
    const [host = '', mirror = '', ...more] = setting.split('=');
    if (host === '' || mirror === '' || more.length > 0)
      return refuse('malformed', '', `a mirror is written HOST=MIRROR, not ${quote(setting)}`);
    mirrors[host] = [...(mirrors[host] ?? []), mirror];
  }
  return accept(mirrors);
}

/**
 * Reads from mirrors first and from the registry itself when none of them helps; writes go to the registry.
 *
 * Content that a mirror gives is checked here, so that a mirror that went bad costs a request and nothing
 * else. What a tag means, a mirror may know late: pin a digest where that matters.
 */
export class MirroredRegistry implements Registry {
  readonly #inner: Registry;
  readonly #mirrors: Mirrors;
  readonly #mirrorDoor: Registry;

  /** `mirrorDoor` reaches the mirrors; one that gives up early, so that a dead mirror delays nothing. */
  constructor(inner: Registry, mirrors: Mirrors, mirrorDoor: Registry = inner) {
    this.#inner = inner;
    this.#mirrors = mirrors;
    this.#mirrorDoor = mirrorDoor;
  }

  resolve(reference: Reference): Promise<Descriptor> {
    return this.#first(reference, (place, door) => door.resolve({ ...reference, ...place }));
  }

  manifest(repository: Repository, digest: Digest): Promise<ManifestContent> {
    return this.#first(repository, async (place, door) => {
      const content = await door.manifest(place, digest);
      if (place.host !== repository.host) check(content.bytes, digest);
      return content;
    });
  }

  blob(repository: Repository, key: BlobKey, range?: ByteRange): Promise<Uint8Array> {
    return this.#first(repository, async (place, door) => {
      const bytes = await door.blob(place, key, range);
      if (place.host !== repository.host && range === undefined) check(bytes, key.digest);
      return bytes;
    });
  }

  hasBlob(repository: Repository, digest: Digest): Promise<boolean> {
    return this.#inner.hasBlob(repository, digest);
  }

  tags(repository: Repository, page?: TagPage): Promise<readonly string[]> {
    return this.#inner.tags(repository, page);
  }

  referrers(repository: Repository, digest: Digest, artifactType?: string): Promise<readonly Descriptor[]> {
    return this.#inner.referrers(repository, digest, artifactType);
  }

  putBlob(repository: Repository, bytes: Uint8Array): Promise<Digest> {
    return this.#inner.putBlob(repository, bytes);
  }

  mountBlob(repository: Repository, from: string, digest: Digest): Promise<boolean> {
    return this.#inner.mountBlob(repository, from, digest);
  }

  putManifest(reference: Reference, content: ManifestContent): Promise<Digest> {
    return this.#inner.putManifest(reference, content);
  }

  /** The registry's own failure is the one that comes out: a mirror's is nobody's business. */
  async #first<T>(
    { host, name }: Repository,
    ask: (place: Repository, door: Registry) => Promise<T>,
  ): Promise<T> {
    for (const mirror of this.#mirrors[host] ?? []) {
      try {
        return await ask({ host: mirror, name }, this.#mirrorDoor);
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
      }
    }
    return ask({ host, name }, this.#inner);
  }
}

function check(bytes: Uint8Array, digest: Digest): void {
  if (!matchesDigest(bytes, digest))
    throw new RegistryError('digest-mismatch', `a mirror's content is not what ${digest} names`);
}
