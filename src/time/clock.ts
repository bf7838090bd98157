/**
 * Time as the house sees it: milliseconds since the story began, as a number.
 *
 * Virtual time is exact to the microsecond; a run of a year still fits a double without loss.
 */
export interface Clock {
  /** Milliseconds since the clock started; never goes back. */
  readonly nowMs: number;
  /** The instant of `nowMs = 0`, in milliseconds since the Unix epoch. */
  readonly epochMs: number;
  /** Runs `callback` once, `delayMs` from now. Equal deadlines run in the order they were set. Throws RangeError on a negative or non-finite delay. */
  after(delayMs: number, callback: () => void): Timer;
  /** Settles after `delayMs`; rejects at once with the signal's reason when `signal` is aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** A pending callback. */
export interface Timer {
  /** Idempotent; after it returns the callback does not run. */
  cancel(): void;
}

/** The current instant as Kubernetes writes it: RFC 3339, whole seconds, UTC. Source: metav1.Time. */
export function timestamp(clock: Pick<Clock, 'epochMs' | 'nowMs'>): string {
  const second = Math.floor((clock.epochMs + clock.nowMs) / 1000);
  if (second !== latest.second) latest = { second, text: `${isoAt(second * 1000).slice(0, 19)}Z` };
  return latest.text;
}

/** Thousands of objects are made in the same second; they share its text. */
let latest = { second: Number.NaN, text: '' };

/** The current instant with microseconds. Source: metav1.MicroTime (Lease, Event). */
export function microTimestamp(clock: Clock): string {
  return `${isoAt(clock.epochMs + clock.nowMs).slice(0, 23)}000Z`;
}

/** Milliseconds on `clock` of an RFC 3339 text; undefined when the text is not a date. */
export function clockMsOf(clock: Clock, rfc3339: string): number | undefined {
  const unixMs = Date.parse(rfc3339);
  return Number.isNaN(unixMs) ? undefined : unixMs - clock.epochMs;
}

function isoAt(unixMs: number): string {
  return new Date(Math.floor(unixMs)).toISOString();
}
