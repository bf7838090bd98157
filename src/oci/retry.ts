import type { Random } from '../random/random.ts';
import type { Clock } from '../time/clock.ts';
import { RegistryError } from './registry-error.ts';

export interface RetryPolicy {
  /** Calls in all, the first included. */
  readonly attemptsMax: number;
  /** Wait before the second attempt; doubles each time. */
  readonly backoffMs: number;
  /** No single wait is longer; a registry that asks for more ends the call instead. */
  readonly waitMsMax: number;
}

export const RETRY_POLICY: RetryPolicy = { attemptsMax: 5, backoffMs: 500, waitMsMax: 60_000 };

/** What retrying needs besides the policy. */
export interface RetryContext {
  readonly clock: Clock;
  /** Spreads waits between half and all of their length; absent: all of it. */
  readonly random?: Random;
  /** How far the work has come; attempts that bring it forward by a sixteenth are not counted. */
  readonly progress?: () => number;
}

/** Attempts are counted anew when one brought the work so far forward. */
const PROGRESS_MIN = 1 / 16;

/** Runs `attempt` until it succeeds, fails for good, or the policy is used up; the last error comes out. */
export async function withRetries<T>(
  { clock, random, progress = () => 0 }: RetryContext,
  policy: RetryPolicy,
  attempt: () => Promise<T>,
): Promise<T> {
  let reached = 0;
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (progress() - reached >= PROGRESS_MIN) {
        reached = progress();
        attempts = 1;
      }
      if (!(error instanceof RegistryError) || !error.retryable || attempts >= policy.attemptsMax)
        throw error;
      const { retryAfterMs: asked = 0 } = error;
      if (asked > policy.waitMsMax) throw error;
      const backoffMs = Math.min(policy.backoffMs * 2 ** (attempts - 1), policy.waitMsMax);
      const spreadMs = backoffMs * (random === undefined ? 1 : 0.5 + random.next() / 2);
      // Whoever was asked to wait waits so long, and not all to the same millisecond.
      await clock.sleep(
        asked > spreadMs && random !== undefined ? asked + spreadMs / 8 : Math.max(asked, spreadMs),
      );
    }
  }
}
