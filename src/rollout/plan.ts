import type { FirmwareRollout } from '../kube/firmware-rollout.ts';
import { parseDurationMs } from '../time/duration.ts';
import type { GateRule } from './gate.ts';

/** A rollout's spec with its defaults filled in and its numbers made absolute. */
export interface RolloutPlan {
  /** Cumulative percentage of each wave. */
  readonly percents: readonly number[];
  readonly gates: readonly GateRule[];
  readonly maxUnavailable: number;
  readonly maxFailures: number;
  readonly batchSize: number;
  readonly revertTo: string | undefined;
}

export type PlanResult =
  | { readonly ok: true; readonly plan: RolloutPlan }
  /** A sentence naming the member of the spec and what to write instead. */
  | { readonly ok: false; readonly message: string };

const BATCH_SIZE = 50;

/** Reads the spec for a fleet of `fleetSize` devices; a spec that could never move is refused. */
export function planRollout(spec: FirmwareRollout['spec'], fleetSize: number): PlanResult {
  const refuse = (message: string): PlanResult => ({ ok: false, message });
  const percents = spec.waves.map(({ percent }) => percent);
  if (percents.at(-1) !== 100) return refuse('spec.waves: the last wave must reach 100 percent');
  for (let index = 1; index < percents.length; index++)
    if ((percents[index] ?? 0) <= (percents[index - 1] ?? 0))
      return refuse(`spec.waves[${index}].percent: must be more than the wave before`);
  const gates: GateRule[] = [];
  for (const [index, wave] of spec.waves.entries()) {
    const asked = { ...spec.gate, ...wave.gate };
    const bakeTimeMs = asked.bakeTime === undefined ? 0 : parseDurationMs(asked.bakeTime);
    if (bakeTimeMs === undefined)
      return refuse(`spec.waves[${index}].gate.bakeTime: '${asked.bakeTime}' is no duration; write 10m`);
    gates.push({
      minSamples: asked.minSamples ?? 1,
      minSuccessPercent: asked.minSuccessPercent ?? 100,
      bakeTimeMs,
    });
  }
  const { action, revertTo, maxFailures = '100%' } = spec.failurePolicy ?? {};
  if (action === 'revert' && (revertTo ?? '') === '')
    return refuse('spec.failurePolicy.revertTo: name the firmware that revert puts back');
  const failures = countOf(maxFailures, fleetSize);
  const unavailable = countOf(spec.maxUnavailable ?? '100%', fleetSize);
  if (failures === undefined) return refuse('spec.failurePolicy.maxFailures: write a count or 10%');
  if (unavailable === undefined || unavailable === 0)
    return refuse('spec.maxUnavailable: write a count from 1 on, or a percentage from 1% on');
  return {
    ok: true,
    plan: {
      percents,
      gates,
      maxUnavailable: unavailable,
      maxFailures: Math.max(1, failures),
      batchSize: spec.batchSize ?? BATCH_SIZE,
      revertTo: action === 'revert' ? revertTo : undefined,
    },
  };
}

/** A count as it is; a percentage of `whole` rounded down, but at least 1 unless it is 0%. */
function countOf(value: number | string, whole: number): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  const match = /^(\d{1,3})%$/.exec(value);
  if (match === null) return undefined;
  const percent = Number(match[1]);
  return percent === 0 ? 0 : Math.max(1, Math.floor((whole * percent) / 100));
}
