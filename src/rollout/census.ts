import { countsAtGate, type Outcome } from '../device/outcome.ts';
import type { Verdict } from '../flashjob/tally.ts';
import type { FirmwareRolloutStatus } from '../kube/firmware-rollout.ts';
import { assignWaves } from './membership.ts';
import type { RolloutDevice, RolloutJob } from './view.ts';

/** One wave, counted. */
export interface WaveCensus {
  readonly devices: number;
  readonly confirmed: number;
  readonly failed: number;
  readonly excluded: number;
  readonly pending: number;
  /** Devices of the wave that have no job yet, in rank order. */
  readonly unstarted: readonly string[];
}

/** The whole rollout, counted in one pass. */
export interface Census {
  readonly waves: readonly WaveCensus[];
  readonly failed: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: NonNullable<FirmwareRolloutStatus['failures']>;
  /** Devices whose jobs, of either purpose, have not settled them. */
  readonly inUpdate: number;
}

const FAILURES_MAX = 50;
const MESSAGE_CHARS_MAX = 200;

const REGRESSED: Verdict = {
  outcome: 'rolled-back',
  message: 'was confirmed and now attests another image',
};

/** Counts `devices`, given in rank order, by wave and by how the jobs say they ended. */
export function takeCensus(
  devices: readonly RolloutDevice[],
  jobs: readonly RolloutJob[],
  percents: readonly number[],
): Census {
  const jobOf = new Map<string, RolloutJob>();
  let inUpdate = 0;
  for (const job of jobs) {
    if (!job.isDone) inUpdate += job.devices.length - job.verdicts.size;
    if (job.purpose === 'update') for (const id of job.devices) jobOf.set(id, job);
  }
  const waveOf = assignWaves(devices, percents, (id) => jobOf.get(id)?.wave);
  const waves = percents.map(() => ({
    devices: 0,
    confirmed: 0,
    failed: 0,
    excluded: 0,
    pending: 0,
    unstarted: [] as string[],
  }));
  const counts: Record<string, number> = { pending: 0 };
  const failed: Failure[] = [];
  const excluded: Failure[] = [];
  for (const [index, device] of devices.entries()) {
    const wave = waves[waveOf[index] ?? 0];
    if (wave === undefined) continue;
    const job = jobOf.get(device.id);
    const verdict = verdictOf(device, job);
    const key = verdict?.outcome ?? 'pending';
    counts[key] = (counts[key] ?? 0) + 1;
    wave.devices += 1;
    if (job === undefined) wave.unstarted.push(device.id);
    if (verdict === undefined) wave.pending += 1;
    else if (verdict.outcome === 'confirmed') wave.confirmed += 1;
    else if (countsAtGate(verdict.outcome)) {
      wave.failed += 1;
      failed.push(failureOf(device.id, verdict));
    } else {
      wave.excluded += 1;
      excluded.push(failureOf(device.id, verdict));
    }
  }
  return {
    waves,
    failed: failed.length,
    counts: Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))),
    failures: [...failed.sort(byDevice), ...excluded.sort(byDevice)].slice(0, FAILURES_MAX),
    inUpdate,
  };
}

interface Failure {
  readonly device: string;
  readonly outcome: Outcome;
  readonly message: string;
}

/** How the device's update ended; a job that is over without a word on a device was interrupted there. */
function verdictOf(device: RolloutDevice, job: RolloutJob | undefined): Verdict | undefined {
  const verdict = job?.verdicts.get(device.id);
  if (verdict?.outcome === 'confirmed' && device.hasRegressed) return REGRESSED;
  if (verdict === undefined && job?.isDone === true)
    return { outcome: 'interrupted', message: `job ${job.name} ended without an outcome` };
  return verdict;
}

const failureOf = (device: string, { outcome, message }: Verdict): Failure => ({
  device,
  outcome,
  message: message.slice(0, MESSAGE_CHARS_MAX),
});

const byDevice = (a: Failure, b: Failure): number => (a.device < b.device ? -1 : 1);
