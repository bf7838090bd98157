import type { ScenarioPlan } from '../scenario/plan.ts';
import { type World, WorldError, type WorldKind } from '../scenario/world.ts';

export interface WorldChoice {
  readonly kind: WorldKind;
  /** How many times faster than life a live world's clock runs. */
  readonly speed: number;
}

/** Makes the world that a plan is told to. The rooms behind it are loaded only here, when they are needed. */
export type OpenWorld = (plan: ScenarioPlan, choice: WorldChoice) => Promise<World>;

export const openWorld: OpenWorld = async (plan, { kind }) => {
  switch (kind) {
    case 'sim': {
      const { SimWorld } = await import('../../sim/world.ts');
      return new SimWorld(plan);
    }
    case 'live':
      throw new WorldError('unsupported', 'the live world is not built yet; use --on sim');
    case 'bench':
      throw new WorldError('unsupported', 'the bench (real boards on USB) is not built yet; use --on sim');
  }
};
