import { parseDurationMs } from '../../time/duration.ts';

/** A value that each board draws for itself, uniformly in `value - spread … value + spread`. */
export interface Spread {
  readonly value: number;
  readonly spread: number;
}

/** Bytes per unit: KiB and MiB as flash is measured, kB and MB as networks are. */
const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1000,
  MB: 1_000_000,
  KiB: 1024,
  MiB: 1024 * 1024,
};

/** Bits per second per unit. */
const RATE_UNITS: Readonly<Record<string, number>> = {
  'bit/s': 1,
  'kbit/s': 1000,
  'Mbit/s': 1_000_000,
};

/** Reads `900KiB`, `4MiB`, `300 B`; whole bytes, or undefined. */
export function parseSizeBytes(text: string): number | undefined {
  const bytes = parseWithUnit(text, SIZE_UNITS);
  return bytes !== undefined && Number.isInteger(bytes) ? bytes : undefined;
}

/** Reads `256kbit/s`; bits per second, above zero, or undefined. */
export function parseBandwidthBitsPerSecond(text: string): number | undefined {
  const rate = parseWithUnit(text, RATE_UNITS);
  return rate !== undefined && rate > 0 ? rate : undefined;
}

/** Reads `12.5%`; a share of 0…1, or undefined. */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  if (match === null) return undefined;
  const share = Number(match[1]) / 100;
  return share <= 1 ? share : undefined;
}

/** Reads `40ms ± 20ms` or `40ms` with the given reader for each part; `+-` stands for `±`. */
export function parseSpread(text: string, read: (part: string) => number | undefined): Spread | undefined {
  const [first = '', second, ...more] = text.split(/±|\+-/).map((part) => part.trim());
  if (more.length > 0) return undefined;
  const value = read(first);
  const spread = second === undefined ? 0 : read(second);
  if (value === undefined || spread === undefined || spread > value) return undefined;
  return { value, spread };
}

export const parseDurationSpread = (text: string): Spread | undefined => parseSpread(text, parseDurationMs);

/** `20` boards, or `10%` of those that could be meant. */
export type Amount =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'share'; readonly share: number };

/** What an expectation may ask for: so many, or `2MiB` where bytes are counted. */
export type Measure = Amount | { readonly kind: 'size'; readonly sizeBytes: number };

/** A whole number, or a text with a percent sign; undefined for anything else. */
export function parseAmount(value: number | string): Amount | undefined {
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= 0 ? { kind: 'count', count: value } : undefined;
  const share = parsePercent(value);
  return share === undefined ? undefined : { kind: 'share', share };
}

/** As parseAmount, or a size. */
export function parseMeasure(value: number | string): Measure | undefined {
  const sizeBytes = typeof value === 'string' ? parseSizeBytes(value) : undefined;
  return sizeBytes === undefined ? parseAmount(value) : { kind: 'size', sizeBytes };
}

function parseWithUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z/]+)$/.exec(text);
  if (match === null) return undefined;
  const factor = Object.hasOwn(units, match[2] ?? '') ? units[match[2] ?? ''] : undefined;
  return factor === undefined ? undefined : Number((Number(match[1]) * factor).toFixed(6));
}
