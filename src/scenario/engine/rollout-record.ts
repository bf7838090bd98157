import type { FirmwareRollout } from '../../kube/firmware-rollout.ts';
import type { RolloutResult, WaveResult } from '../result.ts';
import type { ClusterChange } from './cluster-view.ts';

interface Record {
  rollout: FirmwareRollout;
  readonly createdAtMs: number;
  readonly beganAtMs: Map<number, number>;
  readonly endedAtMs: Map<number, number>;
}

/** Every rollout of a run, with the instants at which its waves began and ended. */
export class RolloutRecord {
  readonly #records = new Map<string, Record>();

  onChange(change: ClusterChange, atMs: number): void {
    if (change.of !== 'rollout') return;
    const { uid } = change.object.metadata;
    const record = this.#records.get(uid) ?? {
      rollout: change.object,
      createdAtMs: atMs,
      beganAtMs: new Map(),
      endedAtMs: new Map(),
    };
    record.rollout = change.object;
    this.#records.set(uid, record);
    for (const [index, { gate }] of (change.object.status?.waves ?? []).entries()) {
      if (gate !== 'Waiting' && !record.beganAtMs.has(index)) record.beganAtMs.set(index, atMs);
      const over = gate === 'Passed' || gate === 'Failed';
      if (over && !record.endedAtMs.has(index)) record.endedAtMs.set(index, atMs);
    }
  }

  /** In the order in which they were created. */
  results(): RolloutResult[] {
    return [...this.#records.values()].map(({ rollout, createdAtMs, beganAtMs, endedAtMs }) => ({
      name: rollout.metadata.name,
      firmware: rollout.spec.firmware,
      phase: rollout.status?.phase ?? 'Pending',
      message: rollout.status?.message ?? '',
      createdAtMs,
      waves: (rollout.status?.waves ?? []).map(
        (wave, index): WaveResult => ({
          percent: wave.percent,
          devices: wave.devices,
          confirmed: wave.confirmed,
          failed: wave.failed,
          excluded: wave.excluded,
          pending: wave.pending,
          gate: wave.gate,
          beganAtMs: beganAtMs.get(index),
          endedAtMs: endedAtMs.get(index),
        }),
      ),
    }));
  }
}
