import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { ScenarioFolder } from '../scenario/planning/draft.ts';
import { UsageError } from './failure.ts';

const SCENARIO_FILE = 'scenario.yaml';

/** The folder of a scenario given as a folder (its `scenario.yaml`) or as a file. */
export function openScenario(path: string): ScenarioFolder {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new UsageError(`there is no scenario ${path}; give a folder or a YAML file`);
  const folder = stats.isDirectory() ? path : dirname(path);
  const scenario = stats.isDirectory() ? SCENARIO_FILE : basename(path);
  if (stats.isDirectory() && readFile(join(folder, scenario)) === undefined)
    throw new UsageError(`${path} holds no ${SCENARIO_FILE}; give a scenario's folder or its file`);
  return {
    scenario,
    display: (name) => shown(resolve(folder, name)),
    read: (name) => readFile(resolve(folder, name)),
  };
}

/** The bytes of a file; undefined when there is none, or when it is a folder. */
export function readFile(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** A path as people typed it or would type it: from where they stand, when it is below. */
export function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' ? '.' : near.startsWith('..') ? path : near;
}
