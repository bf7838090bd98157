import { CHIP_NAMES, CHIPS, type ChipName } from '../../esp/chips.ts';
import { type Random, shuffled } from '../../random/random.ts';
import { suggest } from '../language/nearest.ts';
import type { Spread } from '../language/quantity.ts';
import type { GroupEntry } from '../language/schema.ts';
import type { PlannedBoard, PlannedFirmware, PlannedLink } from '../plan.ts';
import { complain, complainUnbuilt, type Draft, findFirmware } from './draft.ts';
import { checkKey } from './plan-firmware.ts';

const PERFECT_LINK: PlannedLink = { latencyMs: 0, jitterMs: 0, loss: 0 };
const NO_LABELS: Readonly<Record<string, string>> = {};

/** Chips that the fleet has, in the order of the chip list. */
export function chipsOfFleet(groups: readonly GroupEntry[]): ChipName[] {
  const used = new Set(groups.flatMap((entry) => chipShares(entry).map(([chip]) => chip)));
  return CHIP_NAMES.filter((chip) => used.has(chip));
}

/** Every board, sorted by name. `boards` replaces the number of genuine boards, keeping the groups' proportions. */
export function planFleet(draft: Draft, boards: number | undefined): PlannedBoard[] {
  const groups = draft.document.fleet;
  const sizes = boards === undefined ? groups.map((entry) => entry.boards) : rescale(groups, boards);
  const byGroup = new Map<string, PlannedBoard[]>();
  for (const [index, entry] of groups.entries()) {
    checkGroup(draft, index, entry);
    byGroup.set(entry.group, planGroup(draft, index, entry, sizes[index] ?? entry.boards));
  }
  for (const [index, entry] of groups.entries())
    if (entry.identity === 'cloned') linkClones(draft, index, entry, byGroup);
  return [...byGroup.values()].flat().sort((a, b) => (a.name < b.name ? -1 : 1));
}

function checkGroup(draft: Draft, index: number, entry: GroupEntry): void {
  const at = ['fleet', index];
  const earlier = draft.document.fleet.slice(0, index);
  if (earlier.some((other) => other.group === entry.group))
    complain(draft, [...at, 'group'], `there are two groups "${entry.group}"; give one another name`);
  const total = Object.values(entry.chips ?? {}).reduce((sum, share) => sum + share, 0);
  if (entry.chips !== undefined && Math.abs(total - 1) > 1e-9)
    complain(
      draft,
      [...at, 'chips'],
      `the chips add up to ${Number((total * 100).toFixed(4))}%, not to 100%`,
    );
  const firmware = findFirmware(draft, [...at, 'runs'], entry.runs);
  if (firmware !== undefined && firmware.images.length > 0)
    for (const [chip] of chipShares(entry))
      if (!firmware.images.some((image) => image.chip === chip))
        complain(draft, [...at, 'runs'], `${entry.runs} has no image for ${chip}, which this group has`);
  checkTrust(draft, at, entry, firmware);
  if (entry.power?.source === 'battery')
    complainUnbuilt(draft, [...at, 'power', 'source'], 'battery power is not built yet; write mains');
  if (entry.clones !== undefined && entry.identity !== 'cloned')
    complain(draft, [...at, 'clones'], 'only a group with identity: cloned clones another');
}

/** What the boards trust must have signed what they run: the others would not even start. */
function checkTrust(
  draft: Draft,
  at: readonly (string | number)[],
  entry: GroupEntry,
  firmware: PlannedFirmware | undefined,
): void {
  const keys = entry['secure-boot'];
  const unknown = keys?.filter((name, index) => !checkKey(draft, [...at, 'secure-boot', index], name)) ?? [];
  if (keys !== undefined && entry['signed-updates'] === true)
    complain(draft, [...at, 'signed-updates'], 'secure boot asks for signed updates already; leave it out');
  for (const [chip] of chipShares(entry)) {
    const { label, secureBootV2 } = CHIPS[chip];
    if ((keys?.length ?? 0) > secureBootV2.blocks)
      complain(draft, [...at, 'secure-boot'], `an ${label} holds ${secureBootV2.blocks} key digest only`);
  }
  const isSigned = firmware?.imageSignedBy !== undefined;
  const isTrusted = isSigned && (keys?.includes(firmware.imageSignedBy ?? '') ?? true);
  if (firmware === undefined || isTrusted || unknown.length > 0) return;
  if (keys !== undefined)
    complain(draft, [...at, 'runs'], `${entry.runs} is not image-signed-by ${keys.join(' or ')}`);
  else if (entry['signed-updates'] === true)
    complain(draft, [...at, 'runs'], `${entry.runs} is signed by nobody; give it an image-signed-by`);
}

