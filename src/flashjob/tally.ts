import { OUTCOMES, type Outcome } from '../device/outcome.ts';
import type { DeviceUpdate } from '../kube/device.ts';
import type { JobDevice } from '../kube/flash-job.ts';

/** One id of a job's list and what is known of it. */
export interface Target {
  /** The id as the job names it. */
  readonly uuid: string;
  /** Name of the Device it means; absent: there is none. */
  readonly device?: string;
  readonly station?: string;
  /** What the job, with its present order, did to the device; absent: not started. */
  readonly update?: DeviceUpdate;
}

export interface Verdict {
  readonly outcome: Outcome;
  readonly message: string;
}

/** What a job's targets add up to; small whatever their number. */
export interface Tally {
  /** Devices per outcome, and `pending`. */
  readonly counts: Readonly<Record<string, number>>;
  readonly pending: number;
  readonly confirmed: number;
  readonly total: number;
  readonly completedUUIDs: readonly string[];
  /** Those that are not confirmed, settled ones first, by id. */
  readonly devices: readonly JobDevice[];
  readonly stations: readonly string[];
}

/** Caps that keep a status under 64 kB with ids of 36 characters. */
const COMPLETED_MAX = 400;
const DEVICES_MAX = 100;
const STATIONS_MAX = 8;
const MESSAGE_CHARS_MAX = 120;

/** Adds up targets; `verdictOf` says how each ended, undefined meaning it has not. */
export function tally(targets: readonly Target[], verdictOf: (target: Target) => Verdict | undefined): Tally {
  const counts: Record<string, number> = { pending: 0 };
  const completed: string[] = [];
  const settled: JobDevice[] = [];
  const waiting: JobDevice[] = [];
  const stations: string[] = [];
  for (const target of targets) {
    const verdict = verdictOf(target);
    const key = verdict?.outcome ?? 'pending';
    counts[key] = (counts[key] ?? 0) + 1;
    if (target.station !== undefined && stations.length < STATIONS_MAX) stations.push(target.station);
    if (verdict?.outcome === 'confirmed') completed.push(target.uuid);
    else (verdict === undefined ? waiting : settled).push(describe(target, verdict));
  }
  const byId = (a: JobDevice, b: JobDevice): number => (a.uuid < b.uuid ? -1 : 1);
  return {
    counts: Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))),
    pending: waiting.length,
    confirmed: completed.length,
    total: targets.length,
    completedUUIDs: completed.slice(0, COMPLETED_MAX),
    devices: [...settled.sort(byId), ...waiting.sort(byId)].slice(0, DEVICES_MAX),
    stations,
  };
}

/** `48 confirmed, 2 rolled-back, 1 pending`: the confirmed first, then in the order of the closed list. */
export function describeCounts(counts: Readonly<Record<string, number>>): string {
  const parts: string[] = [];
  for (const key of [...Object.keys(OUTCOMES), 'pending']) {
    const count = counts[key] ?? 0;
    if (count > 0) parts.push(`${count} ${key}`);
  }
  return parts.length === 0 ? 'no devices' : parts.join(', ');
}

function describe({ uuid, device }: Target, verdict: Verdict | undefined): JobDevice {
  return {
    uuid,
    ...(device !== undefined && { device }),
    ...(verdict !== undefined && {
      outcome: verdict.outcome,
      message: verdict.message.slice(0, MESSAGE_CHARS_MAX),
    }),
  };
}
