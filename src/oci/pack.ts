import { chipIdOf, describeChipId } from './chip.ts';
import { DELTA_TYPE, deltaAnnotations } from './delta-layer.ts';
import { type Digest, digestOf } from './digest.ts';
import {
  ANNOTATION,
  annotateFirmware,
  FIRMWARE_ARTIFACT_TYPE,
  type FirmwareMeta,
  type RollbackKind,
  readFirmwareMeta,
} from './firmware-artifact.ts';
import {
  APP_IMAGE_TYPE,
  type FirmwarePart,
  faultOfParts,
  layersOfParts,
  type PartLayer,
} from './firmware-layers.ts';
import { platformOf } from './firmware-target.ts';
import { readImageFacts } from './image-facts.ts';
import { type Descriptor, encodeManifest } from './manifest.ts';
import { OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from './media-type.ts';
import { packDelta } from './pack-delta.ts';
import type { Reference } from './reference.ts';
import { accept, type Decoded, refuse } from './refusal.ts';
import type { ManifestContent, Registry } from './registry.ts';

/** One target's build of the firmware. What the image says of itself is read from it. */
export interface ChipBuild {
  /** ESP-IDF target name, `esp32s3`. */
  readonly chip: string;
  /** The app image as the build wrote it. */
  readonly image: Uint8Array;
  /** What a first flash needs besides, and the bill of materials. */
  readonly parts?: readonly FirmwarePart[];
  /** Parts of the build that the image must fit and that are not packed, a partition table say. */
  readonly partsAround?: readonly FirmwarePart[];
  /** App images that boards may run now; the artifact gets a delta from each. */
  readonly deltaFrom?: readonly Uint8Array[];
  /** App slot of the boards, where no partition table says it. */
  readonly slotSizeBytes?: number;
  /** Flash that the build is made for; absent: any. */
  readonly flashSizeBytes?: number;
  /** Name of the key batch; absent: the digest of the image's first Secure Boot key, if it is signed. */
  readonly keyId?: string;
}

/** What one artifact is made of. */
export interface FirmwareBuild {
  readonly application: string;
  readonly version: string;
  readonly rollback: RollbackKind;
  readonly bootsWithoutConfirm: number;
  /** Commit of the sources. */
  readonly revision?: string;
  /** Any order; each target (chip, flash, revisions, key) once. */
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
 * Makes the artifact. Pure, and reproducible: equal builds, in any order of targets, give equal digests,
 * because nothing in it is a date and every document is canonical.
 *
 * Refuses, by target: an image that is damaged or for another chip, parts that do not fit together or
 * around it, a delta that would not be smaller than the image, and a target that is given twice.
 */
export function packFirmware(build: FirmwareBuild): Decoded<PackedFirmware> {
  if (build.chips.length === 0) return refuse('malformed', 'chips', 'is empty; give at least one app image');
  const blobs = new Map<Digest, Uint8Array>([[EMPTY_DESCRIPTOR.digest, EMPTY_CONFIG]]);
  const targets: PackedTarget[] = [];
  for (const chip of build.chips) {
    const packed = packTarget(build, chip, blobs);
    if (!packed.ok) return packed;
    targets.push(packed.value);
  }
  targets.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
  for (const [position, { chip, order }] of targets.entries())
    if (targets[position - 1]?.order === order)
      return refuse('malformed', chip, 'is given twice; an artifact holds one image per target');
  const index = encodeManifest({
    kind: 'index',
    mediaType: OCI_INDEX,
    artifactType: FIRMWARE_ARTIFACT_TYPE,
    manifests: targets.map(({ entry }) => entry),
    annotations: { [ANNOTATION.application]: build.application, [ANNOTATION.version]: build.version },
  });
  return accept({
    digest: digestOf(index),
    blobs: [...blobs].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, bytes]) => bytes),
    manifests: targets.map(({ manifest }) => manifest),
    index: { mediaType: OCI_INDEX, bytes: index },
  });
}

interface PackedTarget {
  readonly chip: string;
  /** Chip and needs, as a text: where the target stands in the index. */
  readonly order: string;
  readonly manifest: ManifestContent & { readonly digest: Digest };
  readonly entry: Descriptor;
}

