import type { ReportCode } from '../device/messages.ts';
import type { Outcome } from '../device/outcome.ts';
import type { AttestedState } from '../kube/device.ts';

/** The last answer to a challenge. */
export type Evidence =
  | {
      readonly atMs: number;
      readonly result: 'accepted';
      readonly chip: string;
      readonly state: AttestedState;
    }
  | { readonly atMs: number; readonly result: 'refused'; readonly code: string; readonly message: string };

/** The conversation in which the image moves. */
export interface Transfer {
  readonly state: 'none' | 'offered' | 'accepted' | 'written' | 'refused' | 'failed';
  /** With `refused` and `failed`. */
  readonly code?: ReportCode;
  readonly message?: string;
  readonly offeredAtMs: number;
  /** Last report or pull; not before `offeredAtMs`. */
  readonly heardAtMs: number;
  /** Offers since the device was last heard of. */
  readonly unanswered: number;
  /** Conversations that ended with `failed` or `refused`. */
  readonly failures: number;
}

/** What is known of the image for the device's chip. */
export type FirmwareState =
  | { readonly kind: 'ready'; readonly digest: string; readonly secureVersion: number }
  /** Not there yet; `problem` is what the registry said last, `isCorrupt` that it sent wrong bytes. */
  | { readonly kind: 'pending'; readonly problem: string; readonly isCorrupt: boolean }
  /** It will not come: the outcome for every device of this chip. */
  | { readonly kind: 'failed'; readonly outcome: Outcome; readonly message: string };

/** One device's update as it is now; all times are milliseconds on one clock. */
export interface DeviceUpdateView {
  readonly nowMs: number;
  /** Whose unfinished update holds the device. */
  readonly claim: 'none' | 'mine' | 'other';
  /** Of our claim; `Claimed` while there is none. */
  readonly phase: 'Claimed' | 'Transferring' | 'Rebooting';
  /** Offers made so far. */
  readonly attempts: number;
  /** Our claim's end; Infinity while there is none. */
  readonly deadlineMs: number;
  /** Why the device must not be touched, for people; absent: it may be. */
  readonly barrier?: string;
  /** Why the device does not fit the job, for people; absent: it does. */
  readonly misfit?: string;
  /** Why whoever last gave evidence in the device's name was refused, and since when; absent: nobody was, or it proved itself after. */
  readonly refusal?: { readonly code: string; readonly message: string; readonly sinceMs: number };
  /** Its address on the broker is known, and the claim is ours. */
  readonly hasStation: boolean;
  /** The job says that no device is started. */
  readonly isPaused: boolean;
  /** The job says that devices not yet offered the image are left. */
  readonly isCancelled: boolean;
  readonly firmware: FirmwareState;
  /** What it last announced; undefined: nothing heard since the agent began. */
  readonly link?: { readonly online: boolean; readonly sinceMs: number };
  /** The last challenge; `unanswered` counts those since evidence last came. */
  readonly challenge?: { readonly sentAtMs: number; readonly unanswered: number };
  readonly evidence?: Evidence;
  readonly transfer: Transfer;
  /** When the device said that the image is written, or when the agent began if that was before. */
  readonly writtenAtMs?: number;
  /** Boot count it attested before the image was written. */
  readonly bootsBefore?: number;
  readonly rebootOrderedAtMs?: number;
}

export type DeviceUpdateAction =
  /** Take the device, with the version read; losing the race means looking again. */
  | { readonly kind: 'claim' }
  | { readonly kind: 'challenge' }
  /** `isFresh`: in a new conversation; otherwise in the one that stalled, where the device resumes. */
  | { readonly kind: 'offer'; readonly isFresh: boolean }
  /** Remember that the image is written and the device restarts. */
  | { readonly kind: 'mark-rebooting' }
  | { readonly kind: 'reboot'; readonly reason: string }
  | { readonly kind: 'wait'; readonly untilMs: number; readonly why: string }
  | { readonly kind: 'settle'; readonly outcome: Outcome; readonly message: string }
  /** Go on with other devices and come back later; nothing is written. */
  | { readonly kind: 'leave'; readonly why: string };
