import type { Random } from '../../../src/random/random.ts';
import type { Clock } from '../../../src/time/clock.ts';
import type { StandIns } from './borrowed-cluster.ts';
import type { LiveCluster } from './live-cluster.ts';

/** Whose cluster a live world lives in. */
export type ClusterChoice =
  | { readonly kind: 'embedded'; readonly port: number }
  /** `path` absent: the file that kubectl would take. */
  | {
      readonly kind: 'kubeconfig';
      readonly path?: string;
      readonly context?: string;
      readonly standIns: StandIns;
    }
  | { readonly kind: 'kind'; readonly name: string; readonly standIns: StandIns };

/** Opens what was chosen; loads nothing of the others. */
export async function openChosenCluster(
  choice: ClusterChoice,
  say: (line: string) => void,
  clock: Clock,
  random: Random,
): Promise<LiveCluster> {
  switch (choice.kind) {
    case 'embedded': {
      const { openOwnCluster } = await import('./own-cluster.ts');
      return openOwnCluster(clock, random, choice.port);
    }
    case 'kubeconfig': {
      const { borrowCluster } = await import('./borrowed-cluster.ts');
      return borrowCluster({ connection: connectionOf(choice), standIns: choice.standIns, say });
    }
    case 'kind': {
      const { openKindCluster } = await import('./kind-cluster.ts');
      return openKindCluster(choice.name, choice.standIns, say);
    }
  }
}

/** What a kubeconfig choice means to the adapter. */
export function connectionOf({ path, context }: Extract<ClusterChoice, { kind: 'kubeconfig' }>): {
  readonly kubeconfig: string;
  readonly context?: string;
} {
  return { kubeconfig: path ?? 'default', ...(context !== undefined && { context }) };
}
