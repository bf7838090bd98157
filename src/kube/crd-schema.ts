import { type Check, checksOf } from './crd-schema-checks.ts';
import { type CompiledRule, compileRule } from './crd-schema-rules.ts';
import type { KubeCause } from './error.ts';
import { childPath, forbiddenValue, invalidValue, requiredValue, unsupportedValue } from './field-cause.ts';

export type JsonType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
const JSON_TYPES: readonly string[] = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

/**
 * A structural schema made ready to run: what a CustomResourceDefinition's `openAPIV3Schema` says.
 * Source: Kubernetes documentation, "Specifying a structural schema"; k8s.io/apiextensions-apiserver v0.32.
 */
export interface CompiledSchema {
  /** Undefined only where any type may stand: int-or-string, or preserved unknown fields. */
  readonly type: JsonType | undefined;
  readonly intOrString: boolean;
  readonly nullable: boolean;
  readonly preserveUnknown: boolean;
  readonly embeddedResource: boolean;
  readonly properties: ReadonlyMap<string, CompiledSchema>;
  readonly additional: CompiledSchema | undefined;
  readonly items: CompiledSchema | undefined;
  /** Never mutated: objects that take the default share it. */
  readonly defaultValue: unknown;
  /** Properties with a default, so that defaulting does not visit the others. */
  readonly defaulted: readonly string[];
  readonly required: readonly string[];
  readonly checks: readonly Check[];
  readonly rules: readonly CompiledRule[];
  /** True when this node or one below has rules that compare with the old value. */
  readonly hasRules: boolean;
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listKeys: readonly string[];
  readonly mapType: 'atomic' | 'granular' | undefined;
  readonly allOf: readonly CompiledSchema[];
  readonly anyOf: readonly CompiledSchema[];
  readonly oneOf: readonly CompiledSchema[];
  readonly not: CompiledSchema | undefined;
}

const MEMBERS = new Set(
  `type format title description default example enum pattern minLength maxLength minimum maximum
   exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems minProperties maxProperties required
   properties additionalProperties items nullable allOf anyOf oneOf not externalDocs
   x-kubernetes-preserve-unknown-fields x-kubernetes-embedded-resource x-kubernetes-int-or-string
   x-kubernetes-patch-merge-key x-kubernetes-patch-strategy
   x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-map-type x-kubernetes-validations`.split(
    /\s+/,
  ),
);

/**
 * Compiles one `openAPIV3Schema`.
 *
 * Complaints about the schema itself go to `causes`, with paths below `path`; a schema that uses what
 * this house does not build (a CEL function it has no meaning for, say) is refused the same way, by name.
 */
export function compileSchema(source: unknown, path: string, causes: KubeCause[]): CompiledSchema {
  return compile(source, path, causes, true);
}

function compile(source: unknown, path: string, causes: KubeCause[], structural: boolean): CompiledSchema {
  if (!isRecord(source)) {
    causes.push(requiredValue(path, 'a schema must be an object'));
    return compile({ type: 'object' }, path, [], structural);
  }
  for (const member of Object.keys(source))
    if (!MEMBERS.has(member))
      causes.push(forbiddenValue(childPath(path, member), `${member} is not supported by this server`));

  const intOrString = source['x-kubernetes-int-or-string'] === true;
  const preserveUnknown = source['x-kubernetes-preserve-unknown-fields'] === true;
  const type = typeof source.type === 'string' ? (source.type as JsonType) : undefined;
  if (type !== undefined && !JSON_TYPES.includes(type))
    causes.push(unsupportedValue(childPath(path, 'type'), type, JSON_TYPES));
  if (structural && type === undefined && !intOrString && !preserveUnknown)
    causes.push(requiredValue(childPath(path, 'type'), 'must not be empty for specified object fields'));

  const properties = new Map<string, CompiledSchema>();
  for (const [name, property] of Object.entries(recordOf(source.properties)))
    properties.set(name, compile(property, `${path}.properties[${name}]`, causes, structural));
  const additionalSource = source.additionalProperties;
  const additional = isRecord(additionalSource)
    ? compile(additionalSource, `${path}.additionalProperties`, causes, structural)
    : undefined;
  if (structural && properties.size > 0 && additional !== undefined)
    causes.push(
      forbiddenValue(
        `${path}.additionalProperties`,
        'additionalProperties and properties are mutual exclusive',
      ),
    );
  const items =
    source.items === undefined ? undefined : compile(source.items, `${path}.items`, causes, structural);
  if (structural && type === 'array' && items === undefined)
    causes.push(requiredValue(`${path}.items`, 'must be specified'));

  const junctor = (name: string): CompiledSchema[] =>
    listOf(source[name]).map((part, index) => compile(part, `${path}.${name}[${index}]`, causes, false));
  const not = source.not === undefined ? undefined : compile(source.not, `${path}.not`, causes, false);

  const rules: CompiledRule[] = [];
  for (const [index, rule] of listOf(source['x-kubernetes-validations']).entries()) {
    const compiled = compileRule(recordOf(rule));
    if (typeof compiled === 'string')
      causes.push(
        invalidValue(`${path}.x-kubernetes-validations[${index}].rule`, recordOf(rule).rule, compiled),
      );
    else rules.push(compiled);
  }
  const below = [...properties.values(), ...(additional ? [additional] : []), ...(items ? [items] : [])];
  return {
    type,
    intOrString,
    nullable: source.nullable === true,
    preserveUnknown: preserveUnknown || (!structural && type === undefined && properties.size === 0),
    embeddedResource: source['x-kubernetes-embedded-resource'] === true,
    properties,
    additional: additional ?? (additionalSource === true ? ANYTHING : undefined),
    items,
    defaultValue: source.default,
    defaulted: [...properties]
      .filter(([, property]) => property.defaultValue !== undefined)
      .map(([name]) => name),
    required: listOf(source.required).filter((name) => typeof name === 'string'),
    checks: checksOf(source, path, causes),
    rules,
    hasRules: rules.length > 0 || below.some((node) => node.hasRules),
    ...listIdentity(source),
    mapType: source['x-kubernetes-map-type'] as CompiledSchema['mapType'],
    allOf: junctor('allOf'),
    anyOf: junctor('anyOf'),
    oneOf: junctor('oneOf'),
    not,
  };
}

/** Built-in kinds tell list items apart by their patch merge key. */
function listIdentity(
  source: Readonly<Record<string, unknown>>,
): Pick<CompiledSchema, 'listType' | 'listKeys'> {
  const mergeKey = source['x-kubernetes-patch-merge-key'];
  if (typeof mergeKey === 'string') return { listType: 'map', listKeys: [mergeKey] };
  return {
    listType: source['x-kubernetes-list-type'] as CompiledSchema['listType'],
    listKeys: listOf(source['x-kubernetes-list-map-keys']).filter((name) => typeof name === 'string'),
  };
}

/** Accepts and keeps any value. */
export const ANYTHING: CompiledSchema = {
  type: undefined,
  intOrString: false,
  nullable: true,
  preserveUnknown: true,
  embeddedResource: false,
  properties: new Map(),
  additional: undefined,
  items: undefined,
  defaultValue: undefined,
  defaulted: [],
  required: [],
  checks: [],
  rules: [],
  hasRules: false,
  listType: undefined,
  listKeys: [],
  mapType: undefined,
  allOf: [],
  anyOf: [],
  oneOf: [],
  not: undefined,
};

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
