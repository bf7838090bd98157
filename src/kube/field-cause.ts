import type { KubeCause } from './error.ts';

/*
 * One field's complaint, worded as an API server words it, so that what people search for is what they
 * find. Source: k8s.io/apimachinery, util/validation/field (v0.32).
 */

export function requiredValue(field: string, detail = ''): KubeCause {
  return { reason: 'FieldValueRequired', message: withDetail('Required value', detail), field };
}

export function invalidValue(field: string, value: unknown, detail: string): KubeCause {
  return {
    reason: 'FieldValueInvalid',
    message: withDetail(`Invalid value: ${quoteValue(value)}`, detail),
    field,
  };
}

/** The value has the wrong JSON type or format; `value` is what stands in the quotes. */
export function invalidType(field: string, value: unknown, detail: string): KubeCause {
  return {
    reason: 'FieldValueTypeInvalid',
    message: withDetail(`Invalid value: ${quoteValue(value)}`, detail),
    field,
  };
}

export function unsupportedValue(field: string, value: unknown, supported: readonly unknown[]): KubeCause {
  const choices = supported.map((choice) => quoteText(typeof choice === 'string' ? choice : json(choice)));
  return {
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${quoteValue(value)}: supported values: ${choices.join(', ')}`,
    field,
  };
}

export function duplicateValue(field: string, value: unknown): KubeCause {
  return { reason: 'FieldValueDuplicate', message: `Duplicate value: ${quoteValue(value)}`, field };
}

export function notFoundValue(field: string, value: unknown): KubeCause {
  return { reason: 'FieldValueNotFound', message: `Not found: ${JSON.stringify(value)}`, field };
}

export function forbiddenValue(field: string, detail: string): KubeCause {
  return { reason: 'FieldValueForbidden', message: withDetail('Forbidden', detail), field };
}

export function tooLong(field: string, maxLength: number): KubeCause {
  return {
    reason: 'FieldValueTooLong',
    message: `Too long: may not be more than ${maxLength} bytes`,
    field,
  };
}

export function tooMany(field: string, actual: number, max: number): KubeCause {
  return {
    reason: 'FieldValueTooMany',
    message: `Too many: ${actual}: must have at most ${max} items`,
    field,
  };
}

/** `field: message` of each, in square brackets when there are several, as one line of text. */
export function joinCauses(causes: readonly KubeCause[]): string {
  const lines = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  return lines.length === 1 ? (lines[0] ?? '') : `[${lines.join(', ')}]`;
}

/** `parent.child`, without a leading dot at the root. */
export function childPath(parent: string, child: string): string {
  return parent === '' ? child : `${parent}.${child}`;
}

function withDetail(text: string, detail: string): string {
  return detail === '' ? text : `${text}: ${detail}`;
}

/** Texts in quotes, and so null; lists and objects as Go prints them. */
function quoteValue(value: unknown): string {
  if (typeof value === 'string') return quoteText(value);
  return value === null || value === undefined ? '"null"' : goText(value);
}

function goText(value: unknown): string {
  if (value === null) return 'interface {}(nil)';
  if (Array.isArray(value)) return `[]interface {}{${value.map(goText).join(', ')}}`;
  if (typeof value !== 'object') return json(value);
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `map[string]interface {}{${members.map(([name, member]) => `${quoteText(name)}:${goText(member)}`).join(', ')}}`;
}

function quoteText(text: string): string {
  return JSON.stringify(text);
}

function json(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}
