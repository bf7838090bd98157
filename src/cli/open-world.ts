import type { ClusterChoice } from '../../sim/live/cluster/cluster-choice.ts';
import type { ScenarioPlan } from '../scenario/plan.ts';
import { type World, WorldError, type WorldKind } from '../scenario/world.ts';
import { UsageError } from './failure.ts';

export interface WorldChoice {
  readonly kind: WorldKind;
  readonly cluster: ClusterChoice;
  /** How many times faster than life a live world's clock runs. */
  readonly speed: number;
  /** Told where others can look on, before the story begins. */
  readonly say: (line: string) => void;
}

/** Makes the world that a plan is told to. The rooms behind it are loaded only here, when they are needed. */
export type OpenWorld = (plan: ScenarioPlan, choice: WorldChoice) => Promise<World>;

export const openWorld: OpenWorld = async (plan, choice) => {
  switch (choice.kind) {
    case 'sim': {
      if (choice.cluster.kind !== 'embedded')
        throw new UsageError(
          `the simulated world runs in virtual time, which only the embedded cluster keeps; add --on live for --cluster ${choice.cluster.kind}`,
        );
      const { SimWorld } = await import('../../sim/world.ts');
      return new SimWorld(plan);
    }
    case 'live':
      return openLive(plan, choice);
    case 'bench':
      throw new WorldError('unsupported', 'the bench (real boards on USB) is not built yet; use --on sim');
  }
};

/** Opens a live world and says how to look on with ordinary tools. */
async function openLive(plan: ScenarioPlan, { speed, cluster, say }: WorldChoice): Promise<World> {
  const { LiveWorld } = await import('../../sim/live/live-world.ts');
  const { openChosenCluster } = await import('../../sim/live/cluster/cluster-choice.ts');
  const world = await LiveWorld.open(plan, {
    speed,
    openCluster: (clock, random) =>
      openChosenCluster(cluster, (line) => say(`cluster   ${line}`), clock, random),
  });
  const { kubeconfig, broker, registry } = world.endpoints;
  say(`cluster   kubectl --kubeconfig ${kubeconfig} get fwr,flashjobs,devices -w`);
  say(`broker    mosquitto_sub -p ${new URL(broker).port} -t 'brickproof/+/announce' -v`);
  say(`registry  http://${registry}/v2/`);
  return world;
}
