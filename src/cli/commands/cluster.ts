import { EXIT_CODE, type ExitCode } from '../../scenario/result.ts';
import { WorldError } from '../../scenario/world.ts';
import type { Console } from '../console.ts';

export interface ClusterFlags {
  /** 0: any free port. */
  readonly port: number;
}

/** A cluster that answers over HTTP until it is closed. */
export interface ServedCluster {
  readonly url: string;
  /** A kubeconfig file that points there. */
  readonly kubeconfig: string;
  close(): Promise<void>;
}

export type ServeCluster = (flags: ClusterFlags) => Promise<ServedCluster>;

/** Serves the embedded cluster until it is interrupted. */
export async function clusterCommand(
  flags: ClusterFlags,
  console: Console,
  serve: ServeCluster = serveCluster,
): Promise<ExitCode> {
  const cluster = await serve(flags);
  console.out(`cluster at ${cluster.url}\nexport KUBECONFIG=${cluster.kubeconfig}\n`);
  console.err('kubectl get crds, apply, wait, delete; Ctrl-C ends it\n');
  if (!console.interrupted.aborted)
    await new Promise<void>((resolve) =>
      console.interrupted.addEventListener('abort', () => resolve(), { once: true }),
    );
  await cluster.close();
  return EXIT_CODE.passed;
}

/** The one place that knows where the cluster's HTTP door is. */
const serveCluster: ServeCluster = async () => {
  throw new WorldError('unsupported', 'serving the cluster over HTTP is not wired yet');
};
