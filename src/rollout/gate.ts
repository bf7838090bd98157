import { formatDuration } from '../time/duration.ts';

/** What must hold before the next wave may start; the spec's defaults filled in. */
export interface GateRule {
  readonly minSamples: number;
  readonly minSuccessPercent: number;
  readonly bakeTimeMs: number;
}

/** A wave as its gate sees it. */
export interface WaveCount {
  readonly devices: number;
  readonly confirmed: number;
  /** Outcomes that say the firmware failed, unreachable and silent devices included. */
  readonly failed: number;
  /** Refused or unknown devices and the like: no evidence about the firmware. */
  readonly excluded: number;
  readonly pending: number;
  /** How long the wave has been without pending devices; undefined while it has some. */
  readonly settledForMs: number | undefined;
}

export type GateState = 'Open' | 'Baking' | 'Passed' | 'Failed' | 'Starved';

export interface GateVerdict {
  /** `Starved`: every device has its verdict and they are too few to tell. */
  readonly state: GateState;
  /** A sentence: what the gate saw, or what it waits for. */
  readonly message: string;
  /** When to ask again, if nothing happens before. */
  readonly againAfterMs?: number;
}

/**
 * Judges one wave.
 *
 * It fails as soon as the pending devices could not save it any more. It passes only when every device
 * has a verdict, the samples suffice, enough of them are confirmed, and the bake time since the last
 * verdict is over. The minimum sample is capped at the devices that can give one, but never at nothing.
 */
export function judgeGate(rule: GateRule, wave: WaveCount): GateVerdict {
  if (wave.devices === 0) return { state: 'Passed', message: 'no devices in this wave' };
  const samples = wave.confirmed + wave.failed;
  const best = samples + wave.pending;
  const tooFew = rule.minSuccessPercent * best > 100 * (wave.confirmed + wave.pending);
  const tally = `${wave.confirmed} of ${samples} devices confirmed, ${rule.minSuccessPercent}% needed`;
  if (best > 0 && tooFew) return { state: 'Failed', message: tally };
  if (wave.pending > 0)
    return { state: 'Open', message: `${tally}; waits for ${wave.pending} of ${wave.devices} devices` };
  const needed = Math.max(1, Math.min(rule.minSamples, wave.devices - wave.excluded));
  if (samples < needed)
    return {
      state: 'Starved',
      message: `${samples} verdicts, ${needed} needed: ${wave.excluded} of ${wave.devices} devices are excluded`,
    };
  const bakedMs = wave.settledForMs ?? 0;
  if (bakedMs < rule.bakeTimeMs)
    return {
      state: 'Baking',
      message: `${tally}; watched for ${formatDuration(rule.bakeTimeMs)} after the last verdict`,
      againAfterMs: rule.bakeTimeMs - bakedMs,
    };
  return { state: 'Passed', message: tally };
}
