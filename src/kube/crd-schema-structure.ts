import { compileRe2 } from './cel/re2.ts';
import type { KubeCause } from './error.ts';
import { forbiddenValue, invalidValue, requiredValue } from './field-cause.ts';
import { isRecord, type JsonRecord, recordOf, recordsOf } from './json-record.ts';

type Level = 'root' | 'item' | 'field';

const JUNCTORS = ['allOf', 'anyOf', 'oneOf'] as const;
const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

/**
 * What keeps a schema from being structural: from saying of every field what it is, in one place.
 * Source: Kubernetes documentation, "Specifying a structural schema"; apiextensions-apiserver v0.32,
 * pkg/apiserver/schema/validation.go and complete.go.
 */
export function structuralComplaints(schema: JsonRecord, path: string): KubeCause[] {
  const causes: KubeCause[] = [];
  checkNode(schema, 'root', path, causes);
  checkCompleteness(schema, schema, path, path, causes);
  return causes.sort((left, right) => (left.field < right.field ? -1 : left.field > right.field ? 1 : 0));
}

function checkNode(schema: JsonRecord, level: Level, path: string, causes: KubeCause[]): void {
  const { type } = schema;
  const isResource = schema['x-kubernetes-embedded-resource'] === true;
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  if (type === 'array' && schema.items === undefined)
    causes.push(requiredValue(`${path}.items`, 'must be specified'));
  if (isRecord(schema.items)) checkNode(schema.items, 'item', `${path}.items`, causes);
  for (const [name, property] of Object.entries(recordOf(schema.properties)))
    checkNode(recordOf(property), 'field', `${path}.properties[${name}]`, causes);
  if (schema.additionalProperties !== undefined) {
    const at = `${path}.additionalProperties`;
    if (level === 'root') causes.push(forbiddenValue(at, 'must not be used at the root'));
    if (isResource)
      causes.push(forbiddenValue(at, 'must not be used if x-kubernetes-embedded-resource is set'));
    if (isRecord(schema.additionalProperties)) checkNode(schema.additionalProperties, 'field', at, causes);
  }
  if (intOrString)
    for (const member of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'])
      if (schema[member] === true)
        causes.push(
          invalidValue(`${path}.${member}`, true, 'must be false if x-kubernetes-int-or-string is true'),
        );
  checkValues(schema, isIntOrString(schema.anyOf), isIntOrString(firstAllOf(schema)?.anyOf), path, causes);
  if (isResource && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    causes.push(
      type === undefined ? requiredValue(`${path}.type`, detail) : invalidValue(`${path}.type`, type, detail),
    );
  } else if (type === undefined && !intOrString && !preserves)
    causes.push(requiredValue(`${path}.type`, EMPTY_TYPE[level]));
  if (level === 'root' && type !== undefined && type !== 'object')
    causes.push(invalidValue(`${path}.type`, type, 'must be object at the root'));
  checkMeta(schema, level, isResource, path, causes);
  if (isResource && !preserves && Object.keys(recordOf(schema.properties)).length === 0)
    causes.push(
      requiredValue(
        `${path}.properties`,
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    );
}

/** Of an object's own metadata a schema may only restrict the names. */
function checkMeta(
  schema: JsonRecord,
  level: Level,
  isResource: boolean,
  path: string,
  causes: KubeCause[],
): void {
  const { kind, apiVersion, metadata } = recordOf(schema.properties);
  if (level !== 'root' && !isResource) return;
  for (const [name, member] of Object.entries({ kind, apiVersion }))
    if (isRecord(member) && member.type !== 'string')
      causes.push(invalidValue(`${path}.properties[${name}].type`, member.type ?? '', 'must be string'));
  if (!isRecord(metadata)) return;
  const at = `${path}.properties[metadata]`;
  if (metadata.type !== 'object')
    causes.push(invalidValue(`${at}.type`, metadata.type ?? '', 'must be object'));
  if (level !== 'root') return;
  const { type: _, default: _d, properties, ...rest } = metadata;
  const named = Object.keys(recordOf(properties)).every((name) => name === 'name' || name === 'generateName');
  if (!named || Object.keys(rest).length > 0)
    causes.push(
      forbiddenValue(
        at,
        'must not specify anything other than name and generateName, but metadata is implicitly specified',
      ),
    );
}

/** The parts that only restrict: below them nothing may be described. */
function checkValues(
  schema: JsonRecord,
  skipAnyOf: boolean,
  skipFirstAllOf: boolean,
  path: string,
  causes: KubeCause[],
): void {
  for (const junctor of JUNCTORS) {
    if (junctor === 'anyOf' && skipAnyOf) continue;
    for (const [index, part] of recordsOf(schema[junctor]).entries()) {
      const skip = junctor === 'allOf' && index === 0 && skipFirstAllOf;
      checkNested(part, skip, `${path}.${junctor}[${index}]`, causes);
    }
  }
  if (isRecord(schema.not)) checkNested(schema.not, false, `${path}.not`, causes);
  if (typeof schema.pattern === 'string' && compileRe2(schema.pattern) === undefined)
    causes.push(
      invalidValue(
        `${path}.pattern`,
        schema.pattern,
        "must be a valid regular expression, but isn't: error parsing regexp",
      ),
    );
}

const FORBIDDEN: Readonly<Record<string, string>> = {
  type: 'must be empty to be structural',
  additionalProperties: 'must be undefined to be structural',
  default: 'must be undefined to be structural',
  title: 'must be empty to be structural',
  description: 'must be empty to be structural',
  nullable: 'must be false to be structural',
  'x-kubernetes-preserve-unknown-fields': 'must be false to be structural',
  'x-kubernetes-embedded-resource': 'must be false to be structural',
  'x-kubernetes-int-or-string': 'must be false to be structural',
  'x-kubernetes-list-map-keys': 'must be empty to be structural',
  'x-kubernetes-list-type': 'must be undefined to be structural',
  'x-kubernetes-map-type': 'must be undefined to be structural',
  'x-kubernetes-validations': 'must be empty to be structural',
};

function checkNested(schema: JsonRecord, skipAnyOf: boolean, path: string, causes: KubeCause[]): void {
  checkValues(schema, skipAnyOf, false, path, causes);
  if (isRecord(schema.items)) checkNested(schema.items, false, `${path}.items`, causes);
  const properties = recordOf(schema.properties);
  for (const [name, property] of Object.entries(properties))
    checkNested(recordOf(property), false, `${path}.properties[${name}]`, causes);
  for (const [member, detail] of Object.entries(FORBIDDEN)) {
    const value = schema[member];
    if (value !== undefined && value !== false && value !== '')
      causes.push(forbiddenValue(`${path}.${member}`, detail));
  }
  if (properties.metadata !== undefined)
    causes.push(forbiddenValue(`${path}.properties[metadata]`, 'must not be specified in a nested context'));
}

/** What restrictions name has to be described, too. `schema` is the describing node for `values`. */
function checkCompleteness(
  values: JsonRecord,
  schema: JsonRecord | undefined,
  path: string,
  valuesPath: string,
  causes: KubeCause[],
): void {
  const nested: [JsonRecord, string][] = JUNCTORS.flatMap((junctor) =>
    recordsOf(values[junctor]).map((part, index): [JsonRecord, string] => [part, `${junctor}[${index}]`]),
  );
  if (isRecord(values.not)) nested.push([values.not, 'not']);
  for (const [part, name] of nested) {
    const at = `${valuesPath}.${name}`;
    checkCompleteness(part, schema, path, at, causes);
    checkDescribed(part, schema, path, at, causes);
  }
}

function checkDescribed(
  part: JsonRecord,
  schema: JsonRecord | undefined,
  path: string,
  at: string,
  causes: KubeCause[],
): void {
  const member = (name: string, value: unknown, described: unknown): void => {
    if (!isRecord(value)) return;
    if (!isRecord(described)) {
      causes.push(requiredValue(`${path}.${name}`, `because it is defined in ${at}.${name}`));
      return;
    }
    checkCompleteness(value, described, `${path}.${name}`, `${at}.${name}`, causes);
    checkDescribed(value, described, `${path}.${name}`, `${at}.${name}`, causes);
  };
  member('items', part.items, schema?.items);
  for (const [name, value] of Object.entries(recordOf(part.properties)))
    member(`properties[${name}]`, value, recordOf(schema?.properties)[name]);
}

/** The one place where a type may stand in anyOf: that of int-or-string. */
function isIntOrString(anyOf: unknown): boolean {
  const parts = recordsOf(anyOf);
  return (
    parts.length === 2 &&
    parts.every((part) => Object.keys(part).length === 1) &&
    parts[0]?.type === 'integer' &&
    parts[1]?.type === 'string'
  );
}

function firstAllOf(schema: JsonRecord): JsonRecord | undefined {
  return recordsOf(schema.allOf)[0];
}
