import type { Verdict } from '../../src/flashjob/tally.ts';
import type { Device } from '../../src/kube/device.ts';
import type { FirmwareRollout } from '../../src/kube/firmware-rollout.ts';
import { type FlashJob, JOB_LABEL } from '../../src/kube/flash-job.ts';
import { inRankOrder, rankOf } from '../../src/rollout/membership.ts';
import type { RolloutDevice, RolloutJob, RolloutPins, RolloutView } from '../../src/rollout/view.ts';
import { clockMsOf, timestamp } from '../../src/time/clock.ts';
import type { OperatorContext } from './context.ts';

/** What is worth keeping between two looks at one rollout: both follow from it and cost a fleet's worth of work. */
interface Memory {
  readonly ranks: Map<string, number>;
  /** Ids in rank order, as of the last look. */
  order: readonly string[];
}

/** Makes the decider's view of a rollout out of the caches, without sorting or hashing the fleet each time. */
export class RolloutObserver {
  readonly #context: OperatorContext;
  readonly #memories = new Map<string, Memory>();
  /** By object: a job that has not changed is not read again. */
  readonly #jobs = new WeakMap<FlashJob, RolloutJob>();

  constructor(context: OperatorContext) {
    this.#context = context;
  }

  forget(rollout: FirmwareRollout): void {
    this.#memories.delete(rollout.metadata.uid);
  }

  observe(rollout: FirmwareRollout, pins: RolloutPins): RolloutView {
    const { clock } = this.#context.ports;
    const owned = this.#context.jobs.byIndex('owner', rollout.metadata.uid);
    return {
      rollout,
      pins,
      nowMs: clock.nowMs,
      now: timestamp(clock),
      msOf: (text) => clockMsOf(clock, text),
      jobs: owned.map((job) => this.#jobOf(job)),
      devices: this.#devicesOf(rollout, owned),
    };
  }

  /** Devices that match now, and those that have a job whether they still match or not. */
  #devicesOf(rollout: FirmwareRollout, owned: readonly FlashJob[]): RolloutDevice[] {
    const { devices } = this.#context;
    const { namespace = 'default', uid } = rollout.metadata;
    const labels = Object.entries(rollout.spec.selector.matchLabels ?? {});
    const startTime = rollout.status?.startTime;
    const updates = owned.filter(({ metadata }) => metadata.labels?.[JOB_LABEL.purpose] !== 'revert');
    const updateUids = new Set(updates.map(({ metadata }) => metadata.uid));
    const hasJob = new Set(updates.flatMap(({ spec }) => spec.uuid));
    const found = new Map<string, RolloutDevice>();
    for (const device of devices.values()) {
      const { metadata, spec } = device;
      if ((metadata.namespace ?? 'default') !== namespace) continue;
      const isCovered = hasJob.has(metadata.name);
      const matches = labels.every(([name, value]) => metadata.labels?.[name] === value);
      if (!isCovered && (!matches || spec.quarantined === true)) continue;
      found.set(metadata.name, {
        id: metadata.name,
        existed: startTime === undefined || metadata.creationTimestamp <= startTime,
        ...relate(device, updateUids),
      });
    }
    // A Device that was deleted keeps its place: its job says what became of it.
    for (const id of hasJob)
      if (!found.has(id)) found.set(id, { id, existed: true, runsNew: false, hasRegressed: false });
    return this.#ranked(uid, found);
  }

  #ranked(uid: string, found: ReadonlyMap<string, RolloutDevice>): RolloutDevice[] {
    let memory = this.#memories.get(uid);
    if (memory === undefined) {
      memory = { ranks: new Map(), order: [] };
      this.#memories.set(uid, memory);
    }
    const { ranks } = memory;
    if (memory.order.length !== found.size || !memory.order.every((id) => found.has(id))) {
      const rank = (id: string): number => {
        const known = ranks.get(id) ?? rankOf(id, uid);
        ranks.set(id, known);
        return known;
      };
      memory.order = inRankOrder([...found.values()], rank).map(({ id }) => id);
    }
    return memory.order.map((id) => found.get(id) as RolloutDevice);
  }

  #jobOf(job: FlashJob): RolloutJob {
    const known = this.#jobs.get(job);
    if (known !== undefined) return known;
    const { metadata, spec, status } = job;
    const verdicts = new Map<string, Verdict>();
    for (const uuid of status?.completedUUIDs ?? [])
      verdicts.set(uuid, { outcome: 'confirmed', message: '' });
    for (const { uuid, outcome, message = '' } of status?.devices ?? [])
      if (outcome !== undefined) verdicts.set(uuid, { outcome, message });
    const made: RolloutJob = {
      name: metadata.name,
      purpose: metadata.labels?.[JOB_LABEL.purpose] === 'revert' ? 'revert' : 'update',
      wave: Number(metadata.labels?.[JOB_LABEL.wave] ?? 1) - 1,
      devices: spec.uuid,
      verdicts,
      isDone: status?.phase === 'Completed' || status?.phase === 'Failed',
      isPaused: spec.paused === true,
      isCancelled: spec.cancelled === true,
    };
    this.#jobs.set(job, made);
    return made;
  }
}

/** What a device's twin says about the image that one of these jobs gave it. */
function relate(
  { status }: Device,
  updateUids: ReadonlySet<string>,
): { runsNew: boolean; hasRegressed: boolean } {
  const isOurs = ({ jobUid }: { readonly jobUid: string }): boolean => updateUids.has(jobUid);
  const { update, history = [], attested } = status ?? {};
  const ours = update !== undefined && isOurs(update) ? update : history.find(isOurs);
  if (ours === undefined || ours.digest === '') return { runsNew: false, hasRegressed: false };
  const runsNew = attested?.digest === ours.digest;
  return { runsNew, hasRegressed: !runsNew && ours === update && ours.outcome === 'confirmed' };
}
