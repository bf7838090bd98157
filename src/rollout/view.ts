import type { Verdict } from '../flashjob/tally.ts';
import type { FirmwareRollout, FirmwareRolloutStatus, PinnedFirmware } from '../kube/firmware-rollout.ts';
import type { Member } from './membership.ts';

/** A device that the selector matches, or that one of the rollout's jobs names. */
export interface RolloutDevice extends Member {
  /** It attests the image that a job of this rollout gave it. */
  readonly runsNew: boolean;
  /** It was confirmed and now attests another image than the one it was confirmed with. */
  readonly hasRegressed: boolean;
}

/** A FlashJob that the rollout made. */
export interface RolloutJob {
  readonly name: string;
  readonly purpose: 'update' | 'revert';
  /** Wave from 0; 0 for revert jobs. */
  readonly wave: number;
  readonly devices: readonly string[];
  /** How devices ended; without an entry they have not. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly isDone: boolean;
  readonly isPaused: boolean;
  readonly isCancelled: boolean;
}

export type RolloutPins =
  | { readonly firmware: PinnedFirmware; readonly revertFirmware?: PinnedFirmware }
  | { readonly problem: string };

/** What the decider may look at: the world as it is now. */
export interface RolloutView {
  readonly rollout: FirmwareRollout;
  readonly nowMs: number;
  /** The same instant, RFC 3339. */
  readonly now: string;
  /** `settledAt` of a wave, in milliseconds on the same clock; undefined for a text that is no date. */
  readonly msOf: (rfc3339: string) => number | undefined;
  /** What the references mean now, or why that is not known; looked at until the rollout has begun. */
  readonly pins: RolloutPins;
  /** In rank order (membership.ts). */
  readonly devices: readonly RolloutDevice[];
  readonly jobs: readonly RolloutJob[];
}

export type RolloutAction =
  | {
      readonly kind: 'create-job';
      /** Deterministic, so that creating it twice is creating it once. */
      readonly name: string;
      readonly purpose: 'update' | 'revert';
      readonly wave: number;
      readonly devices: readonly string[];
    }
  | { readonly kind: 'pause-job' | 'resume-job' | 'cancel-job'; readonly name: string };

export interface RolloutEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface RolloutDecision {
  /** Written before any action is done. */
  readonly status: FirmwareRolloutStatus;
  readonly actions: readonly RolloutAction[];
  readonly events: readonly RolloutEvent[];
  /** Look again after this long even if nothing happens. */
  readonly requeueAfterMs?: number;
}
