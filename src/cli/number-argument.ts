import { rejectUsage } from './failure.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 * 1024 };

/** A whole number, decimal or 0x…, of at least `min` and at most `max`; `name` is what messages call it. */
export function parseWhole(name: string, text: string, min: number, max: number): number {
  const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    rejectUsage(`${name} ${text}: a whole number from ${min} to ${max} is wanted`);
  return value;
}

/** A number of bytes: `0x6000`, `24576`, `24K`, `4MB`. */
export function parseByteSize(name: string, text: string): number {
  const match = /^(0x[0-9a-f]{1,12}|\d{1,12})(?:([km])(?:i?b)?)?$/i.exec(text);
  const size = Number(match?.[1]) * (UNITS[(match?.[2] ?? '').toLowerCase()] ?? Number.NaN);
  if (match === null || !Number.isSafeInteger(size))
    rejectUsage(`${name} ${text}: a size such as 0x6000, 24K or 4MB is wanted`);
  return size;
}

/** A size for people: `4 MB`, `24 KB`, `1234 bytes`. */
export function describeSize(bytes: number): string {
  if (bytes > 0 && bytes % (1024 * 1024) === 0) return `${bytes / (1024 * 1024)} MB`;
  return bytes > 0 && bytes % 1024 === 0 ? `${bytes / 1024} KB` : `${bytes} bytes`;
}

export function hex(value: number, digits = 1): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
