import { type CompiledSchema, compileSchema } from './crd-schema.ts';
import { conform } from './crd-schema-conform.ts';
import { openApiComplaints } from './crd-schema-openapi.ts';
import { structuralComplaints } from './crd-schema-structure.ts';
import { validate } from './crd-schema-validate.ts';
import type { KubeCause } from './error.ts';
import { invalidValue } from './field-cause.ts';
import type { JsonRecord } from './json-record.ts';

/**
 * Compiles the `openAPIV3Schema` of a definition that a user wrote; what is wrong with it goes to `causes`.
 * Rules are looked at last: where the schema is wrong, what they say about it is of no use.
 */
export function defineSchema(
  source: JsonRecord,
  path: string,
  causes: KubeCause[],
): CompiledSchema | undefined {
  const found = structuralComplaints(source, path);
  found.push(...openApiComplaints(source, path));
  if (found.length > 0) {
    causes.push(...found);
    return undefined;
  }
  const schema = compileSchema(withoutTypeMeta(source), path, found, true);
  if (found.length === 0) checkDefaults(schema, path, found);
  causes.push(...found);
  return found.length > 0 ? undefined : schema;
}

/** Every object has these, and more metadata than a schema may say; what it says of the names counts. */
function withoutTypeMeta(source: JsonRecord): JsonRecord {
  const {
    apiVersion: _a,
    kind: _k,
    metadata,
    ...properties
  } = (source.properties ?? {}) as Record<string, JsonRecord>;
  const names = metadata?.properties;
  return {
    ...source,
    'x-kubernetes-embedded-resource': true,
    properties:
      names === undefined
        ? properties
        : { ...properties, metadata: { ...metadata, 'x-kubernetes-preserve-unknown-fields': true } },
  };
}

/** A default has to be what the schema would accept. Source: apiextensions-apiserver v0.32, ValidateDefaults. */
function checkDefaults(schema: CompiledSchema, path: string, causes: KubeCause[]): void {
  const { defaultValue } = schema;
  if (defaultValue !== undefined) {
    const unknown: string[] = [];
    conform(schema, defaultValue, unknown);
    if (unknown.length > 0)
      causes.push(invalidValue(`${path}.default`, defaultValue, 'must not have unknown fields'));
    else validate(schema, defaultValue, undefined, `${path}.default`, causes);
  }
  if (schema.items !== undefined) checkDefaults(schema.items, `${path}.items`, causes);
  for (const [name, property] of schema.properties)
    checkDefaults(property, `${path}.properties[${name}]`, causes);
}
