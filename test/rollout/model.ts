import type { Outcome } from '../../src/device/outcome.ts';
import type { Verdict } from '../../src/flashjob/tally.ts';
import type { FirmwareRollout } from '../../src/kube/firmware-rollout.ts';
import { decideRollout } from '../../src/rollout/decide.ts';
import { inRankOrder, rankOf } from '../../src/rollout/membership.ts';
import type { RolloutDevice, RolloutJob, RolloutView } from '../../src/rollout/view.ts';

export interface ModelOptions {
  readonly devices: number;
  readonly spec: Partial<FirmwareRollout['spec']>;
  /** How an update of this device ends. */
  readonly outcomeOf: (device: string) => Outcome;
}

interface Job {
  readonly name: string;
  readonly purpose: 'update' | 'revert';
  readonly wave: number;
  readonly devices: readonly string[];
  readonly verdicts: Map<string, Verdict>;
  readonly createdMs: number;
  /** When its last device had its verdict. */
  settledMs: number;
  isCancelled: boolean;
}

const PIN = { reference: 'registry.local/thermo:2', digest: 'sha256:2' };
const UID = 'rollout-uid';

/** A world as far as the rollout decider can see it: the object, its jobs, and devices that do as they are told. */
export class RolloutModel {
  nowMs = 0;
  rollout: FirmwareRollout;
  readonly jobs = new Map<string, Job>();
  /** Ids of devices that run the new image. */
  readonly updated = new Set<string>();
  readonly #options: ModelOptions;

  constructor(options: ModelOptions) {
    this.#options = options;
    this.rollout = {
      apiVersion: 'fleet.brickproof.dev/v1alpha1',
      kind: 'FirmwareRollout',
      metadata: {
        name: 'r',
        namespace: 'default',
        uid: UID,
        resourceVersion: '1',
        creationTimestamp: stamp(0),
      },
      spec: {
        selector: {},
        firmware: PIN.reference,
        waves: [{ percent: 10 }, { percent: 50 }, { percent: 100 }],
        gate: { minSuccessPercent: 80, bakeTime: '1m' },
        ...options.spec,
      },
    };
  }

  view(): RolloutView {
    const ids = Array.from({ length: this.#options.devices }, (_, index) => `device-${index}`);
    const members = ids.map(
      (id): RolloutDevice => ({ id, existed: true, runsNew: this.updated.has(id), hasRegressed: false }),
    );
    return {
      rollout: this.rollout,
      nowMs: this.nowMs,
      now: stamp(this.nowMs),
      msOf: (text) => Date.parse(text),
      pins: { firmware: PIN, revertFirmware: { reference: 'registry.local/thermo:1', digest: 'sha256:1' } },
      devices: inRankOrder(members, (id) => rankOf(id, UID)),
      jobs: [...this.jobs.values()].map(
        (job): RolloutJob => ({ ...job, isPaused: false, isDone: job.verdicts.size === job.devices.length }),
      ),
    };
  }

  /** One look and `writesMax` of its writes: the status first, then the actions; fewer than all is a crash. */
  reconcile(writesMax = Number.POSITIVE_INFINITY): void {
    const decision = decideRollout(this.view());
    let writes = 0;
    if (writes++ >= writesMax) return;
    this.rollout = { ...this.rollout, status: decision.status };
    for (const action of decision.actions) {
      if (writes++ >= writesMax) return;
      if (action.kind === 'create-job' && !this.jobs.has(action.name))
        this.jobs.set(action.name, {
          ...action,
          verdicts: new Map(),
          createdMs: this.nowMs,
          settledMs: Number.POSITIVE_INFINITY,
          isCancelled: false,
        });
      const job = this.jobs.get(action.name);
      if (action.kind === 'cancel-job' && job !== undefined) {
        job.isCancelled = true;
        for (const id of job.devices)
          if (!job.verdicts.has(id)) job.verdicts.set(id, { outcome: 'cancelled', message: '' });
      }
    }
  }

  /** The `choice`-th device that waits for its update has it now. */
  settleOne(choice: number): void {
    const waiting = [...this.jobs.values()].flatMap((job) =>
      job.devices.filter((id) => !job.verdicts.has(id)).map((id) => ({ job, id })),
    );
    const picked = waiting[choice % Math.max(1, waiting.length)];
    if (picked === undefined) return;
    const { job, id } = picked;
    const outcome = job.purpose === 'revert' ? 'confirmed' : this.#options.outcomeOf(id);
    job.verdicts.set(id, { outcome, message: '' });
    if (job.verdicts.size === job.devices.length) job.settledMs = this.nowMs;
    if (outcome !== 'confirmed') return;
    if (job.purpose === 'update') this.updated.add(id);
    else this.updated.delete(id);
  }

  get inUpdate(): number {
    return [...this.jobs.values()].reduce(
      (sum, { devices, verdicts }) => sum + devices.length - verdicts.size,
      0,
    );
  }

  get isOver(): boolean {
    return this.rollout.status?.completionTime !== undefined;
  }

  /** It waits for a person: so many devices of a wave were refused that its gate has nothing to judge. */
  get isStarved(): boolean {
    return this.rollout.status?.conditions?.some(({ reason }) => reason === 'TooFewSamples') ?? false;
  }

  /** Lets everything happen until the rollout is over or starved; throws when it never is. */
  finish(): void {
    for (let step = 0; step < 5_000; step++) {
      if (this.isOver || this.isStarved) return;
      this.reconcile();
      this.settleOne(step);
      this.nowMs += 5_000;
    }
    throw new Error(`not over: ${this.rollout.status?.message}`);
  }
}

const stamp = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
