import type { Environment } from '@marcbachmann/cel-js';
import { Duration } from '@marcbachmann/cel-js/evaluator';
import { CelObject } from './cel-object.ts';
import { compileRe2 } from './re2.ts';

/**
 * Names of ours for functions that the library has taken: its patterns are those of ECMAScript, and its
 * cases those of all alphabets.
 */
export const OWN_NAMES: Readonly<Record<string, string>> = {
  matches: 'matchesRe2',
  lowerAscii: 'lowerAsciiOnly',
  upperAscii: 'upperAsciiOnly',
};

/** Source: cel-go, ext/strings.go (version 2); k8s.io/apiserver v0.32, pkg/cel/library/regex.go. */
export function addStringFunctions(environment: Environment): void {
  const add = (signature: string, handler: (...values: never[]) => unknown): void => {
    environment.registerFunction(signature, handler, { async: false });
  };
  add('string.charAt(int): string', (text: string, index: bigint) => {
    const runes = [...text];
    if (index < 0n || index > BigInt(runes.length)) throw new Error(`index out of range: ${index}`);
    return runes[Number(index)] ?? '';
  });
  add('string.replace(string, string): string', (text: string, from: string, to: string) =>
    text.replaceAll(from, () => to),
  );
  add('string.replace(string, string, int): string', replaceSome);
  add('string.format(list<dyn>): string', formatText);
  const matches = (text: string, pattern: string): boolean => regex(pattern).test(text);
  add('string.matchesRe2(string): bool', matches);
  add('string.lowerAsciiOnly(): string', (text: string) =>
    text.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase()),
  );
  add('string.upperAsciiOnly(): string', (text: string) =>
    text.replaceAll(/[a-z]+/g, (run) => run.toUpperCase()),
  );
  add('string(google.protobuf.Timestamp): string', (time: Date) => plainText(time));
  add('string(google.protobuf.Duration): string', (duration: Duration) => durationText(duration));
  add('matches(string, string): bool', matches);
  add('string.find(string): string', (text: string, pattern: string) => regex(pattern).exec(text)?.[0] ?? '');
  add('string.findAll(string): list<string>', (text: string, pattern: string) => findAll(text, pattern, -1n));
  add('string.findAll(string, int): list<string>', findAll);
  environment
    .registerType('Strings', { ctor: Strings, fields: {} })
    .registerConstant('strings', 'Strings', new Strings());
  add('Strings.quote(string): string', (_: Strings, text: string) => JSON.stringify(text));
}

/** What `strings` is in `strings.quote(...)`. */
class Strings {}

function replaceSome(text: string, from: string, to: string, limit: bigint): string {
  let left = limit < 0n ? Number.POSITIVE_INFINITY : Number(limit);
  return text.replaceAll(from, (found) => (left-- > 0 ? to : found));
}

function findAll(text: string, pattern: string, limit: bigint): string[] {
  const found = [...text.matchAll(regex(pattern, 'g'))].map(([match]) => match);
  return limit < 0n ? found : found.slice(0, Number(limit));
}

function regex(pattern: string, flags = ''): RegExp {
  const compiled = compileRe2(pattern, flags);
  if (compiled === undefined) throw new Error(`error parsing regexp: ${pattern}`);
  return compiled;
}

/** `%s`, `%d`, `%f`, `%e`, `%b`, `%o`, `%x`, `%X` and `%%`; `%.2f` says how many digits after the point. */
function formatText(template: string, values: readonly unknown[]): string {
  let next = 0;
  const text = template.replaceAll(
    /%(?:%|(?:\.(\d+))?([a-zA-Z]))/g,
    (found, digits?: string, verb?: string) => {
      if (verb === undefined) return found === '%%' ? '%' : found;
      if (next >= values.length) throw new Error(`index ${next} out of range`);
      return formatValue(values[next++], verb, Number(digits ?? 6));
    },
  );
  return text;
}

function formatValue(value: unknown, verb: string, digits: number): string {
  switch (verb) {
    case 's':
      return plainText(value);
    case 'd':
      if (!isWhole(value)) break;
      return String(value.valueOf());
    case 'f':
      if (typeof value !== 'number') break;
      return value.toFixed(digits);
    case 'e':
      if (typeof value !== 'number') break;
      return value.toExponential(digits).replace(/e([+-])(\d)$/, 'e$10$2');
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      if (!isWhole(value)) break;
      return value.valueOf().toString(2);
    case 'o':
      if (!isWhole(value)) break;
      return value.valueOf().toString(8);
    case 'x':
    case 'X': {
      const hex = hexText(value);
      if (hex === undefined) break;
      return verb === 'X' ? hex.toUpperCase() : hex;
    }
  }
  throw new Error(
    `could not parse formatting clause: unrecognized formatting clause "${verb}" for this value`,
  );
}

function isWhole(value: unknown): value is { valueOf(): bigint } {
  return typeof value === 'bigint' || (typeof value === 'object' && typeof value?.valueOf() === 'bigint');
}

function hexText(value: unknown): string | undefined {
  if (isWhole(value)) return value.valueOf().toString(16);
  if (typeof value === 'string') return Buffer.from(value).toString('hex');
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : undefined;
}

function durationText(duration: Duration): string {
  return `${Number(duration.seconds) + duration.nanos / 1e9}s`;
}

function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null) return 'null';
  if (value instanceof Date) return value.toISOString().replace(/\.?0*Z$/, 'Z');
  if (value instanceof Duration) return durationText(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  const members = value instanceof Map ? [...value] : isPlain(value) ? Object.entries(value) : undefined;
  if (value instanceof CelObject || members === undefined) return String(value);
  return `{${members
    .map(([key, member]) => `${literal(key)}:${literal(member)}`)
    .sort()
    .join(', ')}}`;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value?.constructor === Object;
}

/** As it would stand in a rule: what lists and maps are filled with. */
function literal(value: unknown): string {
  const text = plainText(value);
  if (typeof value === 'string') return JSON.stringify(text);
  if (typeof value === 'number') return value.toFixed(6);
  if (value instanceof Uint8Array) return `b${JSON.stringify(text)}`;
  if (value instanceof Date) return `timestamp(${JSON.stringify(text)})`;
  return value instanceof Duration ? `duration(${JSON.stringify(text)})` : text;
}
