import {
  chipIdInImage,
  chipIdOf,
  chipOfArchitecture,
  describeChipId,
  normalizeArchitecture,
} from './chip.ts';
import type { Digest } from './digest.ts';
import { DOCKER_FIRMWARE_OS } from './docker-firmware.ts';
import { fetchDockerImage } from './fetch-docker-image.ts';
import {
  ANNOTATION,
  APP_IMAGE_TYPE,
  FIRMWARE_ARTIFACT_TYPE,
  FIRMWARE_OS,
  type FirmwareMeta,
  readFirmwareMeta,
} from './firmware-artifact.ts';
import { atHop, FirmwareError } from './firmware-error.ts';
import { type FirmwareSource, fetchBlob, fetchManifest, imageBytesMax, unwrap } from './firmware-source.ts';
import type { Descriptor, ImageIndex, ImageManifest } from './manifest.ts';
import { isIndexType, isManifestType } from './media-type.ts';
import { parseReference, type Repository } from './reference.ts';
import { quote } from './refusal.ts';

/** A reference held to one digest: what every device of a FlashJob gets, even when the tag moves. */
export interface ResolvedFirmware {
  readonly repository: Repository;
  readonly digest: Digest;
  readonly index: ImageIndex;
}

/** An app image for one chip, proved hop by hop. */
export interface ChipFirmware {
  /** Architecture of the entry it was found under. */
  readonly architecture: string;
  readonly manifestDigest: Digest;
  /** SHA-256 of `image`; for our artifact this is the layer's digest. */
  readonly imageDigest: Digest;
  /** Shared: must not be changed. The same array for every device of a node. */
  readonly image: Uint8Array;
  /** What the artifact says about the image; absent in a container image, which says nothing. */
  readonly meta?: FirmwareMeta;
}

/**
 * Asks once what `reference` means now, and fetches the index under that digest.
 *
 * A reference to the manifest of a single chip is refused with `unsupported-media-type` at hop `index`.
 * Throws FirmwareError.
 */
export async function resolveFirmware(source: FirmwareSource, reference: string): Promise<ResolvedFirmware> {
  const parsed = unwrap('reference', parseReference(reference));
  const descriptor = await atHop('resolve', () => source.registry.resolve(parsed));
  if (parsed.digest !== undefined && descriptor.digest !== parsed.digest)
    throw new FirmwareError(
      'resolve',
      'digest-mismatch',
      `asked for ${parsed.digest}, got ${descriptor.digest}`,
    );
  if (!isIndexType(descriptor.mediaType))
    throw new FirmwareError(
      'index',
      'unsupported-media-type',
      `${reference} is ${quote(descriptor.mediaType)}; firmware is an image index with one entry per chip`,
    );
  const repository = { host: parsed.host, name: parsed.name };
  const document = await fetchManifest(source, 'index', repository, descriptor);
  return { repository, digest: descriptor.digest, index: document as ImageIndex };
}

/**
 * Fetches the manifest and the layer of `chip` and nothing else, and checks them.
 *
 * `chip` is a target name as a device says it (`esp32s3`, `ESP32-S3`, `esp32s3r8`). Refused with
 * `no-image-for-chip` when the index has no entry for it, listing what it has, and with `wrong-chip`
 * when the image's own header disagrees with the entry it was found under. Throws FirmwareError.
 */
export async function fetchForChip(
  source: FirmwareSource,
  resolved: ResolvedFirmware,
  chip: string,
): Promise<ChipFirmware> {
  if (chipIdOf(chip) === undefined)
    throw new FirmwareError('index', 'no-image-for-chip', `${quote(chip)} is not a chip that ESP-IDF knows`);
  const entry = selectEntry(resolved.index, chip);
  if (!isManifestType(entry.mediaType))
    throw new FirmwareError(
      'index',
      'unsupported-media-type',
      `the entry for ${chip} is ${quote(entry.mediaType)}`,
    );
  const architecture = normalizeArchitecture(entry.platform?.architecture ?? chip);
  const manifest = (await fetchManifest(source, 'manifest', resolved.repository, entry)) as ImageManifest;
  const isArtifact = (manifest.artifactType ?? manifest.config.mediaType) === FIRMWARE_ARTIFACT_TYPE;
  const found: FoundImage = isArtifact
    ? await fetchArtifactImage(source, resolved.repository, manifest)
    : await fetchDockerImage(source, resolved.repository, manifest, architecture);
  checkHeader(found.image, architecture, found.meta);
  checkApplication(resolved.index, found.meta);
  return { architecture, manifestDigest: entry.digest, ...found };
}

/** The entry for `chip`: the exact architecture first, then the same chip without a PSRAM suffix. */
export function selectEntry(index: ImageIndex, chip: string): Descriptor {
  const ours = index.manifests.filter(
    ({ platform }) => platform?.os === FIRMWARE_OS || platform?.os === DOCKER_FIRMWARE_OS,
  );
  for (const wanted of new Set([normalizeArchitecture(chip), chipOfArchitecture(chip)])) {
    const matches = ours.filter(
      (entry) => normalizeArchitecture(entry.platform?.architecture ?? '') === wanted,
    );
    const [first, second] = matches;
    if (first !== undefined && second !== undefined)
      throw new FirmwareError(
        'index',
        'malformed',
        `${matches.length} entries for ${wanted}; one is expected`,
      );
    if (first !== undefined) return first;
  }
  const offered = ours.map((entry) => entry.platform?.architecture).sort();
  const list = offered.length === 0 ? 'no firmware at all' : offered.join(', ');
  throw new FirmwareError('index', 'no-image-for-chip', `no entry for ${quote(chip)}; it has ${list}`);
}

type FoundImage = Pick<ChipFirmware, 'image' | 'imageDigest' | 'meta'>;

async function fetchArtifactImage(
  source: FirmwareSource,
  repository: Repository,
  manifest: ImageManifest,
): Promise<FoundImage> {
  const meta = unwrap('manifest', readFirmwareMeta(manifest.annotations ?? {}));
  const [layer, second] = manifest.layers.filter(({ mediaType }) => mediaType === APP_IMAGE_TYPE);
  if (layer === undefined || second !== undefined)
    throw new FirmwareError(
      'manifest',
      'no-app-image',
      `must hold exactly one layer of type ${APP_IMAGE_TYPE}`,
    );
  const image = await fetchBlob(source, 'layer', repository, layer, imageBytesMax(source));
  return { image, imageDigest: layer.digest, meta };
}

/** Who may sign is decided by the application that the index names; the image must be of no other. */
function checkApplication(index: ImageIndex, meta: FirmwareMeta | undefined): void {
  const named = index.annotations?.[ANNOTATION.application];
  if (named === undefined || meta === undefined || named === meta.application) return;
  throw new FirmwareError(
    'manifest',
    'malformed',
    `the image is of ${quote(meta.application)}, the index says ${quote(named)}`,
  );
}

function checkHeader(image: Uint8Array, architecture: string, meta: FirmwareMeta | undefined): void {
  const inImage = chipIdInImage(image);
  if (inImage === undefined)
    throw new FirmwareError(
      'image',
      'not-an-app-image',
      'does not start as an ESP-IDF app image (byte 0 is not 0xe9)',
    );
  const expected = meta?.chipId ?? chipIdOf(architecture);
  if (inImage !== expected || chipIdOf(architecture) !== expected)
    throw new FirmwareError(
      'image',
      'wrong-chip',
      `the image is for ${describeChipId(inImage)} (chip id ${inImage}), its entry says ${architecture}`,
    );
}
