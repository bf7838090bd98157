import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT_CODE, EXIT_CODE_MEANING, type ExitCode } from '../scenario/result.ts';
import { type ClusterFlags, chooseCluster, withClusterOptions } from './cluster-argument.ts';
import type { ReplayFlags, RunFlags } from './commands/run.ts';
import { type Console, processConsole } from './console.ts';
import { rejectUsage } from './failure.ts';
import { packageVersion } from './version.ts';

const EXIT_CODES = `
Exit codes:
${Object.entries(EXIT_CODE_MEANING)
  .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
  .join('\n')}
`;

const whole =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };

/** Somebody who gets a bearer token. */
interface ClusterUser {
  readonly name: string;
  readonly groups: readonly string[];
}

function clusterUser(text: string, before: readonly ClusterUser[] = []): readonly ClusterUser[] {
  const [, name, groups = ''] = /^([^\s=]+)(?:=(\S*))?$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('Write it as alice, or alice=group,group.');
  if (before.some((one) => one.name === name))
    throw new InvalidArgumentError(`${name} is there twice; name all groups at once.`);
  return [...before, { name, groups: groups.split(',').filter(Boolean) }];
}

/** Fast enough that a bake time is no wait, slow enough that people can look on. */
const LIVE_SPEED = 20;

function speed(text: string): number {
  const match = /^(\d+(?:\.\d+)?)x$/.exec(text);
  if (match === null || Number(match[1]) <= 0) throw new InvalidArgumentError('Write it as 60x.');
  return Number(match[1]);
}

/** Commands in rooms of their own, loaded without the others. */
const OWN_ROOMS: readonly string[] = ['firmware', 'registry'];

/**
 * The command line. Every command's room is loaded when the command runs, so that `--help` costs nothing.
 *
 * Settles with the exit code; prints nothing but through `console`.
 */
export async function main(args: readonly string[], console: Console): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODE.passed;
  const program = makeProgram(console, (code) => {
    exitCode = code;
  });
  try {
    // These say what they take in the rooms that do it, so they are loaded for their own use and for the list of all.
    const [asked = ''] = args;
    const isKnown = program.commands.some((command) => command.name() === asked);
    const loads = (name: string): boolean => asked === name || !(isKnown || OWN_ROOMS.includes(asked));
    if (loads('firmware')) (await import('./firmware.ts')).registerFirmware(program);
    if (loads('registry')) (await import('./registry.ts')).registerRegistry(program);
    if (loads('')) {
      (await import('./flash-commands.ts')).registerFlashCommands(program);
      (await import('./board-serve.ts')).registerBoardServe(program, console);
    }
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed what it had to say: help, the version, or one line on what was wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.passed : EXIT_CODE.usage;
    const { explain } = await import('./failure.ts');
    const { lines, exitCode: code } = explain(error);
    console.err(`${lines.join('\n')}\n`);
    return code;
  }
}

