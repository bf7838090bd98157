import { chipIdInImage, chipIdOf, describeChipId, normalizeArchitecture } from './chip.ts';
import type { Digest } from './digest.ts';
import { CONFIG_BYTES_MAX, parseDockerConfig } from './docker-firmware.ts';
import { fetchDockerImage } from './fetch-docker-image.ts';
import {
  ANNOTATION,
  FIRMWARE_ARTIFACT_TYPE,
  type FirmwareMeta,
  readFirmwareMeta,
} from './firmware-artifact.ts';
import { atHop, FirmwareError } from './firmware-error.ts';
import { APP_IMAGE_TYPE } from './firmware-layers.ts';
import { type FirmwareSource, fetchBlob, fetchManifest, imageBytesMax, unwrap } from './firmware-source.ts';
import { type FirmwareTarget, platformOf, selectEntry } from './firmware-target.ts';
import { readImageFacts } from './image-facts.ts';
import type { Descriptor, ImageIndex, ImageManifest, Platform } from './manifest.ts';
import { DOCKER_CONFIG, isIndexType, isManifestType, OCI_CONFIG, OCI_INDEX } from './media-type.ts';
import { parseReference, type Repository } from './reference.ts';
import { quote } from './refusal.ts';

/** A reference held to one digest: what every device of a FlashJob gets, even when the tag moves. */
export interface ResolvedFirmware {
  readonly repository: Repository;
  /** Of the index, or of the one manifest that the reference names. */
  readonly digest: Digest;
  /** For a reference to a single target's manifest, an index with that one entry. */
  readonly index: ImageIndex;
}

/** An app image for one chip, proved hop by hop. */
export interface ChipFirmware {
  /** Architecture of the entry it was found under. */
  readonly architecture: string;
  readonly manifestDigest: Digest;
  /** SHA-256 of `image`; for our artifact this is the layer's digest. */
  readonly imageDigest: Digest;
  /** SHA-256 that a board which runs the image measures, worked out from the image; 64 hex digits. */
  readonly measurement: string;
  /** Shared: must not be changed. The same array for every device of a node. */
  readonly image: Uint8Array;
  /** What the artifact says about the image; absent in a container image, which says nothing. */
  readonly meta?: FirmwareMeta;
}

/**
 * Asks once what `reference` means now, and fetches the document under that digest.
 *
 * The reference may name an index or the manifest of a single target. Throws FirmwareError.
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
  const repository = { host: parsed.host, name: parsed.name };
  const { digest, mediaType } = descriptor;
  if (!isIndexType(mediaType) && !isManifestType(mediaType))
    throw new FirmwareError(
      'index',
      'unsupported-media-type',
      `${reference} is ${quote(mediaType)}; firmware is an image index with one entry per target, or one such entry`,
    );
  const document = await fetchManifest(source, 'index', repository, descriptor);
  if (document.kind === 'index') return { repository, digest, index: document };
  const platform = await platformInside(source, repository, document);
  const index: ImageIndex = { kind: 'index', mediaType: OCI_INDEX, manifests: [{ ...descriptor, platform }] };
  return { repository, digest, index };
}

/** Platform of a manifest that no index vouches for: its annotations, or a container image's config. */
async function platformInside(
  source: FirmwareSource,
  repository: Repository,
  manifest: ImageManifest,
): Promise<Platform> {
  if (isArtifact(manifest)) {
    const meta = unwrap('manifest', readFirmwareMeta(manifest.annotations ?? {}));
    return platformOf(meta.chip, meta);
  }
  const { mediaType } = manifest.config;
  if (mediaType !== OCI_CONFIG && mediaType !== DOCKER_CONFIG)
    throw new FirmwareError(
      'manifest',
      'unsupported-media-type',
      `neither firmware nor a container image: artifact type ${quote(manifest.artifactType ?? mediaType)}`,
    );
  const config = await fetchBlob(source, 'config', repository, manifest.config, CONFIG_BYTES_MAX);
  const { architecture, os } = unwrap('config', parseDockerConfig(config));
  return { architecture, os };
}

function isArtifact(manifest: ImageManifest): boolean {
  return (manifest.artifactType ?? manifest.config.mediaType) === FIRMWARE_ARTIFACT_TYPE;
}

/**
 * Fetches the manifest and the app image for a board and nothing else, and checks them.
 *
 * `board` is a target name as a device says it (`esp32s3`, `ESP32-S3`, `esp32s3r8`), or all that is known of
 * the board. Refused with `no-image-for-chip` when no entry of the index fits, listing what it has; with
 * `wrong-chip` when the image's own header disagrees with the entry it was found under; with
 * `false-annotation` when image, manifest and entry contradict each other. Throws FirmwareError.
 */
export async function fetchForChip(
  source: FirmwareSource,
  resolved: ResolvedFirmware,
  board: string | FirmwareTarget,
): Promise<ChipFirmware> {
  const target = typeof board === 'string' ? { chip: board } : board;
  const { chip } = target;
  if (chipIdOf(chip) === undefined)
    throw new FirmwareError('index', 'no-image-for-chip', `${quote(chip)} is not a chip that ESP-IDF knows`);
  const entry = selectEntry(resolved.index, target);
  if (!isManifestType(entry.mediaType))
    throw new FirmwareError(
      'index',
      'unsupported-media-type',
      `the entry for ${chip} is ${quote(entry.mediaType)}`,
    );
  const architecture = normalizeArchitecture(entry.platform?.architecture ?? chip);
  const manifest = (await fetchManifest(source, 'manifest', resolved.repository, entry)) as ImageManifest;
  const found: FoundImage = isArtifact(manifest)
    ? await fetchArtifactImage(source, resolved.repository, manifest, entry)
    : await fetchDockerImage(source, resolved.repository, manifest, architecture);
  checkHeader(found.image, architecture, found.meta);
  checkApplication(resolved.index, found.meta);
  return {
    architecture,
    manifestDigest: entry.digest,
    measurement: measure(found.image, found.meta),
    ...found,
  };
}

type FoundImage = Pick<ChipFirmware, 'image' | 'imageDigest' | 'meta'>;

async function fetchArtifactImage(
  source: FirmwareSource,
  repository: Repository,
  manifest: ImageManifest,
  entry: Descriptor,
): Promise<FoundImage> {
  const meta = unwrap('manifest', readFirmwareMeta(manifest.annotations ?? {}));
  const promised = entry.platform?.['os.features'];
  const needed = platformOf(meta.chip, meta)['os.features'];
  if (promised !== undefined && promised.join(' ') !== (needed ?? []).join(' '))
    throw new FirmwareError(
      'manifest',
      'false-annotation',
      `the index asks boards for ${quote(promised.join(' '))}, the manifest for ${quote((needed ?? []).join(' '))}`,
    );
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
    'false-annotation',
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

/** Looks the image through, once for all devices that share it, and holds the manifest to its promise. */
function measure(image: Uint8Array, meta: FirmwareMeta | undefined): string {
  const facts = readImageFacts(image);
  if (!facts.ok) throw new FirmwareError('image', 'damaged-image', facts.refusal.message);
  const { measurement, secureVersion } = facts.value;
  if (meta !== undefined && meta.measurement !== measurement)
    throw new FirmwareError(
      'image',
      'false-annotation',
      `measures ${measurement}, the manifest promises ${meta.measurement}`,
    );
  if (meta !== undefined && meta.secureVersion !== secureVersion)
    throw new FirmwareError(
      'image',
      'false-annotation',
      `has secure version ${secureVersion}, the manifest promises ${meta.secureVersion}`,
    );
  return measurement;
}
