import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServedCluster, ServedClusterOptions } from '../../../sim/live/served-cluster.ts';
import { EXIT_CODE, type ExitCode } from '../../scenario/result.ts';
import { type Console, untilInterrupted } from '../console.ts';
import { CommandFailure } from '../failure.ts';

/** Somebody who gets a bearer token. */
export type ClusterUser = NonNullable<ServedClusterOptions['users']>[number];

export interface ClusterFlags extends Omit<ServedClusterOptions, 'users'> {
  readonly user: readonly ClusterUser[];
}

/** Serves the embedded cluster until it is interrupted; its kubeconfig lives as long. */
export async function clusterCommand(options: ServedClusterOptions, console: Console): Promise<ExitCode> {
  const { openServedCluster } = await import('../../../sim/live/served-cluster.ts');
  const { writeKubeconfig } = await import('../../../sim/cluster/http/http-kubeconfig.ts');
  const cluster = await openServedCluster(options).catch((error: unknown) => refusePort(options, error));
  const folder = mkdtempSync(join(tmpdir(), 'brickproof-cluster-'));
  try {
    const kubeconfig = join(folder, 'kubeconfig');
    await writeKubeconfig(kubeconfig, cluster.url, cluster.kubeconfig);
    console.out(`ready: ${describe(cluster)}, kubeconfig ${kubeconfig}\n`);
    console.err(`kubectl --kubeconfig ${kubeconfig} get crds,nodes   (Ctrl-C ends the cluster)\n`);
    await Promise.race([untilInterrupted(console), cluster.broken]);
  } finally {
    await cluster.close();
    rmSync(folder, { recursive: true });
  }
  return EXIT_CODE.passed;
}

function describe({ url, around }: ServedCluster): string {
  return around === undefined
    ? `cluster at ${url}`
    : `cluster at ${url}, broker at ${around.broker}, registry at ${around.registry}`;
}

function refusePort({ port }: ServedClusterOptions, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    throw new CommandFailure(
      'unavailable',
      `port ${port} is in use; choose another one, or 0 for any free port`,
    );
  if (code === 'EACCES')
    throw new CommandFailure('unavailable', `port ${port} may not be used; choose one from 1024 on`);
  throw error;
}
