import type { CompiledSchema } from '../../../src/kube/crd-schema.ts';
import { isMembers } from '../stored-object.ts';
import { readableElement } from './field-set.ts';
import { keyElement, setElement } from './typed-value.ts';

/**
 * Why a value is not of its schema's type, as far as a merge must know: before anything else, an apply asks
 * which field is which. One line for each complaint; of the fields that an object should not have, only the
 * first is told. Source: structured-merge-diff v4, typed/validate.go.
 */
export function typedErrors(value: unknown, schema: CompiledSchema, path = ''): readonly string[] {
  if (value === null || value === undefined || isUntyped(schema)) return [];
  if (schema.type === 'array') {
    if (!Array.isArray(value)) return [`${path}: expected list, got &{${goText(value)}}`];
    return itemErrors(value, schema, path);
  }
  if (schema.type === 'object') {
    if (!isMembers(value)) return [`${path}: expected map, got &{${goText(value)}}`];
    return memberErrors(value, schema, path);
  }
  const type = typeof value;
  const wrong = (wanted: string, got: string): readonly string[] => [
    `${path}: expected ${wanted}, got ${got}`,
  ];
  if (schema.type === 'integer' || schema.type === 'number')
    return type === 'number' ? [] : wrong('numeric (int or float)', goType(value));
  if (schema.type === type) return [];
  return wrong(String(schema.type), `&value.valueUnstructured{Value:${goText(value)}}`);
}

/** Where anything may stand there is nothing to compare with. */
function isUntyped({
  type,
  intOrString,
  properties,
  additional,
  preserveUnknown,
  items,
}: CompiledSchema): boolean {
  if (type === undefined || intOrString) return true;
  if (type === 'object') return properties.size === 0 && additional === undefined;
  return type === 'array' && items === undefined && !preserveUnknown;
}

function memberErrors(value: object, schema: CompiledSchema, path: string): readonly string[] {
  const errors: string[] = [];
  let undeclared: string | undefined;
  for (const [name, member] of Object.entries(value)) {
    const below = schema.properties.get(name) ?? schema.additional;
    if (below !== undefined) errors.push(...typedErrors(member, below, `${path}.${name}`));
    else if (!schema.preserveUnknown && (undeclared === undefined || name < undeclared)) undeclared = name;
  }
  if (undeclared !== undefined) errors.push(`${path}.${undeclared}: field not declared in schema`);
  return errors;
}

function itemErrors(list: readonly unknown[], schema: CompiledSchema, path: string): readonly string[] {
  const { items, listType, listKeys } = schema;
  const errors: string[] = [];
  const seen = new Set<string>();
  for (const [index, item] of list.entries()) {
    let place = `[${index}]`;
    if (listType === 'map' || listType === 'set') {
      const lacking = listType === 'map' ? unkeyed(item, listKeys, items) : undefined;
      if (lacking !== undefined) {
        errors.push(`${path}: element ${index}: associative list with keys ${lacking}`);
        return errors;
      }
      const element = listType === 'map' ? keyElement(item, schema) : setElement(item);
      place = readableElement(element);
      if (seen.has(element)) errors.push(`${path}: duplicate entries for key ${place}`);
      seen.add(element);
    }
    if (items !== undefined) errors.push(...typedErrors(item, items, path + place));
  }
  return errors;
}

/** What keeps an item from being told apart by its keys. */
function unkeyed(
  item: unknown,
  keys: readonly string[],
  schema: CompiledSchema | undefined,
): string | undefined {
  if (!isMembers(item)) return 'may not have non-map elements';
  const omitted = keys.find((key) => (item[key] ?? schema?.properties.get(key)?.defaultValue) === undefined);
  if (omitted === undefined) return undefined;
  return `has an element that omits key field ${JSON.stringify(omitted)} (and doesn't have default value)`;
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  return typeof value === 'boolean'
    ? 'bool'
    : typeof value === 'string'
      ? 'string'
      : 'map[string]interface {}';
}

function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isMembers(value)) return String(value);
  return `map[${Object.entries(value)
    .map(([name, member]) => `${name}:${goText(member)}`)
    .join(' ')}]`;
}
