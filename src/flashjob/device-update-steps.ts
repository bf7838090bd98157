import type { Outcome } from '../device/outcome.ts';
import type { DeviceUpdateAction, DeviceUpdateView } from './device-update-view.ts';

/** Time a device has to answer before it is asked again; doubles with every silence. */
const ANSWER_MS = 10_000;
const ANSWER_MS_MAX = 120_000;

/** Asks for evidence, but not more often than the device has shown that it answers. */
export function paceChallenge(view: DeviceUpdateView, why: string): DeviceUpdateAction {
  const { nowMs, challenge, link } = view;
  if (!view.hasStation) return wait(view, nowMs + ANSWER_MS, 'the device has not been discovered');
  if (challenge === undefined || challenge.unanswered === 0)
    return link?.online === false && challenge === undefined
      ? wait(view, nowMs + ANSWER_MS_MAX, 'the device is offline')
      : { kind: 'challenge' };
  // It came back after the question was sent: the question may be lost, and it is there now.
  if (link?.online === true && link.sinceMs > challenge.sentAtMs) return { kind: 'challenge' };
  const patienceMs = Math.min(ANSWER_MS_MAX, ANSWER_MS * 2 ** Math.min(10, challenge.unanswered - 1));
  const againMs = challenge.sentAtMs + patienceMs;
  return nowMs >= againMs ? { kind: 'challenge' } : wait(view, againMs, why);
}

/** A wait that ends at the deadline at the latest. */
export function wait(view: DeviceUpdateView, untilMs: number, why: string): DeviceUpdateAction {
  const latestMs = view.nowMs < view.deadlineMs ? view.deadlineMs : Number.POSITIVE_INFINITY;
  return { kind: 'wait', untilMs: Math.min(untilMs, latestMs), why };
}

export function settle(outcome: Outcome, message: string): DeviceUpdateAction {
  return { kind: 'settle', outcome, message };
}
