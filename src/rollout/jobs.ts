import type { RolloutPlan } from './plan.ts';
import type { RolloutAction, RolloutView } from './view.ts';

export interface Batching {
  readonly purpose: 'update' | 'revert';
  readonly wave: number;
  /** Devices without a job, in the order in which they get one. */
  readonly candidates: readonly string[];
  /** Devices that may be added to those in update now; 0 or less: none. */
  readonly budget: number;
}

/**
 * Cuts candidates into jobs, as many as the budget allows.
 *
 * Only whole batches, or all that is left, become jobs: a budget that frees one device at a time must
 * not make one job a device.
 */
export function batch(
  { rollout, jobs }: RolloutView,
  plan: RolloutPlan,
  { purpose, wave, candidates, budget }: Batching,
): { readonly actions: readonly RolloutAction[]; readonly left: number } {
  const size = Math.min(plan.batchSize, plan.maxUnavailable);
  const stem = `${rollout.metadata.name}-${purpose === 'update' ? `w${wave + 1}` : 'revert'}-`;
  let number = 1;
  for (const { name } of jobs)
    if (name.startsWith(stem)) number = Math.max(number, Number(name.slice(stem.length)) + 1 || 1);
  const actions: RolloutAction[] = [];
  let taken = 0;
  let free = budget;
  while (taken < candidates.length) {
    const count = Math.min(size, candidates.length - taken);
    if (count > free) break;
    const devices = candidates.slice(taken, taken + count);
    actions.push({ kind: 'create-job', name: `${stem}${number}`, purpose, wave, devices });
    number += 1;
    taken += count;
    free -= count;
  }
  return { actions, left: candidates.length - taken };
}
