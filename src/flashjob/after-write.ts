import { paceChallenge, settle, wait } from './device-update-steps.ts';
import type { DeviceUpdateAction, DeviceUpdateView, Evidence } from './device-update-view.ts';

/** A device that restarts gets this long before it is asked, unless it announces itself before. */
const RESTART_MS = 15_000;
/** A device that is back tests itself first; asked sooner, it would only say that it is on probation. */
const SELF_TEST_MS = 5_000;
/** A device on probation is asked again after half the time it has been up, within these bounds. */
const POLL_MS_MIN = 5_000;
const POLL_MS_MAX = 60_000;
/** Time a device has to come back after the reboot that was to end its probation. */
const LAST_CHANCE_MS = 120_000;

/**
 * The image is written, or runs on probation: from the restart to the verdict.
 *
 * Refused evidence proves nothing here, neither success nor failure; the device is asked until the
 * deadline and then counts as silent, because a firmware that breaks attestation must fail its gate.
 */
export function decideAfterWrite(view: DeviceUpdateView): DeviceUpdateAction {
  const { nowMs, firmware, evidence } = view;
  const writtenAtMs = view.writtenAtMs ?? evidence?.atMs ?? nowMs;
  const isLate = nowMs >= view.deadlineMs;
  if (evidence === undefined || evidence.atMs < writtenAtMs || evidence.result === 'refused') {
    if (isLate && !hasLastChance(view)) return settle('silent', silence(evidence, writtenAtMs));
    const isBack = view.link?.online === true && view.link.sinceMs > writtenAtMs;
    const askAtMs = isBack ? (view.link?.sinceMs ?? 0) + SELF_TEST_MS : writtenAtMs + RESTART_MS;
    if (nowMs < askAtMs && !isLate) return wait(view, askAtMs, 'waits for the device to restart');
    if (evidence?.result === 'refused' && evidence.atMs >= writtenAtMs)
      return pollAgain(view, evidence.atMs, writtenAtMs, `evidence refused: ${evidence.code}`);
    return paceChallenge(view, 'waits for evidence after the restart');
  }
  const { state } = evidence;
  if (firmware.kind !== 'ready') {
    // Only an agent that just took over has no image at hand; the image is the same one, by digest.
    if (isLate) return settle('silent', 'the image that was offered could not be fetched again to compare');
    return wait(view, nowMs + POLL_MS_MIN, firmware.kind === 'pending' ? firmware.problem : firmware.message);
  }
  if (state.digest === firmware.digest && state.confirmed)
    return settle('confirmed', `runs it in ${state.slot}, attested and confirmed`);
  if (state.digest === firmware.digest) return decideOnProbation(view, evidence, writtenAtMs, isLate);
  const hasRestarted = view.bootsBefore === undefined || state.bootCount > view.bootsBefore;
  if (hasRestarted)
    return settle('rolled-back', `took the image and is back on ${state.version} in ${state.slot}`);
  if (isLate) return settle('interrupted', 'wrote the image and never restarted');
  return pollAgain(view, evidence.atMs, writtenAtMs, 'waits for the device to restart');
}

function decideOnProbation(
  view: DeviceUpdateView,
  evidence: Evidence,
  writtenAtMs: number,
  isLate: boolean,
): DeviceUpdateAction {
  if (!isLate) return pollAgain(view, evidence.atMs, writtenAtMs, 'the new image is on probation');
  if (view.rebootOrderedAtMs === undefined)
    return { kind: 'reboot', reason: 'the image did not confirm itself within the deadline' };
  if (hasLastChance(view))
    return pollAgain(view, evidence.atMs, writtenAtMs, 'waits for the bootloader to revert');
  return settle(
    'unconfirmed',
    'runs the image, never confirmed it, and did not go back when told to restart',
  );
}

function hasLastChance({ nowMs, rebootOrderedAtMs }: DeviceUpdateView): boolean {
  return rebootOrderedAtMs !== undefined && nowMs < rebootOrderedAtMs + LAST_CHANCE_MS;
}

/** Asks again when the last answer is old enough; at once when the device has reconnected since. */
function pollAgain(
  view: DeviceUpdateView,
  answeredAtMs: number,
  writtenAtMs: number,
  why: string,
): DeviceUpdateAction {
  const pauseMs = Math.min(POLL_MS_MAX, Math.max(POLL_MS_MIN, (answeredAtMs - writtenAtMs) / 2));
  const isBack = view.link?.online === true && view.link.sinceMs > answeredAtMs;
  if (isBack || view.nowMs >= answeredAtMs + pauseMs) return paceChallenge(view, why);
  return wait(view, answeredAtMs + pauseMs, why);
}

function silence(evidence: Evidence | undefined, writtenAtMs: number): string {
  if (evidence?.result === 'refused' && evidence.atMs >= writtenAtMs)
    return `took the image; its evidence since then is refused: ${evidence.code}`;
  return 'took the image and was not heard of again within the deadline';
}
