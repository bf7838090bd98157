/** A moment as clocks on the wall of a zone show it. */
export interface LocalTime {
  /** 1…12. */
  readonly month: number;
  /** 1…31. */
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Minutes that the zone is ahead of UTC at an instant. The rules are the tz database's, as the runtime
 * carries them: equal for equal versions of the runtime. Throws RangeError for a zone that it does not know.
 */
export function offsetMinutes(zone: string, unixMs: number): number {
  if (zone === 'UTC') return 0;
  const name = formatOf(zone)
    .formatToParts(unixMs)
    .find(({ type }) => type === 'timeZoneName')?.value;
  const match = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(name ?? '');
  if (match === null) throw new RangeError(`no offset in ${name} for ${zone}`);
  const minutes = Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0);
  return match[1] === '-' ? -minutes : minutes;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formats.set(zone, format);
  }
  return format;
}

export function localTime(unixMs: number, offset: number): LocalTime {
  const shifted = new Date(unixMs + offset * 60_000);
  return {
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    weekday: shifted.getUTCDay(),
  };
}

/** An instant as a zone writes it: `2026-03-29T03:00:00+02:00`. */
export function zonedTimestamp(unixMs: number, zone: string): string {
  const offset = offsetMinutes(zone, unixMs);
  const text = new Date(unixMs + offset * 60_000).toISOString().slice(0, 19);
  if (offset === 0) return `${text}Z`;
  const two = (value: number): string => String(value).padStart(2, '0');
  const size = Math.abs(offset);
  return `${text}${offset < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** True for the names that the tz database has; they are case-sensitive, and an offset is none. */
export function isTimeZone(name: string): boolean {
  if (name === 'UTC') return true;
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(name)) return false;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions();
    return timeZone === name || timeZone.toLowerCase() !== name.toLowerCase();
  } catch {
    return false;
  }
}