/** Adds the target's layers to `blobs`. */
function packTarget(
  build: FirmwareBuild,
  chip: ChipBuild,
  blobs: Map<Digest, Uint8Array>,
): Decoded<PackedTarget> {
  const meta = describeBuild(build, chip);
  if (!meta.ok) return meta;
  const parts = layersOfParts(chip.parts ?? []);
  if (!parts.ok) return refuse(parts.refusal.code, chip.chip, parts.refusal.message);
  const deltas = deltaLayers(chip);
  if (!deltas.ok) return refuse(deltas.refusal.code, chip.chip, deltas.refusal.message);
  const title = `${build.application}-${build.version}-${chip.chip}.bin`;
  const app = {
    mediaType: APP_IMAGE_TYPE,
    bytes: chip.image,
    annotations: { [ANNOTATION.title]: title },
  };
  const layers = [app, ...parts.value, ...deltas.value].map(({ mediaType, bytes, annotations }) => {
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    const known = Object.keys(annotations).length > 0 ? { annotations } : {};
    return { mediaType, digest, size: bytes.length, ...known };
  });
  const bytes = encodeManifest({
    kind: 'manifest',
    mediaType: OCI_MANIFEST,
    artifactType: FIRMWARE_ARTIFACT_TYPE,
    config: EMPTY_DESCRIPTOR,
    layers,
    annotations: annotateFirmware(meta.value),
  });
  const manifest = { mediaType: OCI_MANIFEST, bytes, digest: digestOf(bytes) };
  const platform = platformOf(chip.chip, meta.value);
  return accept({
    chip: chip.chip,
    order: [chip.chip, ...(platform['os.features'] ?? [])].join(' '),
    manifest,
    // No artifactType here: it is optional, and skopeo 1.9 loses it and then refuses to copy.
    entry: { mediaType: OCI_MANIFEST, digest: manifest.digest, size: bytes.length, platform },
  });
}

/** In the order of their bases' measurements, each base once. */
function deltaLayers(chip: ChipBuild): Decoded<readonly PartLayer[]> {
  const layers = new Map<Digest, PartLayer>();
  for (const base of chip.deltaFrom ?? []) {
    const packed = packDelta(base, chip.image);
    if (!packed.ok) return packed;
    const { bytes, from, imageDigest } = packed.value;
    layers.set(from, { mediaType: DELTA_TYPE, bytes, annotations: deltaAnnotations(from, imageDigest) });
  }
  return accept([...layers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, layer]) => layer));
}

function describeBuild(build: FirmwareBuild, chip: ChipBuild): Decoded<FirmwareMeta> {
  const chipId = chipIdOf(chip.chip);
  if (chipId === undefined) return refuse('malformed', chip.chip, 'is not a chip that ESP-IDF knows');
  const read = readImageFacts(chip.image);
  if (!read.ok) return refuse('malformed', chip.chip, `the app image: ${read.refusal.message}`);
  const facts = read.value;
  if (facts.chipId !== chipId)
    return refuse(
      'malformed',
      chip.chip,
      `the image is for ${describeChipId(facts.chipId)} (chip id ${facts.chipId})`,
    );
  const parts = [...(chip.parts ?? []), ...(chip.partsAround ?? [])];
  const misfit =
    chip.slotSizeBytes !== undefined && chip.image.length > chip.slotSizeBytes
      ? `the image has ${chip.image.length} bytes, the app slot only ${chip.slotSizeBytes}`
      : faultOfParts(chip.chip, chip.image, parts, chip.flashSizeBytes);
  if (misfit !== undefined) return refuse('malformed', chip.chip, misfit);
  const keyId = chip.keyId ?? facts.keyId;
  const meta = readFirmwareMeta(
    annotateFirmware({
      application: build.application,
      version: build.version,
      chip: chip.chip,
      chipId,
      secureVersion: facts.secureVersion,
      slotSizeBytes: Math.ceil(chip.image.length / SECTOR_BYTES) * SECTOR_BYTES,
      elfSha256: facts.elfSha256,
      measurement: facts.measurement,
      rollback: build.rollback,
      bootsWithoutConfirm: build.bootsWithoutConfirm,
      ...(facts.idfVersion === undefined || facts.idfVersion === '' ? {} : { idfVersion: facts.idfVersion }),
      ...(build.revision === undefined ? {} : { revision: build.revision }),
      ...(facts.chipRevisionMin === undefined ? {} : { chipRevisionMin: facts.chipRevisionMin }),
      ...(facts.chipRevisionMax === undefined ? {} : { chipRevisionMax: facts.chipRevisionMax }),
      ...(chip.flashSizeBytes === undefined ? {} : { flashSizeBytes: chip.flashSizeBytes }),
      ...(keyId === undefined ? {} : { keyId }),
    }),
  );
  return meta.ok ? meta : refuse(meta.refusal.code, chip.chip, meta.refusal.message);
}

/** Pushes blobs, then manifests, then the index under `reference`; returns the index's digest. */
export async function pushFirmware(
  registry: Registry,
  reference: Reference,
  packed: PackedFirmware,
  onBlob: (sizeBytes: number) => void = () => {},
): Promise<Digest> {
  const { host, name } = reference;
  for (const blob of packed.blobs) {
    await registry.putBlob(reference, blob);
    onBlob(blob.length);
  }
  for (const manifest of packed.manifests)
    await registry.putManifest({ host, name, digest: manifest.digest }, manifest);
  return registry.putManifest(reference, packed.index);
}
