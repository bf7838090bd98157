import { BOOTS_WITHOUT_CONFIRM_MAX } from '../esp/boot-counter.ts';
import { chipIdOf } from './chip.ts';
import { KEY_ID, type TargetNeeds } from './firmware-target.ts';
import { accept, type Decoded, quote, refuse } from './refusal.ts';

/**
 * Firmware as an OCI artifact.
 *
 * An image index with this `artifactType`, one manifest per target. The index entry's platform is os
 * `esp-idf`, architecture the ESP-IDF target name, and in `os.features` what else a board must be
 * (firmware-target.ts). Each manifest has the same `artifactType`, the empty config, and one layer with the
 * app image as the build wrote it, signature sector included; other layers (firmware-layers.ts) hold what a
 * first flash needs and an update leaves alone. What a planner or a flash agent must know before it fetches
 * a layer stands in the manifest's annotations.
 */
export const FIRMWARE_ARTIFACT_TYPE = 'application/vnd.brickproof.firmware.v1';

/** Standard keys where the specification has one (image-spec, annotations.md), ours in reverse DNS. */
export const ANNOTATION = {
  title: 'org.opencontainers.image.title',
  version: 'org.opencontainers.image.version',
  revision: 'org.opencontainers.image.revision',
  application: 'dev.brickproof.firmware.application',
  chip: 'dev.brickproof.firmware.chip',
  chipId: 'dev.brickproof.firmware.chip-id',
  secureVersion: 'dev.brickproof.firmware.secure-version',
  slotSize: 'dev.brickproof.firmware.slot-size',
  elfSha256: 'dev.brickproof.firmware.elf-sha256',
  measurement: 'dev.brickproof.firmware.measurement',
  rollback: 'dev.brickproof.firmware.rollback',
  bootsWithoutConfirm: 'dev.brickproof.firmware.boots-without-confirm',
  idfVersion: 'dev.brickproof.firmware.idf-version',
  flashSize: 'dev.brickproof.firmware.flash-size',
  chipRevisionMin: 'dev.brickproof.firmware.chip-revision-min',
  chipRevisionMax: 'dev.brickproof.firmware.chip-revision-max',
  keyId: 'dev.brickproof.firmware.key-id',
} as const;

/**
 * What takes a board back when an image never confirms: the ESP-IDF bootloader after its one
 * unconfirmed boot, or a boot counter that allows `bootsWithoutConfirm` of them.
 */
export type RollbackKind = 'esp-idf' | 'boot-counter';

/** Printable ASCII, 1 to 128 of it. */
const PRINTABLE = /^[\x20-\x7e]{1,128}$/;

/** What an artifact says about the image for one target. */
export interface FirmwareMeta extends TargetNeeds {
  readonly application: string;
  readonly version: string;
  /** ESP-IDF target name. */
  readonly chip: string;
  /** As in the image header. Source: esp_app_format.h, esp_chip_id_t. */
  readonly chipId: number;
  /** Anti-rollback counter the image was built with, 0 to 32. */
  readonly secureVersion: number;
  /** Smallest OTA slot that holds the image. */
  readonly slotSizeBytes: number;
  /** 64 hex digits. Source: esp_app_desc_t, app_elf_sha256. */
  readonly elfSha256: string;
  /** What the running image measures to in a device's evidence; 64 hex digits. */
  readonly measurement: string;
  readonly rollback: RollbackKind;
  /** 1 for `esp-idf`; 1 to BOOTS_WITHOUT_CONFIRM_MAX for `boot-counter`. */
  readonly bootsWithoutConfirm: number;
  /** ESP-IDF version the image was built with, as the build says it. */
  readonly idfVersion?: string;
  /** Commit of the sources; what the person who packed it said. */
  readonly revision?: string;
}

/** Annotations of one target's manifest. */
export function annotateFirmware(meta: FirmwareMeta): Readonly<Record<string, string>> {
  const optional = {
    [ANNOTATION.idfVersion]: meta.idfVersion,
    [ANNOTATION.revision]: meta.revision,
    [ANNOTATION.flashSize]: meta.flashSizeBytes,
    [ANNOTATION.chipRevisionMin]: meta.chipRevisionMin,
    [ANNOTATION.chipRevisionMax]: meta.chipRevisionMax,
    [ANNOTATION.keyId]: meta.keyId,
  };
  return {
    [ANNOTATION.application]: meta.application,
    [ANNOTATION.version]: meta.version,
    [ANNOTATION.chip]: meta.chip,
    [ANNOTATION.chipId]: String(meta.chipId),
    [ANNOTATION.secureVersion]: String(meta.secureVersion),
    [ANNOTATION.slotSize]: String(meta.slotSizeBytes),
    [ANNOTATION.elfSha256]: meta.elfSha256,
    [ANNOTATION.measurement]: meta.measurement,
    [ANNOTATION.rollback]: meta.rollback,
    [ANNOTATION.bootsWithoutConfirm]: String(meta.bootsWithoutConfirm),
    ...Object.fromEntries(
      Object.entries(optional)
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => [key, String(value)]),
    ),
  };
}

