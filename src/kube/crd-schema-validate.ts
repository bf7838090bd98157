import type { CompiledSchema, JsonType } from './crd-schema.ts';
import { applyRules } from './crd-schema-rules.ts';
import type { KubeCause } from './error.ts';
import { childPath, invalidType, invalidValue, requiredValue } from './field-cause.ts';
import { equalJson } from './json-equal.ts';
import { isRecord } from './json-record.ts';

/**
 * Adds to `causes` what is wrong with `value`; `previous` is the value it replaces, if any.
 *
 * Whatever stands unchanged is spared: it was accepted once, and an API server lets old violations live
 * on until somebody touches them (ratcheting). Rules are asked only about values whose shape is right, and
 * not where `causes` has such complaints already.
 * Source: apiextensions-apiserver v0.32, registry/customresource/strategy.go and apiserver/validation/ratcheting.go.
 */
export function validate(
  schema: CompiledSchema,
  value: unknown,
  previous: unknown,
  path: string,
  causes: KubeCause[],
): void {
  validateShape(schema, value, previous, path, causes);
  if (!schema.hasRules) return;
  if (causes.some(({ reason }) => BLOCKING.has(reason))) causes.push(RULES_NOT_CHECKED);
  else validateRules(schema, value, previous, false, path, causes);
}

/** After these complaints rules are not asked: they may rely on what the schema promises. */
const BLOCKING: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
/** How Go prints the path of a complaint that has none. */
const NO_FIELD = '<nil>';
const RULES_NOT_CHECKED: KubeCause = {
  reason: 'FieldValueInvalid',
  message:
    'Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
  field: NO_FIELD,
};

function validateShape(
  schema: CompiledSchema,
  value: unknown,
  previous: unknown,
  path: string,
  causes: KubeCause[],
): void {
  if (previous !== undefined && equalJson(value, previous)) return;
  if (value === null && schema.nullable) return;
  if (!hasType(schema, value)) {
    const wanted = schema.intOrString ? 'integer,string' : String(schema.type);
    const found = typeName(value);
    causes.push(invalidType(path, found, `${path} in body must be of type ${wanted}: "${found}"`));
  }
  for (const check of schema.checks) check(value, path, causes);
  if (Array.isArray(value)) validateItems(schema, value, previous, path, causes);
  else if (isRecord(value)) validateMembers(schema, value, previous, path, causes);
  if (value !== null) validateLogic(schema, value, path, causes);
}

/** `unchanged`: the value stands in a part that is as it was, though what it replaces may not be known. */
function validateRules(
  schema: CompiledSchema,
  value: unknown,
  previous: unknown,
  unchanged: boolean,
  path: string,
  causes: KubeCause[],
): void {
  if (!schema.hasRules || value === null || value === undefined) return;
  const same = previous === undefined ? unchanged : equalJson(value, previous);
  if (same && !schema.hasTransitions) return;
  applyRules(schema.rules, schema.type, value, previous ?? undefined, same, path, causes);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items?.hasRules !== true) return;
    for (const [index, item] of value.entries())
      validateRules(items, item, counterpart(schema, item, previous), same, `${path}[${index}]`, causes);
  } else if (isRecord(value)) {
    const before = isRecord(previous) ? previous : undefined;
    for (const name in value) {
      const property = schema.properties.get(name);
      const at = property === undefined ? `${path}[${name}]` : childPath(path, name);
      const child = property ?? schema.additional;
      if (child !== undefined) validateRules(child, value[name], before?.[name], same, at, causes);
    }
  }
}

function validateMembers(
  schema: CompiledSchema,
  value: Readonly<Record<string, unknown>>,
  previous: unknown,
  path: string,
  causes: KubeCause[],
): void {
  for (const name of schema.required)
    if (value[name] === undefined) causes.push(requiredValue(childPath(path, name)));
  const before = isRecord(previous) ? previous : undefined;
  for (const name in value) {
    const child = schema.properties.get(name) ?? schema.additional;
    if (child !== undefined) validateShape(child, value[name], before?.[name], childPath(path, name), causes);
  }
}

function validateItems(
  schema: CompiledSchema,
  value: readonly unknown[],
  previous: unknown,
  path: string,
  causes: KubeCause[],
): void {
  const items = schema.items;
  if (items === undefined) return;
  for (const [index, item] of value.entries())
    validateShape(items, item, counterpart(schema, item, previous), `${path}[${index}]`, causes);
}

/** The item that `item` replaces: known in lists with keys, and nowhere else. */
function counterpart(schema: CompiledSchema, item: unknown, previous: unknown): unknown {
  if (schema.listType !== 'map' || !isRecord(item) || !Array.isArray(previous)) return undefined;
  const before = previous as readonly unknown[];
  return before.find(
    (other) => isRecord(other) && schema.listKeys.every((key) => equalJson(other[key], item[key])),
  );
}

/** One of several schemas: what it has against the value, and how much of the value it knows. */
interface Attempt {
  readonly found: readonly KubeCause[];
  readonly known: number;
}

/**
 * What fails of allOf, anyOf, oneOf and not has no field; where a choice fails, the complaints of the part
 * that knows most of the value come with it. Source: k8s.io/kube-openapi, validation/validate/schema_props.go.
 */
function validateLogic(schema: CompiledSchema, value: unknown, path: string, causes: KubeCause[]): void {
  const attempt = (part: CompiledSchema): Attempt => {
    const found: KubeCause[] = [];
    validateShape(part, value, undefined, path, found);
    const known = isRecord(value) ? Object.keys(value).filter((name) => part.properties.has(name)).length : 0;
    return { found, known };
  };
  const fits = ({ found }: Attempt): boolean => found.length === 0;
  const say = (words: string): void =>
    void causes.push(invalidValue(NO_FIELD, '', `"${path}" must ${words}`));
  const { allOf, anyOf, oneOf, not } = schema;
  if (anyOf.length > 0) {
    const attempts = anyOf.map(attempt);
    if (!attempts.some(fits)) {
      say('validate at least one schema (anyOf)');
      causes.push(...best(attempts));
    }
  }
  if (oneOf.length > 0) {
    const attempts = oneOf.map(attempt);
    const count = attempts.filter(fits).length;
    const found = count === 0 ? 'none valid' : `${count} valid alternatives`;
    if (count !== 1) say(`validate one and only one schema (oneOf). Found ${found}`);
    if (count === 0) causes.push(...best(attempts));
  }
  const all = allOf.map(attempt);
  for (const { found } of all) causes.push(...found);
  if (!all.every(fits)) say(`validate all the schemas (allOf)${all.some(fits) ? '' : '. None validated'}`);
  if (not !== undefined && fits(attempt(not))) say('not validate the schema (not)');
}

function best(attempts: readonly Attempt[]): readonly KubeCause[] {
  const most = Math.max(...attempts.map(({ known }) => known));
  return attempts.find(({ known }) => known === most)?.found ?? [];
}

function hasType(schema: CompiledSchema, value: unknown): boolean {
  if (schema.intOrString) return typeof value === 'string' || Number.isInteger(value);
  return schema.type === undefined || isOfType(schema.type, value);
}

function isOfType(type: JsonType, value: unknown): boolean {
  switch (type) {
    case 'object':
      return isRecord(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
  }
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}
