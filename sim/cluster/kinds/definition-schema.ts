import { isRecord, type JsonRecord } from '../../../src/kube/json-record.ts';

/** Keywords whose values are schemas by name, lists of schemas, and schemas. */
const NAMED = new Set(['properties', 'patternProperties', 'definitions']);
const LISTS = new Set(['allOf', 'anyOf', 'oneOf']);
const SINGLE = new Set(['items', 'additionalProperties', 'additionalItems', 'not']);

/** Source: apiextensions.k8s.io/v1 JSONSchemaProps. */
const PLAIN = new Set(
  `id $schema $ref description type format title default maximum exclusiveMaximum minimum exclusiveMinimum
   maxLength minLength pattern maxItems minItems uniqueItems multipleOf enum maxProperties minProperties required
   dependencies externalDocs example nullable x-kubernetes-preserve-unknown-fields x-kubernetes-embedded-resource
   x-kubernetes-int-or-string x-kubernetes-list-map-keys x-kubernetes-list-type x-kubernetes-map-type
   x-kubernetes-validations`.split(/\s+/),
);

/** A schema without keywords that there are not; `unknown` receives their paths. */
export function tidySchema(schema: unknown, path: string, unknown: string[] | undefined): unknown {
  if (!isRecord(schema)) return schema;
  const tidied: Record<string, unknown> = {};
  for (const [keyword, value] of Object.entries(schema)) {
    const at = `${path}.${keyword}`;
    if (NAMED.has(keyword) && isRecord(value)) tidied[keyword] = tidyNamed(value, at, unknown);
    else if ((LISTS.has(keyword) || keyword === 'items') && Array.isArray(value))
      tidied[keyword] = value.map((part, index) => tidySchema(part, `${at}[${index}]`, unknown));
    else if (SINGLE.has(keyword)) tidied[keyword] = tidySchema(value, at, unknown);
    else if (PLAIN.has(keyword) || NAMED.has(keyword) || LISTS.has(keyword)) tidied[keyword] = value;
    else unknown?.push(at);
  }
  return tidied;
}

function tidyNamed(schemas: JsonRecord, path: string, unknown: string[] | undefined): JsonRecord {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, tidySchema(schema, `${path}.${name}`, unknown)]),
  );
}

/** A definition whose schemas say nothing that there is not. */
export function tidyDefinition(definition: JsonRecord, unknown: string[] | undefined): JsonRecord {
  const { spec } = definition;
  if (!isRecord(spec) || !Array.isArray(spec.versions)) return definition;
  const versions = spec.versions.map((version: unknown, index) => {
    if (!isRecord(version) || !isRecord(version.schema)) return version;
    const path = `spec.versions[${index}].schema.openAPIV3Schema`;
    const { openAPIV3Schema: source } = version.schema;
    if (source === undefined) return version;
    return { ...version, schema: { ...version.schema, openAPIV3Schema: tidySchema(source, path, unknown) } };
  });
  return { ...definition, spec: { ...spec, versions } };
}
