import type { Digest } from '../../src/oci/digest.ts';
import {
  type Descriptor,
  encodeManifest,
  type ImageIndex,
  MANIFEST_BYTES_MAX,
  parseManifest,
} from '../../src/oci/manifest.ts';
import { OCI_INDEX } from '../../src/oci/media-type.ts';
import type { Reference, Repository } from '../../src/oci/reference.ts';
import type { ManifestContent } from '../../src/oci/registry.ts';
import { RegistryError } from '../../src/oci/registry-error.ts';
import { type Answer, type Exchange, exchangeWith } from './registry-http-transport.ts';

/** The tag that stands for the referrers of `digest`. Source: distribution-spec, "Referrers Tag Schema". */
export function fallbackTagOf(digest: Digest): string {
  return digest.replace(':', '-').slice(0, 128);
}

/**
 * The index of referrers with `content` in it, ready to be put under its subject's fallback tag; undefined
 * when it is no referrer or stands there already.
 *
 * Two clients that do this at the same time can lose one entry: the schema has no way to prevent it.
 */
export async function addReferrer(
  send: (exchange: Exchange) => Promise<Answer>,
  repository: Repository,
  content: ManifestContent,
  digest: Digest,
): Promise<{ readonly reference: Reference; readonly content: ManifestContent } | undefined> {
  const parsed = parseManifest(content.bytes, content.mediaType);
  if (!parsed.ok || parsed.value.subject === undefined) return undefined;
  const { artifactType, annotations, mediaType, kind } = parsed.value;
  const type = artifactType ?? (kind === 'manifest' ? parsed.value.config.mediaType : undefined);
  const entry: Descriptor = {
    mediaType,
    digest,
    size: content.bytes.length,
    ...(type === undefined ? {} : { artifactType: type }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  const tag = fallbackTagOf(parsed.value.subject.digest);
  const known = await fetchIndex(send, repository, tag);
  if (known.some((other) => other.digest === digest)) return undefined;
  const index: ImageIndex = { kind: 'index', mediaType: OCI_INDEX, manifests: [...known, entry] };
  const { host, name } = repository;
  return { reference: { host, name, tag }, content: { mediaType: OCI_INDEX, bytes: encodeManifest(index) } };
}

async function fetchIndex(
  send: (exchange: Exchange) => Promise<Answer>,
  repository: Repository,
  tag: string,
): Promise<readonly Descriptor[]> {
  const answer = await send(
    exchangeWith(repository, 'GET', `/v2/${repository.name}/manifests/${tag}`, {
      access: 'push',
      headers: { accept: OCI_INDEX },
      bytesMax: MANIFEST_BYTES_MAX,
      mayBeAbsent: true,
    }),
  );
  if (answer.status === 404) return [];
  const parsed = parseManifest(answer.body, OCI_INDEX);
  if (!parsed.ok || parsed.value.kind !== 'index')
    throw new RegistryError(
      'malformed',
      `${repository.host}/${repository.name}:${tag} should list referrers and is not an index`,
    );
  return parsed.value.manifests;
}
