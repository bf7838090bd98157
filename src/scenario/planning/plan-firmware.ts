import { verifyAppImage } from '../../esp/app-image.ts';
import { CHIP_NAMES, CHIPS, type ChipName, chipOfId } from '../../esp/chips.ts';
import { parseReference } from '../../oci/reference.ts';
import { suggest } from '../language/nearest.ts';
import type { FirmwareEntry } from '../language/schema.ts';
import type { Path } from '../language/yaml-source.ts';
import type {
  Behaviour,
  PlannedBehaviour,
  PlannedFirmware,
  PlannedImage,
  PlannedSignatures,
} from '../plan.ts';
import { complain, type Draft, findFirmware, readNamed } from './draft.ts';
import { compact, resolveSelector } from './plan-selector.ts';

/** Host under which the world's own registry answers. */
export const REGISTRY_HOST = 'registry.local';

const DEFAULT_SIZE_BYTES = 256 * 1024;

export function planFirmware(draft: Draft, fleetChips: readonly ChipName[]): PlannedFirmware[] {
  return Object.entries(draft.document.firmware).map(([key, entry]) =>
    planOne(draft, ['firmware', key], key, entry, fleetChips),
  );
}

function planOne(
  draft: Draft,
  at: Path,
  key: string,
  entry: FirmwareEntry,
  fleetChips: readonly ChipName[],
): PlannedFirmware {
  const tag = key.slice(key.indexOf(':') + 1);
  const rollback = entry.rollback ?? 'esp-idf';
  const built = entry.file === undefined ? undefined : readImages(draft, at, entry);
  const chips = entry.chips ?? fleetChips;
  if (built !== undefined)
    for (const member of ['size', 'chips'] as const)
      if (entry[member] !== undefined)
        complain(draft, [...at, member], `the file of ${key} says its own ${member}; leave it out`);
  if (built === undefined && entry.application === undefined)
    complain(draft, at, `"application" is missing in firmware ${key}`);
  for (const [index, reference] of (entry.push ?? []).entries()) {
    const parsed = parseReference(reference);
    if (!parsed.ok) complain(draft, [...at, 'push', index], `"${reference}": ${parsed.refusal.message}`);
  }
  if (entry['signed-by'] !== undefined) checkKey(draft, [...at, 'signed-by'], entry['signed-by']);
  if (entry['image-signed-by'] !== undefined)
    checkKey(draft, [...at, 'image-signed-by'], entry['image-signed-by']);
  for (const [index, from] of (entry['delta-from'] ?? []).entries())
    checkBase(draft, [...at, 'delta-from', index], key, from);
  return {
    key,
    application: entry.application ?? built?.application ?? key.slice(0, key.indexOf(':')),
    version: entry.version ?? built?.version ?? tag,
    secureVersion: entry['secure-version'] ?? built?.secureVersion ?? 0,
    rollback: rollback === 'esp-idf' ? 'esp-idf' : 'boot-counter',
    bootsWithoutConfirm: rollback === 'esp-idf' ? 1 : rollback['boot-counter'],
    references: [`${REGISTRY_HOST}/${key}`, ...(entry.push ?? [])],
    ...(entry['signed-by'] !== undefined && { signedBy: entry['signed-by'] }),
    ...(entry['image-signed-by'] !== undefined && { imageSignedBy: entry['image-signed-by'] }),
    ...(entry['delta-from'] !== undefined && { deltaFrom: entry['delta-from'] }),
    images:
      built?.images ??
      CHIP_NAMES.filter((chip) => chips.includes(chip)).map((chip) => ({
        chip,
        source: { kind: 'generated', sizeBytes: entry.size ?? DEFAULT_SIZE_BYTES },
      })),
    behaviours: [],
  };
}

function checkBase(draft: Draft, at: Path, key: string, from: string): void {
  if (from === key) complain(draft, at, `${key} cannot be a delta from itself`);
  else findFirmware(draft, at, from);
}

