import type { Digest } from './digest.ts';
import { resolveFirmware } from './fetch-firmware.ts';
import { type FirmwareSource, fetchManifest } from './firmware-source.ts';
import type { Descriptor, ImageManifest } from './manifest.ts';
import { isManifestType } from './media-type.ts';
import type { Repository } from './reference.ts';

/** One target of an artifact, by its manifest; no image is fetched for it. */
export interface ListedTarget {
  /** Chip and what else a board must be, `esp32s3 key-id=KEY3`. */
  readonly name: string;
  readonly descriptor: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
  readonly layers: readonly Descriptor[];
}

/** Everything about an artifact but its images. */
export interface FirmwareListing {
  readonly repository: Repository;
  readonly digest: Digest;
  readonly artifactType?: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** In the order of the index. */
  readonly targets: readonly ListedTarget[];
}

/** Fetches index and manifests, verified, and none of the layers. Throws FirmwareError. */
export async function listFirmware(source: FirmwareSource, reference: string): Promise<FirmwareListing> {
  const { repository, digest, index } = await resolveFirmware(source, reference);
  const targets: ListedTarget[] = [];
  for (const descriptor of index.manifests) {
    if (!isManifestType(descriptor.mediaType)) continue;
    const manifest = (await fetchManifest(source, 'manifest', repository, descriptor)) as ImageManifest;
    const { architecture = 'unknown', 'os.features': features = [] } = descriptor.platform ?? {};
    targets.push({
      name: [architecture, ...features].join(' '),
      descriptor,
      annotations: manifest.annotations ?? {},
      layers: manifest.layers,
    });
  }
  const { artifactType, annotations = {} } = index;
  return {
    repository,
    digest,
    annotations,
    targets,
    ...(artifactType === undefined ? {} : { artifactType }),
  };
}
