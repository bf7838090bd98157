import { chipOfArchitecture, normalizeArchitecture } from './chip.ts';
import { DOCKER_FIRMWARE_OS } from './docker-firmware.ts';
import { FirmwareError } from './firmware-error.ts';
import type { Descriptor, ImageIndex, Platform } from './manifest.ts';
import { quote } from './refusal.ts';

/** Platform os of our artifacts' entries. */
export const FIRMWARE_OS = 'esp-idf';

/** A key batch's name, or the SHA-256 of a Secure Boot key as eFuses hold it. */
export const KEY_ID = /^[\w.-]{1,64}$/;

/** What a board must be, besides its chip, for an image to be the right one. Absent: no matter. */
export interface TargetNeeds {
  /** At least this much flash. */
  readonly flashSizeBytes?: number;
  /** Lowest and highest chip revision, major × 100 + minor, both inclusive. */
  readonly chipRevisionMin?: number;
  readonly chipRevisionMax?: number;
  /** Key that the image is signed with and the board trusts. */
  readonly keyId?: string;
}

/** What is known of a board that wants firmware. Absent: not known. */
export interface FirmwareTarget {
  /** A target name as a device says it: `esp32s3`, `ESP32-S3`, `esp32s3r8`. */
  readonly chip: string;
  readonly flashSizeBytes?: number;
  /** Major × 100 + minor. */
  readonly chipRevision?: number;
  /** Keys that the board trusts, by name or digest. */
  readonly keyIds?: readonly string[];
}

const FEATURE: Readonly<Record<keyof TargetNeeds, string>> = {
  chipRevisionMax: 'chip-revision-max',
  chipRevisionMin: 'chip-revision-min',
  flashSizeBytes: 'flash-size',
  keyId: 'key-id',
};
const NEEDS = Object.keys(FEATURE) as readonly (keyof TargetNeeds)[];

/** Platform of an index entry: the needs are `os.features`, `name=value`, sorted; none at all are left out. */
export function platformOf(chip: string, needs: TargetNeeds): Platform {
  const features = NEEDS.filter((need) => needs[need] !== undefined).map(
    (need) => `${FEATURE[need]}=${needs[need]}`,
  );
  return {
    architecture: chip,
    os: FIRMWARE_OS,
    ...(features.length === 0 ? {} : { 'os.features': features.sort() }),
  };
}

/**
 * The entry for a board: the exact architecture first, then the same chip without a PSRAM suffix. Of several
 * that fit, the one that asks for most.
 *
 * Throws FirmwareError: `no-image-for-chip` when no entry fits, listing what there is; `ambiguous-target` when
 * entries differ in something that is not known of the board: guessing could brick it.
 */
export function selectEntry(index: ImageIndex, target: FirmwareTarget): Descriptor {
  const ours = index.manifests.filter(
    ({ platform }) => platform?.os === FIRMWARE_OS || platform?.os === DOCKER_FIRMWARE_OS,
  );
  const chips = new Set([normalizeArchitecture(target.chip), chipOfArchitecture(target.chip)]);
  for (const wanted of chips) {
    const matches = ours.filter(
      (entry) => normalizeArchitecture(entry.platform?.architecture ?? '') === wanted,
    );
    const possible = matches.filter((entry) => !featuresOf(entry).some((one) => judge(one, target) === 'no'));
    if (possible.length === 1 && possible[0] !== undefined) return possible[0];
    if (possible.length > 1) return mostSpecific(wanted, possible, target);
    if (matches.length > 0) throw noneFits(wanted, matches, target);
  }
  const offered = ours.map((entry) => entry.platform?.architecture).sort();
  const list = offered.length === 0 ? 'no firmware at all' : offered.join(', ');
  throw new FirmwareError('index', 'no-image-for-chip', `no entry for ${quote(target.chip)}; it has ${list}`);
}

function mostSpecific(chip: string, possible: readonly Descriptor[], target: FirmwareTarget): Descriptor {
  const open = possible.flatMap(featuresOf).filter((feature) => judge(feature, target) === 'unknown');
  if (open.length > 0) {
    const names = [...new Set(open.map((feature) => feature.split('=', 1)[0]))].sort();
    throw new FirmwareError(
      'index',
      'ambiguous-target',
      `${possible.length} entries for ${chip} may fit; they differ in ${names.join(', ')}, which is not known of the board`,
    );
  }
  const ranked = [...possible].sort((a, b) => compareNeeds(featuresOf(b), featuresOf(a)));
  const [first, second] = ranked;
  if (
    first === undefined ||
    (second !== undefined && compareNeeds(featuresOf(first), featuresOf(second)) === 0)
  )
    throw new FirmwareError(
      'index',
      'malformed',
      `${possible.length} entries for ${chip} that ask for the same; one is expected`,
    );
  return first;
}

function noneFits(chip: string, matches: readonly Descriptor[], target: FirmwareTarget): FirmwareError {
  const asked = matches
    .slice(0, 5)
    .map((entry) => featuresOf(entry).find((one) => judge(one, target) === 'no') ?? '');
  return new FirmwareError(
    'index',
    'no-image-for-chip',
    `no entry for ${chip} fits the board; asked for is ${asked.map(quote).join(', ')}`,
  );
}

function featuresOf(entry: Descriptor): readonly string[] {
  return entry.platform?.['os.features'] ?? [];
}

/** A feature that is not known here is one that the board does not offer. */
function judge(feature: string, target: FirmwareTarget): 'yes' | 'no' | 'unknown' {
  const equals = feature.indexOf('=');
  const value = feature.slice(equals + 1);
  const decide = <T>(known: T | undefined, holds: (fact: T) => boolean) =>
    known === undefined ? 'unknown' : holds(known) ? 'yes' : 'no';
  switch (feature.slice(0, Math.max(equals, 0))) {
    case FEATURE.flashSizeBytes:
      return decide(target.flashSizeBytes, (size) => size >= Number(value));
    case FEATURE.chipRevisionMin:
      return decide(target.chipRevision, (revision) => revision >= Number(value));
    case FEATURE.chipRevisionMax:
      return decide(target.chipRevision, (revision) => revision <= Number(value));
    case FEATURE.keyId:
      return decide(target.keyIds, (ids) => ids.includes(value));
    default:
      return 'no';
  }
}

/** More needs first; among as many, the larger flash, then the later revision. */
function compareNeeds(a: readonly string[], b: readonly string[]): number {
  const number = (features: readonly string[], name: string): number =>
    Number(features.find((feature) => feature.startsWith(`${name}=`))?.slice(name.length + 1) ?? 0);
  return (
    a.length - b.length ||
    number(a, FEATURE.flashSizeBytes) - number(b, FEATURE.flashSizeBytes) ||
    number(a, FEATURE.chipRevisionMin) - number(b, FEATURE.chipRevisionMin)
  );
}
