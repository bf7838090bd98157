import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScenarioPlan } from '../scenario/plan.ts';
import { type World, WorldError, type WorldKind } from '../scenario/world.ts';

export interface WorldChoice {
  readonly kind: WorldKind;
  /** How many times faster than life a live world's clock runs. */
  readonly speed: number;
  /** Told where others can look on, before the story begins. */
  readonly say: (line: string) => void;
}

/** Makes the world that a plan is told to. The rooms behind it are loaded only here, when they are needed. */
export type OpenWorld = (plan: ScenarioPlan, choice: WorldChoice) => Promise<World>;

export const openWorld: OpenWorld = async (plan, { kind, speed, say }) => {
  switch (kind) {
    case 'sim': {
      const { SimWorld } = await import('../../sim/world.ts');
      return new SimWorld(plan);
    }
    case 'live':
      return openLive(plan, speed, say);
    case 'bench':
      throw new WorldError('unsupported', 'the bench (real boards on USB) is not built yet; use --on sim');
  }
};

/** Opens a live world and says how to look on with ordinary tools. */
async function openLive(plan: ScenarioPlan, speed: number, say: (line: string) => void): Promise<World> {
  const { LiveWorld } = await import('../../sim/live/live-world.ts');
  const { writeKubeconfig } = await import('../../sim/cluster/http/http-kubeconfig.ts');
  const world = await LiveWorld.open(plan, { speed });
  const { cluster, broker, registry } = world.endpoints;
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'brickproof-')), 'kubeconfig');
  await writeKubeconfig(kubeconfig, cluster);
  say(`cluster   kubectl --kubeconfig ${kubeconfig} get fwr,flashjobs,devices -w`);
  say(`broker    mosquitto_sub -p ${new URL(broker).port} -t 'brickproof/+/announce' -v`);
  say(`registry  http://${registry}/v2/`);
  return world;
}
