import { isOutcome, type Outcome } from '../../device/outcome.ts';
import type { Device } from '../../kube/device.ts';
import type { RunResult } from '../result.ts';
import type { ClusterChange } from './cluster-view.ts';

/** How updates ended: each as it was settled, and for each device the last. */
export class UpdateTally {
  readonly #settled = new Map<Outcome, number>();

  onChange(change: ClusterChange): void {
    if (change.of !== 'device' || change.type === 'deleted') return;
    const [now, before] = [change.object.status?.update, change.previous?.status?.update];
    if (now?.phase !== 'Settled' || now.outcome === undefined) return;
    const known = before?.phase === 'Settled' && before.jobUid === now.jobUid;
    if (!known) this.#settled.set(now.outcome, (this.#settled.get(now.outcome) ?? 0) + 1);
  }

  /** Every settled update, by outcome, sorted by name. */
  updates(): RunResult['updates'] {
    return Object.fromEntries([...this.#settled].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Every device, by the outcome of its last update. */
  devices(devices: Iterable<Device>): RunResult['devices'] {
    const counts = new Map<string, number>();
    for (const device of devices) {
      const update = device.status?.update;
      const outcome = update?.outcome;
      const key =
        update === undefined ? 'none' : outcome !== undefined && isOutcome(outcome) ? outcome : 'pending';
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
