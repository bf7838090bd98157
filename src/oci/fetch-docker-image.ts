import { normalizeArchitecture } from './chip.ts';
import { type Digest, digestOf } from './digest.ts';
import {
  CONFIG_BYTES_MAX,
  type DockerFirmwareConfig,
  extractFirmware,
  parseDockerConfig,
} from './docker-firmware.ts';
import { FirmwareError } from './firmware-error.ts';
import { type FirmwareSource, fetchBlob, imageBytesMax, unwrap } from './firmware-source.ts';
import type { Descriptor, ImageManifest } from './manifest.ts';
import type { Repository } from './reference.ts';
import { quote } from './refusal.ts';

/** Fetches a container image's config and layers, last layer first, until one holds the app image. */
export async function fetchDockerImage(
  source: FirmwareSource,
  repository: Repository,
  manifest: ImageManifest,
  architecture: string,
): Promise<{ image: Uint8Array; imageDigest: Digest }> {
  const configBytes = await fetchBlob(source, 'config', repository, manifest.config, CONFIG_BYTES_MAX);
  const config = unwrap('config', parseDockerConfig(configBytes));
  if (normalizeArchitecture(config.architecture) !== architecture)
    throw new FirmwareError(
      'config',
      'wrong-chip',
      `says ${quote(config.architecture)}, the index ${architecture}`,
    );
  // A later layer covers an earlier one, so the last that has the file is the one a container would see.
  for (const layer of [...manifest.layers].reverse()) {
    const packed = await fetchBlob(source, 'layer', repository, layer, imageBytesMax(source));
    const image = await unpacked(source, layer, packed, config);
    if (image !== undefined) return { image, imageDigest: digestOf(image) };
  }
  const where = config.path === undefined ? 'a file under /firmware/' : `/${config.path}`;
  throw new FirmwareError('layer', 'no-app-image', `no layer holds ${where}`);
}

/** Unpacks once per node: devices of one chip share the image, and one array of it. */
async function unpacked(
  source: FirmwareSource,
  layer: Descriptor,
  packed: Uint8Array,
  config: DockerFirmwareConfig,
): Promise<Uint8Array | undefined> {
  const extract = (): Uint8Array | undefined =>
    unwrap('layer', extractFirmware(packed, layer.mediaType, config.path, imageBytesMax(source)));
  if (source.cache === undefined) return extract();
  const key = `${layer.digest}/${config.path ?? ''}`;
  const image = await source.cache.get(key, async () => extract() ?? new Uint8Array(0));
  return image.length === 0 ? undefined : image;
}