/**
 * Reads the annotations back. Those that every image has are required, because a gate decides on each of
 * them; what a target needs and where the image came from may be absent.
 */
export function readFirmwareMeta(annotations: Readonly<Record<string, string>>): Decoded<FirmwareMeta> {
  const faults: string[] = [];
  const text = (key: string, grammar: RegExp, expected: string): string => {
    const value = Object.hasOwn(annotations, key) ? annotations[key] : undefined;
    if (value === undefined) faults.push(`${key} is missing`);
    else if (!grammar.test(value)) faults.push(`${key} is ${quote(value)}, not ${expected}`);
    return value ?? '';
  };
  const count = (key: string): number => Number(text(key, /^(?:0|[1-9]\d{0,9})$/, 'a whole number'));
  const given = <K extends keyof FirmwareMeta, T>(key: string, name: K, read: () => T): { [P in K]?: T } =>
    (Object.hasOwn(annotations, key) ? { [name]: read() } : {}) as { [P in K]?: T };
  const meta: FirmwareMeta = {
    application: text(ANNOTATION.application, /^[\w.-]{1,63}$/, 'an application name'),
    version: text(ANNOTATION.version, /^[\w.+-]{1,63}$/, 'a version'),
    chip: text(ANNOTATION.chip, /^[a-z0-9]{1,32}$/, 'a chip name'),
    chipId: count(ANNOTATION.chipId),
    secureVersion: count(ANNOTATION.secureVersion),
    slotSizeBytes: count(ANNOTATION.slotSize),
    elfSha256: text(ANNOTATION.elfSha256, /^[0-9a-f]{64}$/, '64 hex digits'),
    measurement: text(ANNOTATION.measurement, /^[0-9a-f]{64}$/, '64 hex digits'),
    rollback: text(
      ANNOTATION.rollback,
      /^(?:esp-idf|boot-counter)$/,
      'esp-idf or boot-counter',
    ) as RollbackKind,
    bootsWithoutConfirm: count(ANNOTATION.bootsWithoutConfirm),
    ...given(ANNOTATION.idfVersion, 'idfVersion', () => text(ANNOTATION.idfVersion, PRINTABLE, 'a version')),
    ...given(ANNOTATION.revision, 'revision', () => text(ANNOTATION.revision, PRINTABLE, 'a revision')),
    ...given(ANNOTATION.flashSize, 'flashSizeBytes', () => count(ANNOTATION.flashSize)),
    ...given(ANNOTATION.chipRevisionMin, 'chipRevisionMin', () => count(ANNOTATION.chipRevisionMin)),
    ...given(ANNOTATION.chipRevisionMax, 'chipRevisionMax', () => count(ANNOTATION.chipRevisionMax)),
    ...given(ANNOTATION.keyId, 'keyId', () => text(ANNOTATION.keyId, KEY_ID, 'a key id')),
  };
  const fault = faults[0] ?? faultOfMeta(meta);
  return fault === undefined ? accept(meta) : refuse('malformed', 'annotations', fault);
}

/** What is wrong with `meta` as a whole; undefined when nothing is. */
function faultOfMeta(meta: FirmwareMeta): string | undefined {
  const knownId = chipIdOf(meta.chip);
  if (knownId !== undefined && knownId !== meta.chipId)
    return `chip ${meta.chip} has chip id ${knownId}, not ${meta.chipId}`;
  // Source: esp-idf, eFuse SECURE_VERSION of the ESP32, the widest of all chips: 32 steps.
  if (meta.secureVersion > 32) return `secure version ${meta.secureVersion} is above 32`;
  if (meta.bootsWithoutConfirm < 1 || meta.bootsWithoutConfirm > BOOTS_WITHOUT_CONFIRM_MAX)
    return `${meta.bootsWithoutConfirm} boots without confirm; 1 to ${BOOTS_WITHOUT_CONFIRM_MAX} are possible`;
  if (meta.rollback === 'esp-idf' && meta.bootsWithoutConfirm !== 1)
    return `rollback esp-idf allows exactly 1 boot without confirm, not ${meta.bootsWithoutConfirm}`;
  const { chipRevisionMin: min = 0, chipRevisionMax: max = Number.POSITIVE_INFINITY } = meta;
  if (min > max) return `chip revision at least ${min} and at most ${max} is no revision at all`;
  return undefined;
}
