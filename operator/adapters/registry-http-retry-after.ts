import type { Clock } from '../../src/time/clock.ts';

/** Milliseconds of a Retry-After header, seconds or date. Source: RFC 9110, 10.2.3. */
export function retryAfterMs(clock: Clock, header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - clock.epochMs - clock.nowMs);
}