function makeProgram(console: Console, done: (code: ExitCode) => void): Command {
  const program = new Command('brickproof')
    .description('Prove that a firmware rollout cannot brick the fleet, before it ships.')
    .version(packageVersion())
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: console.out,
      writeErr: console.err,
      outputError: (text, write) => write(`brickproof: ${oneLine(text)}\n`),
    })
    .addHelpText(
      'after',
      `
Examples:
  $ npx brickproof run scenarios/canary-rollback
  $ npx brickproof run scenarios/canary-rollback --seed 8 --boards 10000 --json
  $ npx brickproof replay brickproof-report/canary-rollback-seed8/replay.yaml
${EXIT_CODES}`,
    );

  const run = program
    .command('run')
    .description('tell a scenario to a fleet, judge it, and write a report')
    .argument('<scenario>', 'a folder with a scenario.yaml, or a file')
    .option('--seed <number>', "wins over the scenario's own seed", whole(0, 0xffff_ffff))
    .addOption(
      new Option('--on <world>', 'where it is told').choices(['sim', 'live', 'bench']).default('sim'),
    )
    .addOption(
      new Option('--speed <factor>', 'live only: how much faster than life the clock runs, as 60x')
        .argParser(speed)
        .default(LIVE_SPEED, `${LIVE_SPEED}x`),
    )
    .option(
      '--boards <number>',
      'number of genuine boards, in the proportions of the scenario',
      whole(1, 1_000_000),
    );
  withReportOptions(withClusterOptions(run))
    .option('--check-determinism', 'tell it twice; a difference is exit code 70')
    .addHelpText(
      'after',
      `
Writes report.html, report.json, junit.xml, trace.ndjson, and replay.yaml when it failed.

Examples:
  $ npx brickproof run scenarios/canary-rollback
  $ npx brickproof run my-scenario.yaml --seed 8 --report out --json > report.json
  $ npx brickproof run scenarios/live-smoke --on live --speed 60x
  $ npx brickproof run scenarios/live-smoke --on live --cluster kind
  $ npx brickproof run scenarios/live-smoke --on live --cluster kubeconfig=./kubeconfig --context test
${EXIT_CODES}`,
    )
    .action(async (scenario: string, flags: RunFlags) => {
      const { runCommand } = await import('./commands/run.ts');
      done(await runCommand(scenario, flags, console));
    });

  withReportOptions(
    withClusterOptions(
      program
        .command('replay')
        .description('tell a recorded failure again; the trace must be the recorded one')
        .argument('<file>', 'the replay.yaml of a failed run'),
    ),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ npx brickproof replay brickproof-report/canary-rollback-seed8/replay.yaml
${EXIT_CODES}`,
    )
    .action(async (file: string, flags: ReplayFlags) => {
      const { replayCommand } = await import('./commands/run.ts');
      done(await replayCommand(file, flags, console));
    });

  withClusterOptions(
    program
      .command('cluster')
      .description('serve a cluster for kubectl: the embedded one, or a place in yours'),
  )
    .option('--port <number>', 'embedded only: port on localhost; 0 takes any', whole(0, 65_535))
    .option('--operator', 'run the operator in it, with a broker and a registry', false)
    .option('--tls', 'embedded only: HTTPS, with a certificate for the administrator')
    .option('--rbac', 'embedded only: roles decide who may do what; brings --tls with it')
    .option(
      '--user <name=groups>',
      'embedded only: somebody with a bearer token and a kubeconfig context of that name, as alice=gardeners,cooks; repeatable',
      clusterUser,
    )
    .option('--sweep', 'remove what runs that were cut short left in your cluster, and end')
    .addHelpText(
      'after',
      `
Holds Akri's kinds and ours, and one node. Says on one line where it is and where its kubeconfig lies;
both are gone when it ends. In a cluster of yours it lives in a namespace of its own, and takes it away.

Examples:
  $ npx brickproof cluster --port 8001
  $ npx brickproof cluster --operator
  $ npx brickproof cluster --rbac --user alice=gardeners
  $ npx brickproof cluster --operator --cluster kubeconfig
  $ npx brickproof cluster --sweep --cluster kubeconfig
`,
    )
    .action(async ({ port, tls, rbac, user, operator, sweep, ...flags }: ClusterCommandFlags) => {
      const chosen = chooseCluster(flags);
      const { clusterCommand, sweepCommand } = await import('./commands/cluster.ts');
      for (const [option, given] of Object.entries({ port, tls, rbac, user }))
        if (given !== undefined && chosen.kind !== 'embedded')
          rejectUsage(`--${option} is for the embedded cluster; another one has its own`);
      const own = { port: port ?? 0, tls: tls ?? false, rbac: rbac ?? false, users: user ?? [] };
      const cluster = chosen.kind === 'embedded' ? { ...chosen, ...own } : chosen;
      done(
        await (sweep === true
          ? sweepCommand(cluster, console)
          : clusterCommand({ cluster, operator }, console)),
      );
    });

  program
    .command('schema')
    .description('print the JSON Schema of scenario files, for editors')
    .addHelpText('after', '\nExamples:\n  $ npx brickproof schema > scenario.schema.json\n')
    .action(async () => {
      const { schemaCommand } = await import('./commands/schema.ts');
      schemaCommand(console);
    });

  program
    .command('faults')
    .description('list the faults that a scenario can inject')
    .addHelpText('after', '\nExamples:\n  $ npx brickproof faults\n')
    .action(async () => {
      const { faultsCommand } = await import('./commands/faults.ts');
      faultsCommand(console);
    });
  return program;
}

interface ClusterCommandFlags extends ClusterFlags {
  readonly port?: number;
  readonly tls?: boolean;
  readonly rbac?: boolean;
  readonly user?: readonly ClusterUser[];
  readonly operator: boolean;
  readonly sweep?: boolean;
}

function withReportOptions(command: Command): Command {
  return command
    .option('--report <folder>', 'where the report goes (default: brickproof-report/<scenario>-seed<seed>)')
    .option('--no-report', 'write no folder')
    .option('--json', 'print the report as JSON on standard output, and nothing else there')
    .option('--keep-going', 'go on after a violation of a safety property');
}

function oneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ');
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2), processConsole());
