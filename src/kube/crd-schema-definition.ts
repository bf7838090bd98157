import { type CompiledSchema, compileSchema } from './crd-schema.ts';
import { conform } from './crd-schema-conform.ts';
import { openApiComplaints } from './crd-schema-openapi.ts';
import { structuralComplaints } from './crd-schema-structure.ts';
import { validate } from './crd-schema-validate.ts';
import type { KubeCause } from './error.ts';
import { forbiddenValue, invalidValue } from './field-cause.ts';
import type { JsonRecord } from './json-record.ts';

/**
 * Compiles the `openAPIV3Schema` of a definition that a user wrote; what is wrong with it goes to `causes`.
 * Rules are looked at last: where the schema is wrong, what they say about it is of no use.
 */
export function defineSchema(
  source: JsonRecord,
  path: string,
  hasStatus: boolean,
  causes: KubeCause[],
): CompiledSchema | undefined {
  const found = rootComplaints(source, path, hasStatus);
  found.push(...structuralComplaints(source, path));
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

/** What may stand at the root beside a status subresource. Source: allowedFieldsAtRootSchema. */
const WITH_STATUS = new Set(
  `description type format title maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern
   maxItems minItems uniqueItems multipleOf required items properties externalDocs example
   x-kubernetes-preserve-unknown-fields x-kubernetes-validations`.split(/\s+/),
);

function rootComplaints(source: JsonRecord, path: string, hasStatus: boolean): KubeCause[] {
  const found: KubeCause[] = [];
  const odd = Object.keys(source).find((name) => !WITH_STATUS.has(name) && source[name] !== false);
  if (hasStatus && odd !== undefined)
    found.push(
      invalidValue(
        path,
        source,
        `only ${[...WITH_STATUS].join(' ')} fields are allowed at the root of the schema if the status subresource is enabled`,
      ),
    );
  if (source.nullable === true)
    found.push(forbiddenValue(`${path}.nullable`, 'nullable cannot be true at the root'));
  return found;
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
    else {
      const found: KubeCause[] = [];
      validate(schema, defaultValue, undefined, '', found);
      for (const { field, ...cause } of found)
        causes.push({ ...cause, field: field === '' ? `${path}.default` : `${path}.default.${field}` });
    }
  }
  if (schema.items !== undefined) checkDefaults(schema.items, `${path}.items`, causes);
  for (const [name, property] of schema.properties)
    checkDefaults(property, `${path}.properties[${name}]`, causes);
}
