import type { ContentCache } from './content-cache.ts';
import { atHop, FirmwareError, type FirmwareHop } from './firmware-error.ts';
import { type Descriptor, type ImageIndex, type ImageManifest, parseManifest } from './manifest.ts';
import { pullBlob, pullManifest } from './pull.ts';
import type { Repository } from './reference.ts';
import type { Decoded } from './refusal.ts';
import type { Registry } from './registry.ts';

/** The largest app image fetched unless told otherwise: the largest flash the house's chips carry. */
export const IMAGE_BYTES_MAX = 32 * 1024 * 1024;

/** Where firmware is fetched from, and what the agents of a node share. */
export interface FirmwareSource {
  readonly registry: Registry;
  /** Absent: every call goes to the registry. */
  readonly cache?: ContentCache;
  /** Absent: IMAGE_BYTES_MAX. */
  readonly imageBytesMax?: number;
}

export function imageBytesMax(source: FirmwareSource): number {
  return source.imageBytesMax ?? IMAGE_BYTES_MAX;
}

/** A verified and parsed index or manifest, from the cache or the registry. */
export async function fetchManifest(
  source: FirmwareSource,
  hop: FirmwareHop,
  repository: Repository,
  descriptor: Descriptor,
): Promise<ImageIndex | ImageManifest> {
  const bytes = await fetchContent(source, hop, descriptor, () =>
    pullManifest(source.registry, repository, descriptor),
  );
  return unwrap(hop, parseManifest(bytes, descriptor.mediaType));
}

/** A verified blob of at most `bytesMax`, from the cache or the registry. */
export function fetchBlob(
  source: FirmwareSource,
  hop: FirmwareHop,
  repository: Repository,
  descriptor: Descriptor,
  bytesMax: number,
): Promise<Uint8Array> {
  return fetchContent(source, hop, descriptor, () =>
    pullBlob(source.registry, repository, descriptor, bytesMax),
  );
}

/** The decoded value; a refusal is thrown as the FirmwareError of its hop. */
export function unwrap<T>(hop: FirmwareHop, decoded: Decoded<T>): T {
  if (!decoded.ok) throw FirmwareError.ofRefusal(hop, decoded.refusal);
  return decoded.value;
}

async function fetchContent(
  source: FirmwareSource,
  hop: FirmwareHop,
  descriptor: Descriptor,
  pull: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const bytes = await atHop(hop, () => source.cache?.get(descriptor.digest, pull) ?? pull());
  // Cached content was verified for whoever asked first; this descriptor may state another size.
  if (bytes.length !== descriptor.size)
    throw new FirmwareError(
      hop,
      'size-mismatch',
      `${descriptor.digest} has ${bytes.length} bytes, not ${descriptor.size}`,
    );
  return bytes;
}
