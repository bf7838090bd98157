/*
 * Schedules of CronJobs: five fields, or a descriptor.
 * Source: github.com/robfig/cron v3.0.1, parser.go, whose words for mistakes these are; Kubernetes
 * documentation, "CronJob", schedule syntax.
 */

export type Schedule =
  | {
      readonly kind: 'fields';
      readonly minutes: ReadonlySet<number>;
      readonly hours: ReadonlySet<number>;
      readonly days: ReadonlySet<number>;
      readonly months: ReadonlySet<number>;
      readonly weekdays: ReadonlySet<number>;
      /** A day fits both day fields when one of them says `*`, else either of them. */
      readonly anyDay: boolean;
    }
  | { readonly kind: 'every'; readonly everyMs: number };

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MINUTES: Bounds = { min: 0, max: 59 };
const HOURS: Bounds = { min: 0, max: 23 };
const DAYS: Bounds = { min: 1, max: 31 };
const MONTHS: Bounds = {
  min: 1,
  max: 12,
  names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
};
const WEEKDAYS: Bounds = { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] };

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** A text that is no schedule; the message is what a real server says of it. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

/** Throws ScheduleError. A time zone inside the text is not taken: it has a field of its own. */
export function parseSchedule(text: string): Schedule {
  if (text === '') throw new ScheduleError('empty spec string');
  if (text.startsWith('@every ')) return { kind: 'every', everyMs: parseEvery(text) };
  const plain = text.startsWith('@') ? DESCRIPTORS[text] : text;
  if (plain === undefined) throw new ScheduleError(`unrecognized descriptor: ${text}`);
  const fields = plain.split(/\s+/).filter((field) => field !== '');
  if (fields.length !== 5)
    throw new ScheduleError(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  const [minutes, hours, days, months, weekdays] = fields as [string, string, string, string, string];
  const dayOfMonth = parseField(days, DAYS);
  const dayOfWeek = parseField(weekdays, WEEKDAYS);
  return {
    kind: 'fields',
    minutes: parseField(minutes, MINUTES).values,
    hours: parseField(hours, HOURS).values,
    days: dayOfMonth.values,
    months: parseField(months, MONTHS).values,
    weekdays: dayOfWeek.values,
    anyDay: !dayOfMonth.star && !dayOfWeek.star,
  };
}

interface Field {
  readonly values: ReadonlySet<number>;
  /** `*` or `?` without a step over one. */
  readonly star: boolean;
}

function parseField(text: string, bounds: Bounds): Field {
  const ranges = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => parseRange(part, bounds));
  return {
    values: new Set(ranges.flatMap(({ values }) => [...values])),
    star: ranges.some(({ star }) => star),
  };
}

function parseRange(text: string, bounds: Bounds): Field {
  const [range = '', stepText, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreHyphens] = range.split('-');
  let star = low === '*' || low === '?';
  if (!star && moreHyphens.length > 0) throw new ScheduleError(`too many hyphens: ${text}`);
  const start = star ? bounds.min : parseValue(low, bounds);
  let end = star ? bounds.max : high === undefined ? start : parseValue(high, bounds);
  if (moreSteps.length > 0) throw new ScheduleError(`too many slashes: ${text}`);
  let step = 1;
  if (stepText !== undefined) {
    step = parseNumber(stepText);
    if (!star && high === undefined) end = bounds.max;
    if (step > 1) star = false;
  }
  if (start < bounds.min)
    throw new ScheduleError(`beginning of range (${start}) below minimum (${bounds.min}): ${text}`);
  if (end > bounds.max)
    throw new ScheduleError(`end of range (${end}) above maximum (${bounds.max}): ${text}`);
  if (start > end)
    throw new ScheduleError(`beginning of range (${start}) beyond end of range (${end}): ${text}`);
  if (step === 0) throw new ScheduleError(`step of range should be a positive number: ${text}`);
  const values = new Set<number>();
  for (let value = start; value <= end; value += step) values.add(value);
  return { values, star };
}

function parseValue(text: string, { names, min }: Bounds): number {
  const index = names?.indexOf(text.toLowerCase()) ?? -1;
  return index >= 0 ? index + min : parseNumber(text);
}

function parseNumber(text: string): number {
  if (!/^[+-]?\d+$/.test(text))
    throw new ScheduleError(
      `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  const number = Number(text);
  if (number < 0) throw new ScheduleError(`negative number (${number}) not allowed: ${text}`);
  return number;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/** A duration as Go writes it; whole seconds, and at least one. */
function parseEvery(text: string): number {
  const duration = text.slice('@every '.length);
  if (!/^[+-]?(?:\d+(?:\.\d*)?(?:h|ms|m|us|µs|ns|s))+$/.test(duration))
    throw new ScheduleError(
      `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(duration)}`,
    );
  let ms = 0;
  for (const [, amount, unit] of duration.matchAll(/(\d+(?:\.\d*)?)(h|ms|m|us|µs|ns|s)/g))
    ms += Number(amount) * (UNIT_MS[unit as string] as number);
  const signed = duration.startsWith('-') ? -ms : ms;
  return Math.max(1000, signed - (signed % 1000));
}
