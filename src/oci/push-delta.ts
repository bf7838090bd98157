import { createDelta } from '../delta/create-patch.ts';
import { deltaBaseOf } from '../delta/delta-file.ts';
import { chipIdInImage, describeChipId } from './chip.ts';
import { DELTA_TYPE, deltaAnnotations } from './delta-layer.ts';
import { type Digest, digestOf } from './digest.ts';
import type { ChipFirmware } from './fetch-firmware.ts';
import { encodeManifest } from './manifest.ts';
import { OCI_EMPTY, OCI_MANIFEST } from './media-type.ts';
import type { Repository } from './reference.ts';
import { accept, type Decoded, refuse } from './refusal.ts';
import type { Registry } from './registry.ts';

/** A delta ready to be stored, and what it is known by. */
export interface PackedDelta {
  /** A delta file. */
  readonly bytes: Uint8Array;
  /** What the base measures to. */
  readonly from: Digest;
  readonly imageDigest: Digest;
}

/**
 * Makes the delta that brings boards which run `base` to `image`. The same images give the same bytes.
 *
 * Refused: a base that is no app image, or for another chip, and a delta that would not be smaller.
 */
export function packDelta(base: Uint8Array, image: Uint8Array): Decoded<PackedDelta> {
  const from = deltaBaseOf(base);
  if (from === undefined) return refuse('malformed', 'base', 'is no ESP-IDF app image');
  const [wanted, present] = [chipIdInImage(image), chipIdInImage(base)];
  if (wanted === undefined || present === undefined)
    return refuse('malformed', 'image', 'is no ESP-IDF app image');
  if (wanted !== present)
    return refuse(
      'malformed',
      'base',
      `is for ${describeChipId(present)}, the image for ${describeChipId(wanted)}`,
    );
  const bytes = createDelta(from, image);
  if (bytes.length >= image.length)
    return refuse('too-large', 'delta', `of ${bytes.length} bytes is no smaller than the image; send that`);
  return accept({ bytes, from: `sha256:${from.measurement}`, imageDigest: digestOf(image) });
}

const EMPTY_CONFIG = new TextEncoder().encode('{}');

/**
 * Attaches a delta to the manifest of `firmware`; the artifact itself is not changed. Returns the digest of
 * the delta's manifest. Attaching twice is attaching once. Rejects with RegistryError.
 */
export async function pushDelta(
  registry: Registry,
  repository: Repository,
  firmware: ChipFirmware,
  packed: PackedDelta,
): Promise<Digest> {
  const { host, name } = repository;
  const subject = await registry.resolve({ host, name, digest: firmware.manifestDigest });
  const annotations = deltaAnnotations(packed.from, packed.imageDigest);
  const config = await registry.putBlob({ host, name }, EMPTY_CONFIG);
  const digest = await registry.putBlob({ host, name }, packed.bytes);
  const bytes = encodeManifest({
    kind: 'manifest',
    mediaType: OCI_MANIFEST,
    artifactType: DELTA_TYPE,
    config: { mediaType: OCI_EMPTY, digest: config, size: EMPTY_CONFIG.length },
    layers: [{ mediaType: DELTA_TYPE, digest, size: packed.bytes.length, annotations }],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    annotations,
  });
  return registry.putManifest({ host, name, digest: digestOf(bytes) }, { mediaType: OCI_MANIFEST, bytes });
}
