import { z } from 'zod';
import { parseDurationMs } from '../../time/duration.ts';
import {
  parseAmount,
  parseBandwidthBitsPerSecond,
  parseDurationSpread,
  parseMeasure,
  parsePercent,
  parseSizeBytes,
} from './quantity.ts';

/** A text with a unit; `what` and `example` word the complaint about anything else, a bare number above all. */
function quantity<T>(what: string, example: string, pattern: string, read: (text: string) => T | undefined) {
  return z
    .string({
      error: (issue) =>
        typeof issue.input === 'number'
          ? `${issue.input} has no unit; write ${what} as ${example}`
          : `must be ${what}, as ${example}`,
    })
    .transform((text, context): T => {
      const value = read(text.trim());
      if (value !== undefined) return value;
      const bare = /^\d+(\.\d+)?$/.test(text.trim());
      const message = bare
        ? `${text} has no unit; write ${what} as ${example}`
        : `"${text}" is not ${what}; write it as ${example}`;
      context.issues.push({ code: 'custom', message, input: text });
      return z.NEVER;
    })
    .meta({ pattern, examples: [example] });
}

const DURATION = '(\\d+(\\.\\d+)?(us|ms|s|m|h|d))+';

/** Milliseconds. */
export const durationMs = quantity('a duration', '90s or 1h30m', `^${DURATION}$`, parseDurationMs);
/** Milliseconds with a spread. */
export const durationSpread = quantity(
  'a duration, with a spread if you like,',
  '40ms ± 20ms',
  `^${DURATION}(\\s*(±|\\+-)\\s*${DURATION})?$`,
  parseDurationSpread,
);
export const sizeBytes = quantity(
  'a size',
  '900KiB',
  '^\\d+(\\.\\d+)?\\s*(B|kB|MB|KiB|MiB)$',
  parseSizeBytes,
);
/** 0…1. */
export const share = quantity('a percentage', '5%', '^\\d+(\\.\\d+)?\\s*%$', parsePercent);
export const bandwidthBitsPerSecond = quantity(
  'a bandwidth',
  '256kbit/s',
  '^\\d+(\\.\\d+)?\\s*(bit|kbit|Mbit)/s$',
  parseBandwidthBitsPerSecond,
);

/** A number, or a text that `read` understands; `what` and `examples` word the complaint about anything else. */
function numberOrText<T>(
  what: string,
  examples: readonly [string, string],
  read: (value: number | string) => T | undefined,
) {
  const [one, other] = examples;
  return z
    .union([z.number(), z.string()], { error: `must be a ${what}, as ${one} or ${other}` })
    .transform((value, context): T => {
      const parsed = read(value);
      if (parsed !== undefined) return parsed;
      const message = `${JSON.stringify(value)} is not a ${what}; write ${one} or ${other}`;
      context.issues.push({ code: 'custom', message, input: value });
      return z.NEVER;
    });
}

/** `20` or `10%`. */
export const amount = numberOrText('whole number or a percentage', ['20', '10%'], parseAmount).meta({
  examples: [20, '10%'],
});
/** `20`, `10%` or `2MiB`. */
export const measure = numberOrText(
  'whole number, a percentage or a size',
  ['20, 10%', '2MiB'],
  parseMeasure,
).meta({ examples: [20, '10%', '2MiB'] });