/** Who may sign; every key that a rule names is one of the scenario's. */
export function planSignatures(draft: Draft): PlannedSignatures | undefined {
  const { signatures } = draft.document;
  if (signatures === undefined) return undefined;
  const { keys, policy } = signatures;
  for (const [application, names] of Object.entries(policy ?? {}))
    for (const [index, name] of names.entries())
      checkKey(draft, ['signatures', 'policy', application, index], name);
  return { keys, ...(policy !== undefined && { policy }) };
}

/** Complains about a key that `signatures` does not name, and says whether it does. */
export function checkKey(draft: Draft, at: Path, name: string): boolean {
  const keys = draft.document.signatures?.keys ?? [];
  const isKnown = keys.includes(name);
  if (!isKnown) complain(draft, at, `unknown key "${name}"${suggest(name, keys)}`);
  return isKnown;
}

/** Behaviours need the boards, and boards need the firmware: so they come last. */
export function planBehaviours(draft: Draft, firmware: PlannedFirmware): PlannedFirmware {
  const entries = draft.document.firmware[firmware.key]?.behaviour ?? [];
  const behaviours = entries.map((entry, index): PlannedBehaviour => {
    const at = ['firmware', firmware.key, 'behaviour', index];
    const on = resolveSelector(
      draft,
      [...at, 'on'],
      compact(entry.on ?? {}),
      `behaviour/${firmware.key}/${index}`,
    );
    return { on, does: behaviourIn(draft, at, entry) };
  });
  return { ...firmware, behaviours };
}

function behaviourIn(
  draft: Draft,
  at: Path,
  entry: NonNullable<FirmwareEntry['behaviour']>[number],
): Behaviour {
  const { on: _, ...verbs } = entry;
  const named = Object.keys(verbs);
  if (named.length !== 1)
    complain(
      draft,
      at,
      named.length === 0
        ? 'this entry says nothing; give it one of healthy, crash, hang, never-confirm, fail-self-test'
        : `one entry is one behaviour, not ${named.join(' and ')}; make several entries`,
    );
  if (entry.crash) return { kind: 'crash', afterMs: entry.crash.after };
  if (entry.hang) return { kind: 'hang', afterMs: entry.hang.after };
  if (entry['never-confirm']) return { kind: 'never-confirm' };
  if (entry['fail-self-test']) return { kind: 'fail-self-test' };
  return { kind: 'healthy' };
}

interface BuiltFirmware {
  readonly images: readonly PlannedImage[];
  readonly application: string | undefined;
  readonly version: string | undefined;
  readonly secureVersion: number | undefined;
}

/** Reads and verifies a user's own images: what a bootloader would refuse is refused here, by name. */
function readImages(draft: Draft, at: Path, entry: FirmwareEntry): BuiltFirmware {
  const files =
    typeof entry.file === 'string'
      ? [{ path: entry.file, at: [...at, 'file'], chip: undefined }]
      : Object.entries(entry.file ?? {}).map(([chip, path]) => ({
          path,
          at: [...at, 'file', chip],
          chip: chip as ChipName,
        }));
  const images: PlannedImage[] = [];
  let first: { projectName: string; version: string; secureVersion: number } | undefined;
  for (const file of files) {
    const bytes = readNamed(draft, file.at, file.path, 'image');
    if (bytes === undefined) continue;
    const shown = draft.folder.display(file.path);
    const verified = verifyAppImage(bytes, file.chip === undefined ? {} : { chip: CHIPS[file.chip] });
    if (!verified.ok) {
      complain(draft, file.at, `${shown} is no image a board would start: ${verified.refusal.message}`);
      continue;
    }
    const chip = chipOfId(verified.value.header.chipId);
    if (chip === undefined) {
      complain(
        draft,
        file.at,
        `${shown} is for chip id ${verified.value.header.chipId}, which is not modelled`,
      );
      continue;
    }
    first ??= verified.value.description;
    images.push({ chip: chip.name, source: { kind: 'file', path: file.path, bytes } });
  }
  return {
    images,
    application: first?.projectName,
    version: first?.version,
    secureVersion: first?.secureVersion,
  };
}
