import { compileRe2 } from './cel/re2.ts';
import { FORMATS } from './crd-schema-format.ts';
import type { KubeCause } from './error.ts';
import {
  childPath,
  duplicateValue,
  invalidType,
  invalidValue,
  tooLong,
  tooMany,
  unsupportedValue,
} from './field-cause.ts';

/** Looks at one value of the right type and adds what is wrong with it. */
export type Check = (value: unknown, path: string, causes: KubeCause[]) => void;

type Source = Readonly<Record<string, unknown>>;

/**
 * The value checks of one schema node, compiled; type, required and nested nodes are the caller's.
 * The wording after the path is the one of k8s.io/kube-openapi, validation/errors (as of v0.32).
 */
export function checksOf(source: Source, path: string, causes: KubeCause[]): readonly Check[] {
  return [
    ...stringChecks(source, path, causes),
    ...numberChecks(source),
    ...collectionChecks(source),
    ...enumCheck(source),
  ];
}

function stringChecks(source: Source, path: string, causes: KubeCause[]): Check[] {
  const checks: Check[] = [];
  const { maxLength, minLength, pattern, format } = source;
  if (typeof maxLength === 'number')
    checks.push((value, at, found) => {
      if (typeof value === 'string' && lengthOf(value) > maxLength) found.push(tooLong(at, maxLength));
    });
  if (typeof minLength === 'number')
    checks.push((value, at, found) => {
      if (typeof value === 'string' && lengthOf(value) < minLength)
        found.push(invalidValue(at, value, `${at} in body should be at least ${minLength} chars long`));
    });
  if (typeof pattern === 'string') {
    const expression = compileRe2(pattern);
    if (expression === undefined)
      causes.push(invalidValue(childPath(path, 'pattern'), pattern, 'must be a valid regular expression'));
    else
      checks.push((value, at, found) => {
        if (typeof value === 'string' && !expression.test(value))
          found.push(invalidValue(at, value, `${at} in body should match '${pattern}'`));
      });
  }
  const matches = typeof format === 'string' ? FORMATS[format] : undefined;
  if (matches !== undefined)
    checks.push((value, at, found) => {
      if (typeof value === 'string' && !matches(value))
        found.push(
          invalidType(at, value, `${at} in body must be of type ${format}: ${JSON.stringify(value)}`),
        );
    });
  return checks;
}

function numberChecks(source: Source): Check[] {
  const checks: Check[] = [];
  const { minimum, maximum, multipleOf, exclusiveMinimum, exclusiveMaximum } = source;
  const bound = (fails: (value: number) => boolean, words: string): void => {
    checks.push((value, at, found) => {
      if (typeof value === 'number' && fails(value))
        found.push(invalidValue(at, value, `${at} in body should be ${words}`));
    });
  };
  if (typeof minimum === 'number')
    if (exclusiveMinimum === true) bound((value) => value <= minimum, `greater than ${minimum}`);
    else bound((value) => value < minimum, `greater than or equal to ${minimum}`);
  if (typeof maximum === 'number')
    if (exclusiveMaximum === true) bound((value) => value >= maximum, `less than ${maximum}`);
    else bound((value) => value > maximum, `less than or equal to ${maximum}`);
  if (typeof multipleOf === 'number')
    bound((value) => value % multipleOf !== 0, `a multiple of ${multipleOf}`);
  return checks;
}

function collectionChecks(source: Source): Check[] {
  const checks: Check[] = [];
  const { minItems, maxItems, minProperties, maxProperties } = source;
  if (typeof minItems === 'number')
    checks.push((value, at, found) => {
      if (Array.isArray(value) && value.length < minItems)
        found.push(invalidValue(at, value.length, `${at} in body should have at least ${minItems} items`));
    });
  if (typeof maxItems === 'number')
    checks.push((value, at, found) => {
      if (Array.isArray(value) && value.length > maxItems) found.push(tooMany(at, value.length, maxItems));
    });
  const countOf = (value: unknown): number | undefined =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.keys(value).length
      : undefined;
  if (typeof minProperties === 'number')
    checks.push((value, at, found) => {
      const count = countOf(value);
      if (count !== undefined && count < minProperties)
        found.push(invalidValue(at, count, `${at} in body should have at least ${minProperties} properties`));
    });
  if (typeof maxProperties === 'number')
    checks.push((value, at, found) => {
      const count = countOf(value);
      if (count !== undefined && count > maxProperties) found.push(tooMany(at, count, maxProperties));
    });
  const keys = Array.isArray(source['x-kubernetes-list-map-keys'])
    ? source['x-kubernetes-list-map-keys']
    : [];
  if (source['x-kubernetes-list-type'] === 'set') checks.push(distinct((item) => item));
  if (source['x-kubernetes-list-type'] === 'map')
    checks.push(
      distinct((item) =>
        Object.fromEntries(keys.map((key) => [key, (item as Source | null)?.[String(key)]])),
      ),
    );
  return checks;
}

/** Complains once about every value that comes more than once, where it comes the second time. */
function distinct(identify: (item: unknown) => unknown): Check {
  return (value, at, found) => {
    if (!Array.isArray(value)) return;
    const times = new Map<string, number>();
    for (const [index, item] of value.entries()) {
      const identity = identify(item);
      const text = JSON.stringify(identity) ?? '';
      const count = (times.get(text) ?? 0) + 1;
      if (count === 2) found.push(duplicateValue(`${at}[${index}]`, identity));
      times.set(text, count);
    }
  };
}

function enumCheck(source: Source): Check[] {
  const choices = source.enum;
  if (!Array.isArray(choices)) return [];
  const allowed = new Set(choices.map((choice) => JSON.stringify(choice)));
  return [
    (value, at, found) => {
      if (!allowed.has(JSON.stringify(value))) found.push(unsupportedValue(at, value, choices));
    },
  ];
}

/** Go counts runes. */
function lengthOf(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
