import { DELTA_TYPE, deltaAnnotations } from './delta-layer.ts';
import { type Digest, digestOf } from './digest.ts';
import type { ChipFirmware } from './fetch-firmware.ts';
import { encodeManifest } from './manifest.ts';
import { OCI_EMPTY, OCI_MANIFEST } from './media-type.ts';
import type { PackedDelta } from './pack-delta.ts';
import type { Repository } from './reference.ts';
import type { Registry } from './registry.ts';

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
