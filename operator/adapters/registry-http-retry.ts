import { RegistryError } from '../../src/oci/registry-error.ts';
import type { Clock } from '../../src/time/clock.ts';

export interface RetryPolicy {
  /** Calls in all, the first included. */
  readonly attemptsMax: number;
  /** Wait before the second attempt; doubles each time. */
  readonly backoffMs: number;
  /** No single wait is longer; a registry that asks for more ends the call instead. */
  readonly waitMsMax: number;
}

export const RETRY_POLICY: RetryPolicy = { attemptsMax: 5, backoffMs: 500, waitMsMax: 60_000 };

/** Runs `attempt` until it succeeds, fails for good, or the policy is used up; the last error comes out. */
export async function withRetries<T>(
  clock: Clock,
  policy: RetryPolicy,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RegistryError) || !error.retryable || attempts >= policy.attemptsMax)
        throw error;
      const waitMs = Math.max(error.retryAfterMs ?? 0, policy.backoffMs * 2 ** (attempts - 1));
      if ((error.retryAfterMs ?? 0) > policy.waitMsMax) throw error;
      await clock.sleep(Math.min(waitMs, policy.waitMsMax));
    }
  }
}

/** Milliseconds of a Retry-After header, seconds or date. Source: RFC 9110, 10.2.3. */
export function retryAfterMs(clock: Clock, header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - clock.epochMs - clock.nowMs);
}
