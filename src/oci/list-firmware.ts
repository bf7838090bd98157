import { DELTA_FROM, DELTA_TO, DELTA_TYPE } from './delta-layer.ts';
import { type Digest, parseDigest } from './digest.ts';
import { attachedDeltas } from './fetch-delta.ts';
import { resolveFirmware } from './fetch-firmware.ts';
import { APP_IMAGE_TYPE } from './firmware-layers.ts';
import { type FirmwareSource, fetchManifest } from './firmware-source.ts';
import type { Descriptor, ImageManifest } from './manifest.ts';
import { isManifestType } from './media-type.ts';
import type { Repository } from './reference.ts';

/** A delta, by the base it is for. */
export interface ListedDelta {
  /** What the base measures, as a digest. */
  readonly from: Digest;
  readonly digest: Digest;
  readonly size: number;
}

/** One target of an artifact, by its manifest; no image is fetched for it. */
export interface ListedTarget {
  /** Chip and what else a board must be, `esp32s3 key-id=KEY3`. */
  readonly name: string;
  readonly descriptor: Descriptor;
  readonly annotations: Readonly<Record<string, string>>;
  readonly layers: readonly Descriptor[];
  /** To this target's app image, among its layers or attached to it later. */
  readonly deltas: readonly ListedDelta[];
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
      deltas: await listDeltas(source, repository, descriptor.digest, manifest),
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

/** As a board would find them: of several for one base the first. */
async function listDeltas(
  source: FirmwareSource,
  repository: Repository,
  subject: Digest,
  manifest: ImageManifest,
): Promise<readonly ListedDelta[]> {
  const image = manifest.layers.find(({ mediaType }) => mediaType === APP_IMAGE_TYPE)?.digest;
  const found = new Map<string, ListedDelta>();
  const add = ({ layers }: ImageManifest): void => {
    for (const { mediaType, digest, size, annotations } of layers) {
      const from = parseDigest(annotations?.[DELTA_FROM] ?? '');
      if (mediaType !== DELTA_TYPE || !from.ok || annotations?.[DELTA_TO] !== image) continue;
      if (!found.has(from.value)) found.set(from.value, { from: from.value, digest, size });
    }
  };
  add(manifest);
  if (image !== undefined)
    for await (const attached of attachedDeltas(source, repository, subject)) add(attached);
  return [...found.values()];
}
