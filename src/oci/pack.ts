import { chipIdInImage, chipIdOf, describeChipId } from './chip.ts';
import { type Digest, digestOf } from './digest.ts';
import {
  ANNOTATION,
  APP_IMAGE_TYPE,
  annotateFirmware,
  FIRMWARE_ARTIFACT_TYPE,
  FIRMWARE_OS,
  type FirmwareMeta,
  type RollbackKind,
  readFirmwareMeta,
} from './firmware-artifact.ts';
import { type Descriptor, encodeManifest } from './manifest.ts';
import { OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from './media-type.ts';
import type { Reference } from './reference.ts';
import { accept, type Decoded, refuse } from './refusal.ts';
import type { ManifestContent, Registry } from './registry.ts';

/** One chip's build of the firmware. */
export interface ChipBuild {
  /** ESP-IDF target name, `esp32s3`. */
  readonly chip: string;
  /** The app image as the build wrote it. */
  readonly image: Uint8Array;
  readonly secureVersion: number;
  readonly elfSha256: string;
  readonly measurement: string;
}

/** What one artifact is made of. */
export interface FirmwareBuild {
  readonly application: string;
  readonly version: string;
  readonly rollback: RollbackKind;
  readonly bootsWithoutConfirm: number;
  /** Any order; each chip once. */
  readonly chips: readonly ChipBuild[];
}

/** An artifact ready to push: what it names comes before what names it. */
export interface PackedFirmware {
  /** Digest of the index, what a FlashJob pins. */
  readonly digest: Digest;
  readonly blobs: readonly Uint8Array[];
  readonly manifests: readonly (ManifestContent & { readonly digest: Digest })[];
  readonly index: ManifestContent;
}

const EMPTY_CONFIG = new TextEncoder().encode('{}');
const EMPTY_DESCRIPTOR: Descriptor = {
  mediaType: OCI_EMPTY,
  digest: digestOf(EMPTY_CONFIG),
  size: EMPTY_CONFIG.length,
  data: 'e30=',
};
/** OTA slots are whole flash sectors. Source: esp-idf spi_flash_mmap.h, SPI_FLASH_SEC_SIZE. */
const SECTOR_BYTES = 4096;

/**
 * Makes the artifact. Pure, and reproducible: equal builds, in any order of chips, give equal digests,
 * because nothing in it is a date and every document is canonical.
 *
 * Refuses an image whose header names another chip than its entry would.
 */
export function packFirmware(build: FirmwareBuild): Decoded<PackedFirmware> {
  if (build.chips.length === 0) return refuse('malformed', 'chips', 'is empty; give at least one app image');
  const chips = [...build.chips].sort((a, b) => (a.chip < b.chip ? -1 : a.chip > b.chip ? 1 : 0));
  const manifests: (ManifestContent & { digest: Digest })[] = [];
  const entries: Descriptor[] = [];
  const blobs = new Map<Digest, Uint8Array>([[EMPTY_DESCRIPTOR.digest, EMPTY_CONFIG]]);
  for (const [position, chip] of chips.entries()) {
    if (chips[position - 1]?.chip === chip.chip)
      return refuse('malformed', chip.chip, 'is given twice; an artifact holds one image per chip');
    const meta = describeBuild(build, chip);
    if (!meta.ok) return meta;
    const layer = digestOf(chip.image);
    blobs.set(layer, chip.image);
    const bytes = encodeManifest({
      kind: 'manifest',
      mediaType: OCI_MANIFEST,
      artifactType: FIRMWARE_ARTIFACT_TYPE,
      config: EMPTY_DESCRIPTOR,
      layers: [
        {
          mediaType: APP_IMAGE_TYPE,
          digest: layer,
          size: chip.image.length,
          annotations: { [ANNOTATION.title]: `${build.application}-${build.version}-${chip.chip}.bin` },
        },
      ],
      annotations: annotateFirmware(meta.value),
    });
    const digest = digestOf(bytes);
    manifests.push({ mediaType: OCI_MANIFEST, bytes, digest });
    entries.push({
      mediaType: OCI_MANIFEST,
      artifactType: FIRMWARE_ARTIFACT_TYPE,
      digest,
      size: bytes.length,
      platform: { architecture: chip.chip, os: FIRMWARE_OS },
    });
  }
  const index = encodeManifest({
    kind: 'index',
    mediaType: OCI_INDEX,
    artifactType: FIRMWARE_ARTIFACT_TYPE,
    manifests: entries,
    annotations: { [ANNOTATION.application]: build.application, [ANNOTATION.version]: build.version },
  });
  return accept({
    digest: digestOf(index),
    blobs: [...blobs.values()],
    manifests,
    index: { mediaType: OCI_INDEX, bytes: index },
  });
}

function describeBuild(build: FirmwareBuild, chip: ChipBuild): Decoded<FirmwareMeta> {
  const chipId = chipIdOf(chip.chip);
  if (chipId === undefined) return refuse('malformed', chip.chip, 'is not a chip that ESP-IDF knows');
  const inImage = chipIdInImage(chip.image);
  if (inImage === undefined)
    return refuse(
      'malformed',
      chip.chip,
      'the file does not start as an ESP-IDF app image (byte 0 is not 0xe9)',
    );
  if (inImage !== chipId)
    return refuse('malformed', chip.chip, `the image is for ${describeChipId(inImage)} (chip id ${inImage})`);
  const meta = readFirmwareMeta(
    annotateFirmware({
      application: build.application,
      version: build.version,
      chip: chip.chip,
      chipId,
      secureVersion: chip.secureVersion,
      slotSizeBytes: Math.ceil(chip.image.length / SECTOR_BYTES) * SECTOR_BYTES,
      elfSha256: chip.elfSha256,
      measurement: chip.measurement,
      rollback: build.rollback,
      bootsWithoutConfirm: build.bootsWithoutConfirm,
    }),
  );
  return meta.ok ? meta : refuse(meta.refusal.code, chip.chip, meta.refusal.message);
}

/** Pushes blobs, then manifests, then the index under `reference`; returns the index's digest. */
export async function pushFirmware(
  registry: Registry,
  reference: Reference,
  packed: PackedFirmware,
): Promise<Digest> {
  const { host, name } = reference;
  for (const blob of packed.blobs) await registry.putBlob(reference, blob);
  for (const manifest of packed.manifests)
    await registry.putManifest({ host, name, digest: manifest.digest }, manifest);
  return registry.putManifest(reference, packed.index);
}
