import type { Digest } from './digest.ts';
import { decodeJson, encodeCanonicalJson, type JsonPlace, type JsonValue } from './json-document.ts';
import { bareMediaType, isIndexType, isManifestType } from './media-type.ts';
import { type Decoded, refuse } from './refusal.ts';

/** A larger manifest is refused. Source: OCI distribution-spec, "Pushing Manifests" (4 megabytes). */
export const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;

/** What an entry of an index is for. Source: OCI image-spec, image-index.md. */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  /** What a system must offer for this entry to run on it. */
  readonly 'os.features'?: readonly string[];
}

/** Names content by what it is. Source: OCI image-spec, descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  /** The content itself in base64, for very small content. */
  readonly data?: string;
}

/** Source: OCI image-spec, image-index.md; Docker's manifest list has the same shape. */
export interface ImageIndex {
  readonly kind: 'index';
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Source: OCI image-spec, manifest.md; Docker's manifest of schema 2 has the same shape. */
export interface ImageManifest {
  readonly kind: 'manifest';
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Reads an index or a manifest, whichever `mediaType` (a Content-Type) says it is.
 *
 * Unknown members are ignored, as the specification asks. A document that says another type than it
 * was served as, or that has the members of both kinds, is refused: two readers could take it for two
 * different things. Source: image-spec advisory GHSA-77vh-xpmg-72qh.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string): Decoded<ImageIndex | ImageManifest> {
  const type = bareMediaType(mediaType);
  if (!isIndexType(type) && !isManifestType(type))
    return refuse(
      'unsupported-media-type',
      'mediaType',
      `cannot read a manifest of type ${JSON.stringify(type)}`,
    );
  return decodeJson(bytes, MANIFEST_BYTES_MAX, (root) => {
    if (root.at('schemaVersion').count() !== 2) root.at('schemaVersion').refuse('malformed', 'must be 2');
    const declared = root.at('mediaType');
    if (declared.present && declared.string() !== type)
      declared.refuse('malformed', `says ${JSON.stringify(declared.string())} but was served as ${type}`);
    return isIndexType(type) ? readIndex(root, type) : readImageManifest(root, type);
  });
}

function readIndex(root: JsonPlace, mediaType: string): ImageIndex {
  for (const key of ['config', 'layers'])
    if (root.at(key).present) root.at(key).refuse('malformed', 'belongs to a manifest, this is an index');
  return {
    kind: 'index',
    mediaType,
    manifests: root.at('manifests').list().map(readDescriptor),
    ...readCommon(root),
  };
}

function readImageManifest(root: JsonPlace, mediaType: string): ImageManifest {
  if (root.at('manifests').present)
    root.at('manifests').refuse('malformed', 'belongs to an index, this is a manifest');
  return {
    kind: 'manifest',
    mediaType,
    config: readDescriptor(root.at('config')),
    layers: root.at('layers').list().map(readDescriptor),
    ...readCommon(root),
  };
}

function readCommon(root: JsonPlace): Pick<ImageIndex, 'artifactType' | 'subject' | 'annotations'> {
  return {
    ...optional(root, 'artifactType', (place) => place.string()),
    ...optional(root, 'subject', readDescriptor),
    ...optional(root, 'annotations', (place) => place.strings()),
  };
}

/** `{ key: value }` where the document has the member, `{}` where it has not. */
function optional<K extends string, T>(
  root: JsonPlace,
  key: K,
  read: (place: JsonPlace) => T,
): { [P in K]?: T } {
  const place = root.at(key);
  return (place.present ? { [key]: read(place) } : {}) as { [P in K]?: T };
}

/** Reads one descriptor; `mediaType`, `digest` and `size` are required. */
export function readDescriptor(place: JsonPlace): Descriptor {
  return {
    mediaType: place.at('mediaType').string(),
    digest: place.at('digest').digest(),
    size: place.at('size').count(),
    ...optional(place, 'artifactType', (member) => member.string()),
    ...optional(place, 'annotations', (member) => member.strings()),
    ...optional(place, 'platform', readPlatform),
    ...optional(place, 'data', (member) => member.string()),
  };
}

function readPlatform(place: JsonPlace): Platform {
  return {
    architecture: place.at('architecture').string(),
    os: place.at('os').string(),
    ...optional(place, 'variant', (member) => member.string()),
    ...optional(place, 'os.features', (member) => member.list().map((feature) => feature.string())),
  };
}

/** The bytes of an index or manifest, canonical: what is equal has equal digests. */
export function encodeManifest(document: ImageIndex | ImageManifest): Uint8Array {
  const { kind: _, ...members } = document;
  return encodeCanonicalJson({ schemaVersion: 2, ...members } as unknown as JsonValue);
}
