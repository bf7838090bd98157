import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, runScenario } from '../scenario/engine/engine.ts';
import type { ScenarioPlan } from '../scenario/plan.ts';
import { writeReplay } from '../scenario/replay-file.ts';
import { makeReport, type Report } from '../scenario/report/report-json.ts';
import { EXIT_CODE, type RunResult } from '../scenario/result.ts';
import type { World } from '../scenario/world.ts';
import type { OpenWorld, WorldChoice } from './open-world.ts';
import { ReportFolder } from './report-folder.ts';
import { packageVersion } from './version.ts';

export interface Telling {
  readonly plan: ScenarioPlan;
  readonly world: WorldChoice;
  readonly openWorld: OpenWorld;
  /** Undefined: no folder is written. */
  readonly reportPath: string | undefined;
  readonly keepGoing: boolean;
  /** Tells the story a second time and compares the traces. */
  readonly checkDeterminism: boolean;
  /** What `replay.yaml` must know and the plan does not. */
  readonly boards: number | undefined;
  readonly scenario: string;
  readonly locate: (path: string) => string;
  /** The command that runs it again when there is no replay file. */
  readonly command: string;
  readonly hooks: Omit<RunOptions, 'traceSink' | 'keepGoing'>;
}

export interface Told {
  readonly result: RunResult;
  readonly report: Report;
  /** The command that runs it again. */
  readonly replay: string;
}

/** Opens the world, tells the story, and writes the run's folder. Throws what stops a story from being told. */
export async function tell(telling: Telling): Promise<Told> {
  const { plan, reportPath, hooks } = telling;
  // The world comes first: when there is none, no folder is left behind.
  const world = await telling.openWorld(plan, telling.world);
  const folder = reportPath === undefined ? undefined : await openFolder(reportPath, world);
  let told = false;
  try {
    const traceSink = folder === undefined ? {} : { traceSink: folder.traceSink };
    const options = { ...hooks, ...traceSink, keepGoing: telling.keepGoing };
    let result = await runScenario(plan, world, options);
    if (telling.checkDeterminism && result.exitCode !== EXIT_CODE.interrupted)
      result = await compareWithSecond(telling, result, folder);
    const failed = result.outcome === 'failed';
    const replay =
      folder === undefined || !failed ? telling.command : `npx brickproof replay ${folder.replayPath}`;
    const version = packageVersion();
    const report = makeReport(result, version, replay);
    const facts = { version, scenario: telling.scenario, locate: telling.locate };
    const boards = telling.boards === undefined ? {} : { boards: telling.boards };
    folder?.write(result, report, failed ? writeReplay(plan, result, { ...facts, ...boards }) : undefined);
    told = true;
    return { result, report, replay };
  } finally {
    folder?.close();
    if (!told) folder?.discard();
  }
}

async function openFolder(path: string, world: World): Promise<ReportFolder> {
  try {
    return new ReportFolder(path);
  } catch (error) {
    await world.stop();
    throw error;
  }
}

/** Two runs of one plan must be one run; when they are not, says where they part. */
async function compareWithSecond(
  telling: Telling,
  first: RunResult,
  folder: ReportFolder | undefined,
): Promise<RunResult> {
  const path = folder === undefined ? undefined : join(folder.path, 'trace-2.ndjson');
  const file = path === undefined ? undefined : openSync(path, 'w');
  const world = await telling.openWorld(telling.plan, telling.world);
  const second = await runScenario(telling.plan, world, {
    wallClockMs: telling.hooks.wallClockMs,
    keepGoing: telling.keepGoing,
    ...(telling.hooks.signal !== undefined && { signal: telling.hooks.signal }),
    ...(file !== undefined && { traceSink: (chunk) => void writeSync(file, chunk) }),
  });
  if (file !== undefined) closeSync(file);
  if (second.traceHash === first.traceHash) {
    if (path !== undefined) rmSync(path);
    return first;
  }
  const where = folder === undefined || path === undefined ? '' : describeParting(folder.draftPath, path);
  const failure = `the run is not deterministic: the second trace is ${second.traceHash}${where}`;
  return { ...first, outcome: 'failed', exitCode: EXIT_CODE.bug, failure };
}

function describeParting(...traces: readonly [string, string]): string {
  const [first = [], second = []] = traces.map((path) => readFileSync(path, 'utf8').split('\n'));
  const line = first.findIndex((text, index) => text !== second[index]);
  return `; trace.ndjson and trace-2.ndjson part at line ${line + 1}`;
}
