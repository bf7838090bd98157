import { couldMatch } from '../engine/population.ts';
import type { NeverRule } from '../plan.ts';
import { countOf } from '../planning/plan-selector.ts';
import type { MakeMonitor } from './monitor.ts';

/** Never more than so many at once. Told once for each time the bound is crossed. */
export function neverMoreThan(rule: NeverRule): MakeMonitor {
  return ({ fleet, census, cluster }, report) => {
    const { subject } = rule;
    const total = fleet.boards.filter((board) => couldMatch(subject, board)).length;
    const most = countOf(rule.moreThan, total);
    const followed = census.follow(subject);
    let above = false;
    return {
      onInstant(atMs) {
        const now = followed.count();
        const counts = now > most && isOn();
        if (counts && !above)
          report({ atMs, message: `${rule.label}: there were ${now}, and ${most} are allowed` });
        above = counts;
      },
    };

    function isOn(): boolean {
      if (rule.whileRollout === undefined) return true;
      for (const rollout of cluster.rollouts.objects)
        if (rollout.metadata.name === rule.whileRollout) return rollout.status?.phase === 'Progressing';
      return false;
    }
  };
}
