import type { Verdict } from '../../src/flashjob/tally.ts';
import type { Device } from '../../src/kube/device.ts';
import type { FirmwareRollout } from '../../src/kube/firmware-rollout.ts';
import { type FlashJob, JOB_LABEL } from '../../src/kube/flash-job.ts';
import { inRankOrder, rankOf } from '../../src/rollout/membership.ts';
import type { RolloutDevice, RolloutJob, RolloutPins, RolloutView } from '../../src/rollout/view.ts';
import { clockMsOf, timestamp } from '../../src/time/clock.ts';
import type { OperatorContext } from './context.ts';

/** What is worth keeping between two looks at one rollout: it follows from the world and costs a fleet's worth of work. */
interface Memory {
  /** What `seen` depends on besides the Devices. */
  readonly stamp: string;
  /** By id; undefined stands for a device that is no member. */
  readonly seen: Map<string, { readonly device: Device; readonly member: RolloutDevice | undefined }>;
  /** Rank by id. */
  readonly ranks: Map<string, number>;
  /** Place in rank order by id, as of the last look. */
  places: ReadonlyMap<string, number>;
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
  #devicesOf(rollout: FirmwareRollout, owned: readonly FlashJob[]): readonly RolloutDevice[] {
    const { namespace = 'default', uid } = rollout.metadata;
    const labels = Object.entries(rollout.spec.selector.matchLabels ?? {});
    const startTime = rollout.status?.startTime;
    const updates = owned.filter(({ metadata }) => metadata.labels?.[JOB_LABEL.purpose] !== 'revert');
    const memory = this.#memoryOf(uid, `${rollout.metadata.generation}/${startTime}/${updates.length}`);
    let jobs: JobIndex | undefined;
    const found: RolloutDevice[] = [];
    for (const device of this.#context.devices.values()) {
      if ((device.metadata.namespace ?? 'default') !== namespace) continue;
      const { name } = device.metadata;
      let seen = memory.seen.get(name);
      if (seen?.device !== device) {
        jobs ??= indexJobs(updates);
        seen = { device, member: memberOf(device, labels, startTime, jobs) };
        memory.seen.set(name, seen);
      }
      if (seen.member !== undefined) found.push(seen.member);
    }
    // A Device that was deleted keeps its place: its job says what became of it.
    for (const { spec } of updates)
      for (const id of spec.uuid)
        if (this.#context.devices.get(`${namespace}/${id}`) === undefined)
          found.push({ id, existed: true, runsNew: false, hasRegressed: false });
    return this.#ranked(uid, memory, found);
  }

  #memoryOf(uid: string, stamp: string): Memory {
    const known = this.#memories.get(uid);
    if (known?.stamp === stamp) return known;
    const { ranks = new Map(), places = new Map() } = known ?? {};
    const memory: Memory = { stamp, seen: new Map(), ranks, places };
    this.#memories.set(uid, memory);
    return memory;
  }

  /** Sorted by rank; the sort of the last look is used again while the members are the same. */
  #ranked(uid: string, memory: Memory, found: readonly RolloutDevice[]): readonly RolloutDevice[] {
    const { ranks, places } = memory;
    if (places.size === found.length && found.every(({ id }) => places.has(id))) {
      const ordered = new Array<RolloutDevice>(found.length);
      for (const member of found) ordered[places.get(member.id) ?? 0] = member;
      return ordered;
    }
    const ordered = inRankOrder(found, (id) => {
      const known = ranks.get(id) ?? rankOf(id, uid);
      ranks.set(id, known);
      return known;
    });
    memory.places = new Map(ordered.map(({ id }, place) => [id, place]));
    return ordered;
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

interface JobIndex {
  readonly uids: ReadonlySet<string>;
  readonly deviceIds: ReadonlySet<string>;
}

const indexJobs = (jobs: readonly FlashJob[]): JobIndex => ({
  uids: new Set(jobs.map(({ metadata }) => metadata.uid)),
  deviceIds: new Set(jobs.flatMap(({ spec }) => spec.uuid)),
});

function memberOf(
  device: Device,
  labels: readonly (readonly [string, string])[],
  startTime: string | undefined,
  jobs: JobIndex,
): RolloutDevice | undefined {
  const { metadata, spec } = device;
  const matches = labels.every(([name, value]) => metadata.labels?.[name] === value);
  if (!jobs.deviceIds.has(metadata.name) && (!matches || spec.quarantined === true)) return undefined;
  return {
    id: metadata.name,
    existed: startTime === undefined || metadata.creationTimestamp <= startTime,
    ...relate(device, jobs.uids),
  };
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
