import type { Random } from '../../random/random.ts';
import type { BoardSelector } from '../board-selector.ts';
import { suggest } from '../language/nearest.ts';
import type { Problem } from '../language/problem.ts';
import type { ScenarioDocument } from '../language/schema.ts';
import type { Path, YamlSource } from '../language/yaml-source.ts';
import type { PlannedBoard, PlannedFirmware, ScenarioFile } from '../plan.ts';

/** What a scenario file may read: paths are relative to its folder. */
export interface ScenarioFolder {
  /** The scenario's own file, from the folder. */
  readonly scenario: string;
  /** How a path of this folder is shown to people. */
  display(path: string): string;
  /** Undefined when there is no such file. */
  read(path: string): Uint8Array | undefined;
}

/** A plan in the making: what is known so far, and everything that is wrong. */
export interface Draft {
  readonly folder: ScenarioFolder;
  readonly source: YamlSource;
  readonly document: ScenarioDocument;
  readonly random: Random;
  readonly problems: Problem[];
  readonly files: ScenarioFile[];
  /** Empty until planned. */
  firmware: readonly PlannedFirmware[];
  boards: readonly PlannedBoard[];
}

export function complain(draft: Draft, path: Path, message: string): void {
  draft.problems.push(draft.source.problemAt(path, message));
}

/** Refuses by name what the language knows and this version does not. */
export function complainUnbuilt(draft: Draft, path: Path, message: string): void {
  draft.problems.push({ ...draft.source.problemAt(path, message), unbuilt: true });
}

/** Reads a file that the scenario names; a file that is not there is a problem at the name. */
export function readNamed(
  draft: Draft,
  at: Path,
  path: string,
  kind: ScenarioFile['kind'],
): Uint8Array | undefined {
  const bytes = draft.folder.read(path);
  if (bytes === undefined) {
    complain(draft, at, `there is no file ${draft.folder.display(path)}`);
    return undefined;
  }
  if (!draft.files.some((file) => file.path === path)) draft.files.push({ path, bytes, kind });
  return bytes;
}

/** The firmware that `key` names; a problem at `at` when there is none. */
export function findFirmware(draft: Draft, at: Path, key: string): PlannedFirmware | undefined {
  const found = draft.firmware.find((firmware) => firmware.key === key);
  if (found === undefined && !Object.hasOwn(draft.document.firmware, key))
    complain(draft, at, `unknown firmware "${key}"${suggest(key, Object.keys(draft.document.firmware))}`);
  return found;
}

/** Complains about groups, labels and names that no board has: a selector that can never match is a mistake. */
export function checkSelector(draft: Draft, at: Path, selector: BoardSelector): void {
  const groups = draft.document.fleet;
  if (selector.group !== undefined && !groups.some((entry) => entry.group === selector.group)) {
    const names = groups.map((entry) => entry.group);
    complain(draft, [...at, 'group'], `unknown group "${selector.group}"${suggest(selector.group, names)}`);
  }
  // By what the groups say: a fleet scaled down may have drawn no board of a rare chip, and that is no mistake.
  const chips = groups.flatMap((entry) => Object.keys(entry.chips ?? { esp32: 1 }));
  if (selector.chip !== undefined && !chips.includes(selector.chip))
    complain(draft, [...at, 'chip'], `no board of the fleet has the chip ${selector.chip}`);
  for (const [key, value] of Object.entries(selector.labels ?? {})) {
    const values = groups.flatMap((entry) => entry.labels?.[key] ?? []);
    if (values.includes(value)) continue;
    const keys = groups.flatMap((entry) => Object.keys(entry.labels ?? {}));
    const message =
      values.length === 0
        ? `no board has a label "${key}"${suggest(key, [...new Set(keys)])}`
        : `no board has the label ${key}: ${value}${suggest(value, [...new Set(values)])}`;
    complain(draft, [...at, 'labels', key], message);
  }
  for (const [index, name] of (selector.boards ?? []).entries()) {
    if (draft.boards.some((board) => board.name === name)) continue;
    const names = draft.boards.map((board) => board.name);
    complain(draft, [...at, 'boards', index], `unknown board "${name}"${suggest(name, names)}`);
  }
}
