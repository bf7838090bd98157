import { type Check, checksOf } from './crd-schema-checks.ts';
import { RuleCosts } from './crd-schema-costs.ts';
import { compileRules, NO_RULES, type NodeRules, type RulePlace } from './crd-schema-rules.ts';
import type { KubeCause } from './error.ts';
import { isRecord, type JsonRecord, recordOf } from './json-record.ts';

export type JsonType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';

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
  /** True when a node below describes whole objects. */
  readonly hasEmbedded: boolean;
  readonly properties: ReadonlyMap<string, CompiledSchema>;
  readonly additional: CompiledSchema | undefined;
  readonly items: CompiledSchema | undefined;
  /** Never mutated: objects that take the default share it. */
  readonly defaultValue: unknown;
  /** Properties with a default, so that defaulting does not visit the others. */
  readonly defaulted: readonly string[];
  readonly required: readonly string[];
  readonly checks: readonly Check[];
  readonly rules: NodeRules;
  /** True when this node or one below has rules. */
  readonly hasRules: boolean;
  /** True when this node or one below has rules that compare with the old value. */
  readonly hasTransitions: boolean;
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listKeys: readonly string[];
  readonly mapType: 'atomic' | 'granular' | undefined;
  readonly allOf: readonly CompiledSchema[];
  readonly anyOf: readonly CompiledSchema[];
  readonly oneOf: readonly CompiledSchema[];
  readonly not: CompiledSchema | undefined;
}

/**
 * Compiles one `openAPIV3Schema`, which has been found to be structural where it is a user's.
 *
 * Complaints about its patterns and rules go to `causes`, with paths below `path`. `isResource` says that
 * it describes whole objects, whose metadata rules may see.
 */
export function compileSchema(
  source: unknown,
  path: string,
  causes: KubeCause[],
  isResource = false,
): CompiledSchema {
  const costs = new RuleCosts();
  const root = {
    path,
    causes,
    costs,
    structural: true,
    isResource,
    uncorrelatable: undefined,
    cardinality: 1,
  };
  const schema = compile(recordOf(source), root);
  costs.checkTotal(path, causes);
  return schema;
}

interface Place extends RulePlace {
  /** False inside allOf, anyOf, oneOf and not, which restrict values and do not describe them. */
  readonly structural: boolean;
}

function compile(source: JsonRecord, place: Place): CompiledSchema {
  const { path, causes, structural } = place;
  const type = typeof source.type === 'string' ? (source.type as JsonType) : undefined;
  const inside = (member: string, node: unknown, more: Partial<Place> = {}): CompiledSchema => {
    const part = recordOf(node);
    const isResource = part['x-kubernetes-embedded-resource'] === true;
    const times = countOfParts(source);
    const cardinality =
      place.cardinality === undefined || times === undefined ? undefined : place.cardinality * times;
    return compile(part, { ...place, path: `${path}.${member}`, isResource, cardinality, ...more });
  };
  const properties = new Map(
    Object.entries(recordOf(source.properties)).map(([name, node]) => [
      name,
      inside(`properties[${name}]`, node),
    ]),
  );
  const additionalSource = source.additionalProperties;
  const additional = isRecord(additionalSource)
    ? inside('additionalProperties', additionalSource)
    : undefined;
  const identity = listIdentity(source);
  const uncorrelatable = place.uncorrelatable ?? (identity.listType === 'map' ? undefined : path);
  const items = source.items === undefined ? undefined : inside('items', source.items, { uncorrelatable });
  const junctor = (name: string): CompiledSchema[] =>
    listOf(source[name]).map((part, index) => inside(`${name}[${index}]`, part, { structural: false }));

  const checks = checksOf(source, path, causes);
  const rules = compileRules(source, place);
  const below = [...properties.values(), ...(additional ? [additional] : []), ...(items ? [items] : [])];
  const preserves = source['x-kubernetes-preserve-unknown-fields'] === true;
  return {
    type,
    intOrString: source['x-kubernetes-int-or-string'] === true,
    nullable: source.nullable === true,
    preserveUnknown: preserves || (!structural && type === undefined && properties.size === 0),
    embeddedResource: source['x-kubernetes-embedded-resource'] === true,
    hasEmbedded: below.some((node) => node.embeddedResource || node.hasEmbedded),
    properties,
    additional: additional ?? (additionalSource === true ? ANYTHING : undefined),
    items,
    defaultValue: source.default,
    defaulted: [...properties]
      .filter(([, property]) => property.defaultValue !== undefined)
      .map(([name]) => name),
    required: listOf(source.required).filter((name) => typeof name === 'string'),
    checks,
    rules,
    hasRules: rules.rules.length > 0 || below.some((node) => node.hasRules),
    hasTransitions:
      rules.rules.some(({ expression }) => expression.usesOldSelf) ||
      below.some((node) => node.hasTransitions),
    ...identity,
    mapType: source['x-kubernetes-map-type'] as CompiledSchema['mapType'],
    allOf: junctor('allOf'),
    anyOf: junctor('anyOf'),
    oneOf: junctor('oneOf'),
    not: source.not === undefined ? undefined : inside('not', source.not, { structural: false }),
  };
}

/** How many values stand below one of this node: undefined where nothing limits them. */
function countOfParts({
  type,
  additionalProperties,
  maxItems,
  maxProperties,
}: JsonRecord): number | undefined {
  if (type === 'array') return typeof maxItems === 'number' ? maxItems : undefined;
  if (type !== 'object' || additionalProperties === undefined) return 1;
  return typeof maxProperties === 'number' ? maxProperties : undefined;
}

/** Built-in kinds tell list items apart by their patch merge key. */
function listIdentity(source: JsonRecord): Pick<CompiledSchema, 'listType' | 'listKeys'> {
  const mergeKey = source['x-kubernetes-patch-merge-key'];
  const listKeys = listOf(source['x-kubernetes-list-map-keys']).filter((name) => typeof name === 'string');
  if (typeof mergeKey === 'string')
    return { listType: 'map', listKeys: listKeys.length === 0 ? [mergeKey] : listKeys };
  return {
    listType: source['x-kubernetes-list-type'] as CompiledSchema['listType'],
    listKeys,
  };
}

/** Accepts and keeps any value. */
export const ANYTHING: CompiledSchema = {
  type: undefined,
  intOrString: false,
  nullable: true,
  preserveUnknown: true,
  embeddedResource: false,
  hasEmbedded: false,
  properties: new Map(),
  additional: undefined,
  items: undefined,
  defaultValue: undefined,
  defaulted: [],
  required: [],
  checks: [],
  rules: NO_RULES,
  hasRules: false,
  hasTransitions: false,
  listType: undefined,
  listKeys: [],
  mapType: undefined,
  allOf: [],
  anyOf: [],
  oneOf: [],
  not: undefined,
};

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
