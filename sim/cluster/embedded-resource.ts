import type { CompiledSchema } from '../../src/kube/crd-schema.ts';
import { type KubeCause, KubeError } from '../../src/kube/error.ts';
import { childPath, invalidValue, requiredValue } from '../../src/kube/field-cause.ts';
import { isRecord, type JsonRecord } from '../../src/kube/json-record.ts';
import { readMeta, validateMeta } from './object-meta.ts';
import { labelComplaint } from './object-name.ts';

/*
 * Objects inside custom objects (`x-kubernetes-embedded-resource`) say what they are, and their metadata is
 * metadata. Source: apiextensions-apiserver v0.32, pkg/apiserver/schema/objectmeta.
 */

/** The value, its embedded objects without metadata that there is not. */
export function tidyEmbedded(schema: CompiledSchema, value: unknown): unknown {
  if (!schema.hasEmbedded) return value;
  const { items } = schema;
  if (Array.isArray(value)) return items === undefined ? value : value.map((item) => tidyChild(items, item));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const child = schema.properties.get(name) ?? schema.additional;
      return [name, child === undefined ? member : tidyChild(child, member)];
    }),
  );
}

function tidyChild(schema: CompiledSchema, value: unknown): unknown {
  const tidied = tidyEmbedded(schema, value);
  if (!schema.embeddedResource || !isRecord(tidied) || !isRecord(tidied.metadata)) return tidied;
  const known = metaOf(tidied.metadata);
  if (known instanceof Error) return tidied;
  const metadata = Object.entries(tidied.metadata).filter(([name]) => Object.hasOwn(known, name));
  return { ...tidied, metadata: Object.fromEntries(metadata) };
}

/** Adds what is wrong with the objects inside `value`. */
export function checkEmbedded(
  schema: CompiledSchema,
  value: unknown,
  path: string,
  causes: KubeCause[],
): void {
  if (!schema.hasEmbedded) return;
  const check = (child: CompiledSchema, member: unknown, at: string): void => {
    if (child.embeddedResource && isRecord(member)) checkObject(member, at, causes);
    checkEmbedded(child, member, at, causes);
  };
  const { items } = schema;
  if (Array.isArray(value)) {
    if (items !== undefined)
      for (const [index, item] of value.entries()) check(items, item, `${path}[${index}]`);
  } else if (isRecord(value))
    for (const [name, member] of Object.entries(value)) {
      const property = schema.properties.get(name);
      const child = property ?? schema.additional;
      const at = property === undefined ? `${path}[${name}]` : childPath(path, name);
      if (child !== undefined) check(child, member, at);
    }
}

function checkObject(object: JsonRecord, path: string, causes: KubeCause[]): void {
  const text = (member: 'apiVersion' | 'kind', complaint: (text: string) => string | undefined): void => {
    const value = object[member];
    const at = `${path}.${member}`;
    if (value === undefined) causes.push(requiredValue(at, 'must not be empty'));
    else if (typeof value !== 'string') causes.push(invalidValue(at, value, 'must be a string'));
    else {
      const wrong = value === '' ? 'must not be empty' : complaint(value);
      if (wrong !== undefined) causes.push(invalidValue(at, value, wrong));
    }
  };
  text('apiVersion', (version) =>
    version.split('/').length > 2 ? `unexpected GroupVersion string: ${version}` : undefined,
  );
  text('kind', (kind) => {
    const wrong = labelComplaint(kind.toLowerCase());
    return wrong && `may have mixed case, but should otherwise match: ${wrong}`;
  });
  if (object.metadata === undefined) return;
  const meta = isRecord(object.metadata) ? metaOf(object.metadata) : new Error('must be an object');
  if (meta instanceof Error) {
    causes.push(invalidValue(`${path}.metadata`, object.metadata, meta.message));
    return;
  }
  const rules = { nameRule: 'path-segment', namespaced: meta.namespace !== undefined } as const;
  const named = meta.name === '' ? { ...meta, name: 'unnamed' } : meta;
  for (const cause of validateMeta({ ...rules, custom: true, group: '' }, named, undefined))
    causes.push({ ...cause, field: `${path}.${cause.field}` });
}

function metaOf(metadata: JsonRecord): ReturnType<typeof readMeta> | KubeError {
  try {
    return readMeta(metadata, (why) => new KubeError('BadRequest', why));
  } catch (error) {
    return error as KubeError;
  }
}