function planGroup(draft: Draft, index: number, entry: GroupEntry, size: number): PlannedBoard[] {
  const random = draft.random.split(`fleet/${entry.group}`);
  const chips = shuffled(random.split('chips'), apportion(chipShares(entry), size));
  const width = Math.max(3, String(size).length);
  const links = random.split('links');
  const labels = entry.labels ?? NO_LABELS;
  return chips.map((chip, board) => ({
    name: `${entry.group}-${String(board + 1).padStart(width, '0')}`,
    group: entry.group,
    labels,
    chip,
    runs: draft.document.fleet[index]?.runs ?? '',
    link: drawLink(links, entry.link),
    identity: entry.identity ?? 'genuine',
    bootloader: entry.bootloader ?? 'boot-counter',
    ...(entry['secure-boot'] !== undefined && { secureBoot: entry['secure-boot'] }),
    ...(entry['signed-updates'] === true && { signedUpdates: true as const }),
  }));
}

/** Without shares every board is an esp32. */
function chipShares(entry: GroupEntry): [ChipName, number][] {
  const shares = Object.entries(entry.chips ?? { esp32: 1 }) as [ChipName, number][];
  return shares.filter(([, share]) => share > 0);
}

/** Whole numbers that add up to `size`, each as near its share as can be (largest remainder; ties to the first). */
function apportion<T>(shares: readonly (readonly [T, number])[], size: number): T[] {
  const exact = shares.map(([item, share]) => ({ item, want: share * size }));
  const rows = exact.map(({ item, want }) => ({ item, count: Math.floor(want + 1e-9), rest: want % 1 }));
  let missing = size - rows.reduce((sum, row) => sum + row.count, 0);
  for (const row of [...rows].sort((a, b) => b.rest - a.rest)) if (missing-- > 0) row.count++;
  return rows.flatMap((row) => Array<T>(Math.max(0, row.count)).fill(row.item)).slice(0, size);
}

function rescale(groups: readonly GroupEntry[], boards: number): number[] {
  const genuine = groups.filter((entry) => (entry.identity ?? 'genuine') === 'genuine');
  const total = genuine.reduce((sum, entry) => sum + entry.boards, 0);
  const counts = new Map<GroupEntry, number>();
  for (const entry of apportion(
    genuine.map((item) => [item, item.boards / total] as const),
    boards,
  ))
    counts.set(entry, (counts.get(entry) ?? 0) + 1);
  return groups.map((entry) =>
    genuine.includes(entry) ? Math.max(1, counts.get(entry) ?? 0) : entry.boards,
  );
}

function drawLink(random: Random, link: GroupEntry['link']): PlannedLink {
  if (link === undefined) return PERFECT_LINK;
  return {
    latencyMs: drawSpread(random, link.latency ?? { value: 0, spread: 0 }),
    jitterMs: link.jitter ?? 0,
    loss: link.loss ?? 0,
    ...(link.bandwidth !== undefined && { bandwidthBitsPerSecond: link.bandwidth }),
  };
}

/** Whole microseconds, so that a plan written down and read again is the same plan. */
function drawSpread(random: Random, { value, spread }: Spread): number {
  const drawn = value - spread + 2 * spread * random.next();
  return Math.round(drawn * 1000) / 1000;
}

/** Gives each cloned board one of the other group to pretend to be, and its chip. */
function linkClones(
  draft: Draft,
  index: number,
  entry: GroupEntry,
  byGroup: Map<string, PlannedBoard[]>,
): void {
  const at = ['fleet', index];
  const names = [...byGroup.keys()].filter((name) => name !== entry.group);
  if (entry.clones === undefined) {
    complain(draft, at, `"clones" is missing in fleet[${index}]: name the group whose boards it copies`);
    return;
  }
  const originals = names.includes(entry.clones) ? byGroup.get(entry.clones) : undefined;
  if (originals === undefined) {
    complain(draft, [...at, 'clones'], `unknown group "${entry.clones}"${suggest(entry.clones, names)}`);
    return;
  }
  const clones = byGroup.get(entry.group) ?? [];
  if (clones.length > originals.length) {
    const message = `${clones.length} clones need as many boards to copy; ${entry.clones} has ${originals.length}`;
    complain(draft, [...at, 'boards'], message);
    return;
  }
  const drawn = shuffled(draft.random.split(`fleet/${entry.group}/clones`), originals);
  byGroup.set(
    entry.group,
    clones.map((clone, position) => {
      const original = drawn[position] as PlannedBoard;
      return { ...clone, clones: original.name, ...(entry.chips === undefined && { chip: original.chip }) };
    }),
  );
}
