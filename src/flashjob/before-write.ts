import type { ReportCode } from '../device/messages.ts';
import { paceChallenge, settle, wait } from './device-update-steps.ts';
import type { DeviceUpdateAction, DeviceUpdateView, Evidence } from './device-update-view.ts';

/** Evidence counts for an offer this long, and never across a reconnect. */
const FRESH_MS = 60_000;
/** An offer or a transfer without a word for this long has stalled; doubles with every offer unanswered. */
const STALL_MS = 20_000;
const STALL_MS_MAX = 160_000;
/** Pause before a new conversation after one that ended badly; doubles as well. */
const RETRY_MS = 10_000;
const RETRY_MS_MAX = 120_000;
/** A refusal that stands this long is the device's own: a genuine one beside an impostor proves itself sooner. */
const REFUSAL_STANDS_MS = 30_000;
/** Conversations that may end with a broken image or a flash error before the image is given up. */
const FAILURES_MAX = 3;

/** The image is not written yet: from the first challenge to the last chunk. */
export function decideBeforeWrite(view: DeviceUpdateView): DeviceUpdateAction {
  const { nowMs, transfer, firmware, evidence } = view;
  if (view.barrier !== undefined) return settle('refused', view.barrier);
  if (view.isCancelled && view.attempts === 0)
    return settle('cancelled', 'the job was cancelled before the device was offered the image');
  if (view.misfit !== undefined) return settle('incompatible', view.misfit);
  if (!view.hasStation && view.refusal !== undefined) return decideOnRefusal(view, view.refusal);
  if (nowMs >= view.deadlineMs) return giveUp(view);
  const isOpen = transfer.state === 'offered' || transfer.state === 'accepted';
  if (isOpen && !hasStalled(view)) return wait(view, stallsAtMs(view), 'the transfer is under way');
  const ended = decideOnReport(view);
  if (ended !== undefined) return ended;
  if (!isFresh(view, evidence)) return paceChallenge(view, 'waits for evidence');
  if (evidence.result === 'refused') return settle('refused', `${evidence.code}: ${evidence.message}`);
  const { state } = evidence;
  if (firmware.kind === 'failed') return settle(firmware.outcome, firmware.message);
  if (firmware.kind === 'pending') return wait(view, nowMs + RETRY_MS, firmware.problem);
  if (state.digest === firmware.digest) {
    // It took the image and restarted while nobody listened.
    if (!state.confirmed) return { kind: 'mark-rebooting' };
    const how = view.attempts === 0 ? 'ran it already' : 'runs it';
    return settle('confirmed', `${how}, attested in ${state.slot}`);
  }
  if (state.secureVersion > firmware.secureVersion)
    return settle(
      'downgrade-refused',
      `runs secure version ${state.secureVersion}, the image has ${firmware.secureVersion}`,
    );
  if (!state.confirmed) return poll(view, evidence.atMs, 'the running image is still on probation');
  if (view.isPaused && view.attempts === 0) return wait(view, nowMs + RETRY_MS_MAX, 'the job is paused');
  return { kind: 'offer', isFresh: !isOpen };
}

/** It never proved itself, so there is no address to ask; what was refused in its name is all that will come. */
function decideOnRefusal(
  view: DeviceUpdateView,
  { code, message, sinceMs }: NonNullable<DeviceUpdateView['refusal']>,
): DeviceUpdateAction {
  const standsAtMs = Math.min(sinceMs + REFUSAL_STANDS_MS, view.deadlineMs);
  if (view.nowMs < standsAtMs) return wait(view, standsAtMs, `${code}: ${message}`);
  return settle('refused', `${code}: ${message}`);
}

/** What a conversation that the device ended leads to; undefined: another offer, after new evidence. */
function decideOnReport(view: DeviceUpdateView): DeviceUpdateAction | undefined {
  const { nowMs, transfer } = view;
  if (transfer.state !== 'refused' && transfer.state !== 'failed') return undefined;
  const said = `${transfer.code} at device: ${transfer.message ?? ''}`;
  const outcome = FINAL[transfer.code ?? 'flash-error'];
  if (outcome !== undefined && (outcome.atOnce || transfer.failures >= FAILURES_MAX))
    return settle(outcome.is, said);
  const againMs =
    transfer.heardAtMs + Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(10, transfer.failures - 1));
  return nowMs < againMs ? wait(view, againMs, said) : undefined;
}

/** Report codes that end the update, at once or when they repeat; the others pass. */
const FINAL: Readonly<
  Partial<
    Record<
      ReportCode,
      {
        readonly is: 'incompatible' | 'downgrade-refused' | 'bad-image' | 'interrupted';
        readonly atOnce: boolean;
      }
    >
  >
> = {
  'wrong-chip': { is: 'incompatible', atOnce: true },
  'too-large': { is: 'incompatible', atOnce: true },
  downgrade: { is: 'downgrade-refused', atOnce: true },
  'not-trusted': { is: 'bad-image', atOnce: true },
  'digest-mismatch': { is: 'bad-image', atOnce: false },
  'image-invalid': { is: 'bad-image', atOnce: false },
  'flash-error': { is: 'interrupted', atOnce: false },
};

function giveUp(view: DeviceUpdateView): DeviceUpdateAction {
  const { evidence, firmware, transfer } = view;
  if (!view.hasStation) return settle('unreachable', 'no discovery found it within the deadline');
  if (evidence === undefined) return settle('unreachable', 'no answer to any challenge within the deadline');
  if (evidence.result === 'refused') return settle('refused', `${evidence.code}: ${evidence.message}`);
  if (firmware.kind === 'pending')
    return settle(firmware.isCorrupt ? 'bad-image' : 'interrupted', `no image to send: ${firmware.problem}`);
  const last = transfer.code === undefined ? transfer.state : `${transfer.state}, ${transfer.code}`;
  return settle('interrupted', `${view.attempts} offers, no whole image within the deadline (${last})`);
}

function isFresh(
  { nowMs, link, transfer }: DeviceUpdateView,
  evidence: Evidence | undefined,
): evidence is Evidence {
  if (evidence === undefined || nowMs - evidence.atMs > FRESH_MS) return false;
  if (link !== undefined && evidence.atMs < link.sinceMs) return false;
  // A conversation that ended may have ended in a reboot: what was true before it is not known now.
  const hasEnded = transfer.state === 'refused' || transfer.state === 'failed';
  return !hasEnded || evidence.atMs >= transfer.heardAtMs;
}

function hasStalled(view: DeviceUpdateView): boolean {
  const { nowMs, link, transfer } = view;
  const isBack = link?.online === true && link.sinceMs > Math.max(transfer.heardAtMs, transfer.offeredAtMs);
  return isBack || nowMs >= stallsAtMs(view);
}

function stallsAtMs({ transfer }: DeviceUpdateView): number {
  const patienceMs = Math.min(STALL_MS_MAX, STALL_MS * 2 ** Math.max(0, transfer.unanswered - 1));
  return Math.max(transfer.heardAtMs, transfer.offeredAtMs) + patienceMs;
}

function poll(view: DeviceUpdateView, sinceMs: number, why: string): DeviceUpdateAction {
  return view.nowMs >= sinceMs + RETRY_MS ? paceChallenge(view, why) : wait(view, sinceMs + RETRY_MS, why);
}
