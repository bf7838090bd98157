import type { ClusterChoice } from '../../../sim/live/cluster/cluster-choice.ts';
import type { ServedCluster } from '../../../sim/live/served-cluster.ts';
import { EXIT_CODE, type ExitCode } from '../../scenario/result.ts';
import { type Console, untilInterrupted } from '../console.ts';
import { CommandFailure, UsageError } from '../failure.ts';

export interface ClusterCommandOptions {
  readonly cluster: ClusterChoice;
  /** Runs the operator, with a broker and a registry for its devices and their firmware. */
  readonly operator: boolean;
}

/** Serves a cluster until it is interrupted; its kubeconfig lives as long. */
export async function clusterCommand(
  { cluster: choice, operator }: ClusterCommandOptions,
  console: Console,
): Promise<ExitCode> {
  const { openServedCluster } = await import('../../../sim/live/served-cluster.ts');
  const { openChosenCluster } = await import('../../../sim/live/cluster/cluster-choice.ts');
  const say = (line: string): void => console.err(`${line}\n`);
  const cluster = await openServedCluster({
    operator,
    openCluster: (clock, random) => openChosenCluster(choice, say, clock, random),
  }).catch((error: unknown) => refusePort(choice, error));
  try {
    console.out(`ready: ${describe(cluster)}, kubeconfig ${cluster.kubeconfig}\n`);
    console.err(`kubectl --kubeconfig ${cluster.kubeconfig} get crds,nodes   (Ctrl-C ends the cluster)\n`);
    await Promise.race([untilInterrupted(console), cluster.broken]);
  } finally {
    await cluster.close();
  }
  return EXIT_CODE.passed;
}

/** Removes what runs that were cut short have left in a cluster that was not theirs. */
export async function sweepCommand(choice: ClusterChoice, console: Console): Promise<ExitCode> {
  if (choice.kind !== 'kubeconfig')
    throw new UsageError('--sweep cleans a cluster that is yours: add --cluster kubeconfig[=PATH]');
  const { sweepCluster } = await import('../../../sim/live/cluster/borrowed-cluster.ts');
  const { connectionOf } = await import('../../../sim/live/cluster/cluster-choice.ts');
  const { standIns } = choice;
  const say = (line: string): void => console.err(`${line}\n`);
  const names = await sweepCluster({ connection: connectionOf(choice), standIns, say });
  console.out(names.length === 0 ? 'nothing was left\n' : names.map((name) => `removed ${name}\n`).join(''));
  return EXIT_CODE.passed;
}

function describe({ url, around }: ServedCluster): string {
  return around === undefined
    ? `cluster at ${url}`
    : `cluster at ${url}, broker at ${around.broker}, registry at ${around.registry}`;
}

function refusePort(choice: ClusterChoice, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (choice.kind === 'embedded' && code === 'EADDRINUSE')
    throw new CommandFailure(
      'unavailable',
      `port ${choice.port} is in use; choose another one, or 0 for any free port`,
    );
  if (choice.kind === 'embedded' && code === 'EACCES')
    throw new CommandFailure('unavailable', `port ${choice.port} may not be used; choose one from 1024 on`);
  throw error;
}
