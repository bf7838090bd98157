import type { CompiledSchema } from './crd-schema.ts';
import { childPath } from './field-cause.ts';
import { isRecord } from './json-record.ts';

type Members = Readonly<Record<string, unknown>>;

/**
 * Drops what the schema does not know, then fills in defaults, as an API server does on decoding.
 *
 * `value` is never changed; untouched parts are shared with it, and when nothing had to change it is
 * itself the result. `unknown` receives the path of each dropped field. A null where the schema allows
 * none counts as absent. Source: apiextensions-apiserver, schema/pruning and schema/defaulting.
 */
export function conform(schema: CompiledSchema, value: unknown, unknown?: string[], path = ''): unknown {
  if (Array.isArray(value)) return conformItems(schema, value, unknown, path);
  return isRecord(value) ? conformMembers(schema, value, unknown, path) : value;
}

function conformItems(
  schema: CompiledSchema,
  list: readonly unknown[],
  unknown: string[] | undefined,
  path: string,
): readonly unknown[] {
  const items = schema.items;
  if (items === undefined) return list;
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const before = list[index];
    const filled =
      before === null && !items.nullable && items.defaultValue !== undefined ? items.defaultValue : before;
    const after = conform(items, filled, unknown, unknown === undefined ? '' : `${path}[${index}]`);
    if (after === before) continue;
    copy ??= [...list];
    copy[index] = after;
  }
  return copy ?? list;
}

function conformMembers(
  schema: CompiledSchema,
  members: Members,
  unknown: string[] | undefined,
  path: string,
): Members {
  let copy: Record<string, unknown> | undefined;
  for (const name in members) {
    const before = members[name];
    const property = schema.properties.get(name);
    const child = property ?? schema.additional;
    if (child === undefined) {
      if (schema.preserveUnknown || (schema.embeddedResource && isTypeMeta(name))) continue;
      unknown?.push(childPath(path, name));
      copy ??= { ...members };
      delete copy[name];
      continue;
    }
    if (before === null && !child.nullable) {
      // A property with a default gets it below; a bare null in a map without one is for validation to refuse.
      if (property === undefined && child.defaultValue === undefined) continue;
      copy ??= { ...members };
      if (property === undefined) copy[name] = child.defaultValue;
      else delete copy[name];
      continue;
    }
    const after = conform(child, before, unknown, unknown === undefined ? '' : childPath(path, name));
    if (after === before) continue;
    copy ??= { ...members };
    copy[name] = after;
  }
  for (const name of schema.defaulted) {
    if ((copy ?? members)[name] !== undefined) continue;
    const property = schema.properties.get(name) as CompiledSchema;
    copy ??= { ...members };
    copy[name] = conform(property, property.defaultValue);
  }
  return copy ?? members;
}

function isTypeMeta(name: string): boolean {
  return name === 'apiVersion' || name === 'kind' || name === 'metadata';
}
