import {
  APP_FACTORY,
  APP_TYPE,
  checkLayout,
  findPartition,
  otaSlots,
  type PartitionTable,
  parsePartitionTable,
} from '../esp/partition-table.ts';
import { chipIdInImage, chipIdOf, describeChipId } from './chip.ts';
import { accept, type Decoded, quote, refuse } from './refusal.ts';

/** Layer types of a firmware manifest. An update needs the first; a first flash needs all that have an offset. */
export const APP_IMAGE_TYPE = 'application/vnd.brickproof.firmware.app-image.v1';
export const BOOTLOADER_TYPE = 'application/vnd.brickproof.firmware.bootloader.v1';
export const PARTITION_TABLE_TYPE = 'application/vnd.brickproof.firmware.partition-table.v1';
/** Contents of any other partition: otadata, a file system, a model. */
export const PARTITION_TYPE = 'application/vnd.brickproof.firmware.partition.v1';

/** Layer annotations: where in flash the bytes go, in decimal, and the partition's label. */
export const LAYER_ANNOTATION = {
  offset: 'dev.brickproof.firmware.flash-offset',
  partition: 'dev.brickproof.firmware.partition',
} as const;

/** Something beside the app image. */
export type FirmwarePart =
  | { readonly kind: 'bootloader'; readonly offsetBytes: number; readonly bytes: Uint8Array }
  | { readonly kind: 'partition-table'; readonly offsetBytes: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'partition';
      /** As in the partition table. */
      readonly label: string;
      readonly offsetBytes: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'sbom'; readonly bytes: Uint8Array };

const PART_TYPE = {
  bootloader: BOOTLOADER_TYPE,
  'partition-table': PARTITION_TABLE_TYPE,
  partition: PARTITION_TYPE,
} as const;
const LABEL = /^[\w.-]{1,16}$/;

/** One layer before it has a digest. */
export interface PartLayer {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
}

/** The layers of `parts`, in their order in flash, the SBOM last. */
export function layersOfParts(parts: readonly FirmwarePart[]): Decoded<readonly PartLayer[]> {
  const layers: PartLayer[] = [];
  const end = Number.POSITIVE_INFINITY;
  const place = (part: FirmwarePart): number => (part.kind === 'sbom' ? end : part.offsetBytes);
  for (const part of [...parts].sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)))) {
    if (part.kind === 'sbom') {
      const mediaType = sbomTypeOf(part.bytes);
      if (mediaType === undefined)
        return refuse(
          'unsupported-media-type',
          'sbom',
          'is neither SPDX (JSON or tag-value) nor CycloneDX JSON',
        );
      layers.push({ mediaType, bytes: part.bytes, annotations: {} });
      continue;
    }
    if (part.kind === 'partition' && !LABEL.test(part.label))
      return refuse('malformed', 'partition', `${quote(part.label)} is not a partition label`);
    layers.push({
      mediaType: PART_TYPE[part.kind],
      bytes: part.bytes,
      annotations: {
        [LAYER_ANNOTATION.offset]: String(part.offsetBytes),
        ...(part.kind === 'partition' ? { [LAYER_ANNOTATION.partition]: part.label } : {}),
      },
    });
  }
  return accept(layers);
}

/**
 * What keeps these parts and this app image from living in one flash; undefined when nothing does.
 *
 * Without a partition table only the bootloader's chip can be told, and that the image is no larger than the flash.
 */
export function faultOfParts(
  chip: string,
  image: Uint8Array,
  parts: readonly FirmwarePart[],
  flashSizeBytes = Number.POSITIVE_INFINITY,
): string | undefined {
  const bootloader = parts.find((part) => part.kind === 'bootloader');
  const inBootloader = bootloader === undefined ? chipIdOf(chip) : chipIdInImage(bootloader.bytes);
  if (inBootloader === undefined) return 'the bootloader does not start as an image (byte 0 is not 0xe9)';
  if (inBootloader !== chipIdOf(chip)) return `the bootloader is for ${describeChipId(inBootloader)}`;
  const tablePart = parts.find((part) => part.kind === 'partition-table');
  if (tablePart === undefined)
    return image.length > flashSizeBytes
      ? `the image has ${image.length} bytes, the whole flash only ${flashSizeBytes}`
      : undefined;
  const table = parsePartitionTable(tablePart.bytes);
  if (!table.ok) return `partition table: ${table.refusal.message}`;
  const [layoutFault] = checkLayout(table.value, flashSizeBytes);
  if (layoutFault !== undefined) return `partition table: ${layoutFault}`;
  if (
    bootloader !== undefined &&
    bootloader.offsetBytes < tablePart.offsetBytes &&
    bootloader.offsetBytes + bootloader.bytes.length > tablePart.offsetBytes
  )
    return `the bootloader has ${bootloader.bytes.length} bytes and runs into the partition table`;
  const slotBytes = slotSizeOf(table.value);
  if (slotBytes === undefined) return 'the partition table has no app partition';
  if (image.length > slotBytes)
    return `the image has ${image.length} bytes, the smallest app slot only ${slotBytes}`;
  for (const part of parts) {
    const fault = part.kind === 'partition' ? faultOfPartition(table.value, part) : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Bytes of the smallest OTA slot, or of the factory partition where there is none: an image must fit each slot. */
export function slotSizeOf(table: PartitionTable): number | undefined {
  const slots = otaSlots(table);
  if (slots.length > 0) return Math.min(...slots.map(({ size }) => size));
  return findPartition(table, APP_TYPE, APP_FACTORY)?.size;
}

function faultOfPartition(
  table: PartitionTable,
  part: FirmwarePart & { kind: 'partition' },
): string | undefined {
  const partition = table.partitions.find(({ label }) => label === part.label);
  if (partition === undefined) return `the partition table has no ${quote(part.label)}`;
  if (partition.offset !== part.offsetBytes)
    return `${quote(part.label)} lies at ${partition.offset} in the table, its file goes to ${part.offsetBytes}`;
  return part.bytes.length > partition.size
    ? `${quote(part.label)} has ${partition.size} bytes, its file ${part.bytes.length}`
    : undefined;
}

/** The registered type of a bill of materials, told by its content. Sources: SPDX 2.3, 4; CycloneDX 1.6. */
function sbomTypeOf(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(bytes);
  if (/^\s*SPDXVersion:/m.test(text.slice(0, 4096))) return 'text/spdx';
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof root !== 'object' || root === null) return undefined;
  if (Object.hasOwn(root, 'spdxVersion')) return 'application/spdx+json';
  const isCycloneDx = (root as { bomFormat?: unknown }).bomFormat === 'CycloneDX';
  return isCycloneDx ? 'application/vnd.cyclonedx+json' : undefined;
}
