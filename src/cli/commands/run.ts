import { join, resolve } from 'node:path';
import { makePlan, type PlanOptions } from '../../scenario/planning/make-plan.ts';
import { folderOfReplay, readReplay, withRecordedFaults } from '../../scenario/replay-file.ts';
import type { ExitCode } from '../../scenario/result.ts';
import type { WorldKind } from '../../scenario/world.ts';
import { type ClusterFlags, chooseCluster, clusterWords } from '../cluster-argument.ts';
import { type Console, painter } from '../console.ts';
import { UsageError } from '../failure.ts';
import { type OpenWorld, openWorld } from '../open-world.ts';
import { showProgress } from '../progress.ts';
import { type Telling, type Told, tell } from '../run-scenario.ts';
import { openScenario, readFile, shown } from '../scenario-path.ts';
import { summarize } from '../summary.ts';
import { packageVersion } from '../version.ts';

export interface RunFlags extends ClusterFlags {
  readonly seed?: number;
  readonly boards?: number;
  readonly on: WorldKind;
  readonly speed: number;
  /** False: no folder. */
  readonly report?: string | false;
  readonly json?: boolean;
  readonly keepGoing?: boolean;
  readonly checkDeterminism?: boolean;
}

export type ReplayFlags = Omit<RunFlags, 'on' | 'speed'>;

type Story = Pick<Telling, 'plan' | 'boards' | 'scenario' | 'locate' | 'command'> & {
  readonly flags: RunFlags;
};

export async function runCommand(
  path: string,
  flags: RunFlags,
  console: Console,
  open: OpenWorld = openWorld,
): Promise<ExitCode> {
  const folder = openScenario(path);
  const overrides: PlanOptions = {
    ...(flags.seed !== undefined && { seed: flags.seed }),
    ...(flags.boards !== undefined && { boards: flags.boards }),
  };
  const plan = makePlan(folder, overrides);
  const more = [
    ...(flags.boards === undefined ? [] : [`--boards ${flags.boards}`]),
    ...(flags.on === 'sim' ? [] : [`--on ${flags.on}`]),
  ].map((word) => ` ${word}`);
  const told = await tellStory(
    {
      plan,
      boards: flags.boards,
      scenario: folder.scenario,
      locate: (name) => resolve(folder.display(name)),
      command: `npx brickproof run ${path} --seed ${plan.seed}${more.join('')}${clusterWords(flags)}`,
      flags,
    },
    console,
    open,
  );
  return told.result.exitCode;
}

export async function replayCommand(
  path: string,
  flags: ReplayFlags,
  console: Console,
  open: OpenWorld = openWorld,
): Promise<ExitCode> {
  const bytes = readFile(path);
  if (bytes === undefined) throw new UsageError(`there is no replay file ${path}`);
  const recorded = readReplay(shown(resolve(path)), new TextDecoder().decode(bytes));
  const { replay } = recorded;
  if (replay.version !== packageVersion())
    console.err(
      `recorded with brickproof ${replay.version}, this is ${packageVersion()}: the trace may differ\n`,
    );
  const options = { seed: replay.seed, ...(replay.boards !== undefined && { boards: replay.boards }) };
  const plan = withRecordedFaults(makePlan(folderOfReplay(recorded, readFile), options), recorded);
  const told = await tellStory(
    {
      plan,
      boards: replay.boards,
      scenario: replay.scenario,
      locate: (name) => replay.files.find((file) => file.path === name)?.from ?? name,
      command: `npx brickproof replay ${path}`,
      flags: { ...flags, on: replay.world, speed: 1 },
    },
    console,
    open,
  );
  const same = told.result.traceHash === replay.recorded.traceHash;
  console.err(
    same
      ? 'the trace is the recorded one\n'
      : `the trace is not the recorded one, ${replay.recorded.traceHash}\n`,
  );
  return told.result.exitCode;
}

async function tellStory({ flags, ...story }: Story, console: Console, open: OpenWorld): Promise<Told> {
  const { plan } = story;
  const cluster = chooseCluster(flags);
  const reportPath =
    flags.report === false
      ? undefined
      : (flags.report ?? join('brickproof-report', `${plan.name}-seed${plan.seed}`));
  const progress = showProgress(console, plan, flags.on);
  try {
    const told = await tell({
      ...story,
      world: { kind: flags.on, cluster, speed: flags.speed, say: (line) => console.err(`${line}\n`) },
      openWorld: open,
      reportPath,
      keepGoing: flags.keepGoing ?? false,
      checkDeterminism: flags.checkDeterminism ?? false,
      hooks: {
        signal: console.interrupted,
        onNote: progress.onNote,
        onProgress: progress.onProgress,
        wallClockMs: console.nowMs,
      },
    });
    progress.end();
    if (flags.json === true) console.out(`${JSON.stringify(told.report, null, 2)}\n`);
    else console.out(`\n${summarize(told.result, painter(console.outColor), reportPath, told.replay)}`);
    return told;
  } finally {
    progress.end();
  }
}
