import { matchesDigest } from './digest.ts';
import { type Descriptor, MANIFEST_BYTES_MAX } from './manifest.ts';
import { bareMediaType } from './media-type.ts';
import type { Repository } from './reference.ts';
import type { Registry } from './registry.ts';
import { RegistryError } from './registry-error.ts';

/**
 * Fetches the index or manifest that `descriptor` names and proves that it is that: size, digest,
 * media type. Rejects with RegistryError: `size-mismatch`, `digest-mismatch`, `too-large` and `malformed`
 * come from here, the rest from the adapter.
 */
export async function pullManifest(
  registry: Registry,
  repository: Repository,
  descriptor: Descriptor,
): Promise<Uint8Array> {
  checkSize(descriptor, MANIFEST_BYTES_MAX);
  const content = await registry.manifest(repository, descriptor.digest);
  checkContent(descriptor, content.bytes);
  const mediaType = bareMediaType(content.mediaType);
  if (mediaType !== descriptor.mediaType)
    throw new RegistryError(
      'malformed',
      `${descriptor.digest} is announced as ${descriptor.mediaType} and served as ${mediaType}`,
    );
  return content.bytes;
}

/** Fetches a whole blob of at most `bytesMax` and proves that it is what `descriptor` names. */
export async function pullBlob(
  registry: Registry,
  repository: Repository,
  descriptor: Descriptor,
  bytesMax: number,
): Promise<Uint8Array> {
  checkSize(descriptor, bytesMax);
  const bytes = await registry.blob(repository, descriptor);
  checkContent(descriptor, bytes);
  return bytes;
}

function checkSize(descriptor: Descriptor, bytesMax: number): void {
  if (descriptor.size > bytesMax)
    throw new RegistryError(
      'too-large',
      `${descriptor.digest} has ${descriptor.size} bytes; at most ${bytesMax} are fetched`,
    );
}

function checkContent(descriptor: Descriptor, bytes: Uint8Array): void {
  if (bytes.length !== descriptor.size)
    throw new RegistryError(
      'size-mismatch',
      `${descriptor.digest} came with ${bytes.length} of ${descriptor.size} bytes`,
    );
  if (!matchesDigest(bytes, descriptor.digest))
    throw new RegistryError('digest-mismatch', `the content is not what ${descriptor.digest} names`);
}
