import { type CompiledSchema, isRecord, type JsonType } from './crd-schema.ts';
import { broken } from './crd-schema-rules.ts';
import type { KubeCause } from './error.ts';
import { childPath, invalidType, invalidValue, requiredValue } from './field-cause.ts';

/**
 * Adds to `causes` what is wrong with `value`; `previous` is the value it replaces, if any.
 *
 * A part that is the very same object as before is not looked at again: it was valid when it was
 * stored, and an API server tolerates old violations in unchanged parts too (ratcheting).
 */
export function validate(
  schema: CompiledSchema,
  value: unknown,
  previous: unknown,
  path: string,
  causes: KubeCause[],
): void {
  if (value === previous && !schema.hasRules) return;
  if (value === null && schema.nullable) return;
  if (!hasType(schema, value)) {
    const wanted = schema.intOrString ? 'integer,string' : String(schema.type);
    const found = typeName(value);
    causes.push(invalidType(path, found, `${path} in body must be of type ${wanted}: "${found}"`));
    return;
  }
  for (const check of schema.checks) check(value, path, causes);
  if (Array.isArray(value)) validateItems(schema, value, previous, path, causes);
  else if (isRecord(value)) validateMembers(schema, value, previous, path, causes);
  validateLogic(schema, value, path, causes);
  for (const rule of schema.rules) {
    const cause = broken(rule, schema, value, previous, path);
    if (cause !== undefined) causes.push(cause);
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
    if (child !== undefined) validate(child, value[name], before?.[name], childPath(path, name), causes);
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
  const before = Array.isArray(previous) ? (previous as readonly unknown[]) : [];
  for (const [index, item] of value.entries())
    validate(items, item, counterpart(schema, item, index, before), `${path}[${index}]`, causes);
}

/** The item that `item` replaces: known in lists with keys; elsewhere only by being the very same. */
function counterpart(
  schema: CompiledSchema,
  item: unknown,
  index: number,
  before: readonly unknown[],
): unknown {
  if (schema.listType !== 'map') return before[index] === item ? item : undefined;
  if (!isRecord(item)) return undefined;
  return before.find((other) => isRecord(other) && schema.listKeys.every((key) => other[key] === item[key]));
}

function validateLogic(schema: CompiledSchema, value: unknown, path: string, causes: KubeCause[]): void {
  const fits = (part: CompiledSchema): boolean => {
    const found: KubeCause[] = [];
    validate(part, value, undefined, path, found);
    return found.length === 0;
  };
  for (const part of schema.allOf) validate(part, value, undefined, path, causes);
  if (schema.anyOf.length > 0 && !schema.anyOf.some(fits))
    causes.push(invalidValue(path, '', `"${path}" must validate at least one schema (anyOf)`));
  if (schema.oneOf.length > 0) {
    const count = schema.oneOf.filter(fits).length;
    if (count !== 1)
      causes.push(
        invalidValue(
          path,
          '',
          `"${path}" must validate one and only one schema (oneOf). Found ${count === 0 ? 'none' : count} valid`,
        ),
      );
  }
  if (schema.not !== undefined && fits(schema.not))
    causes.push(invalidValue(path, '', `"${path}" must not validate the schema (not)`));
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
