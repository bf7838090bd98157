import type { Environment } from '@marcbachmann/cel-js';
import { Duration } from '@marcbachmann/cel-js/evaluator';
import { isRecord, type JsonRecord, recordOf } from '../json-record.ts';
import {
  CelObject,
  type DeclaredField,
  type DeclaredType,
  equalValues,
  type ListIdentity,
  markList,
} from './cel-object.ts';
import { parseDuration } from './duration.ts';
import { escapePropertyName } from './property-name.ts';
import {
  BOOL_SIZE,
  INT_OR_STRING_SIZE,
  listSize,
  mapSize,
  NUMBER_SIZE,
  objectSize,
  textSize,
  type ValueSize,
} from './value-size.ts';

const INT_OR_STRING: DeclaredType = {
  name: 'dyn',
  read: (value) => (typeof value === 'number' ? BigInt(value) : value),
  size: INT_OR_STRING_SIZE,
};
const WITH_RESOURCE_META: JsonRecord = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: {
    type: 'object',
    properties: { name: { type: 'string' }, generateName: { type: 'string' } },
  },
};

/**
 * Declares what schemas describe as types of one environment, so that rules are checked before they run.
 * What a rule may not see has no type: unknown fields that are preserved, and what is made of them.
 * Null is not seen by type checking where it is allowed.
 * Source: k8s.io/apiserver v0.32, pkg/cel/common/schemas.go.
 */
export class SchemaTypes {
  readonly #environment: Environment;
  #count = 0;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** `isResource`: the node is a whole Kubernetes object, with metadata that its schema does not say. */
  declare(source: JsonRecord, isResource: boolean): DeclaredType | undefined {
    if (source['x-kubernetes-int-or-string'] === true) return INT_OR_STRING;
    switch (source.type) {
      case 'array':
        return this.#list(source);
      case 'object':
        return isRecord(source.additionalProperties)
          ? this.#mapOf(source, source.additionalProperties)
          : this.#object(source, isResource);
      case 'string':
        return textType(source, textSize(source));
      case 'boolean':
        return { name: 'bool', read: (value) => value, size: BOOL_SIZE };
      case 'number':
        return { name: 'double', read: (value) => value, size: NUMBER_SIZE };
      case 'integer':
        return { name: 'int', read: (value) => BigInt(value as number), size: NUMBER_SIZE };
      default:
        return undefined;
    }
  }

  /** As a member, an item or a value of another: there, null may be allowed. */
  #inside(source: unknown): DeclaredType | undefined {
    const { nullable, ...rest } = recordOf(source);
    const type = this.declare(rest, rest['x-kubernetes-embedded-resource'] === true);
    if (nullable !== true || type === undefined) return type;
    return { ...type, read: (value) => (value === null ? null : type.read(value)) };
  }

  #list(source: JsonRecord): DeclaredType | undefined {
    const items = this.#inside(source.items);
    if (items === undefined) return undefined;
    const name = `list<${items.name}>`;
    const identity = identityOf(source);
    const read = (value: unknown): unknown => {
      const list = (value as readonly unknown[]).map(items.read);
      markList(list, identity);
      return list;
    };
    return { name, read, size: listSize(source, items.size), elements: items };
  }

  #mapOf(source: JsonRecord, valueSource: JsonRecord): DeclaredType | undefined {
    const values = this.#inside(valueSource);
    if (values === undefined) return undefined;
    const read = (value: unknown): unknown =>
      new Map(Object.entries(value as JsonRecord).map(([key, member]) => [key, values.read(member)]));
    const size = mapSize(source, values.size);
    return { name: `map<string, ${values.name}>`, read, size, elements: values };
  }

  #object(source: JsonRecord, isResource: boolean): DeclaredType {
    const properties = { ...recordOf(source.properties), ...(isResource && WITH_RESOURCE_META) };
    const fields = new Map<string, DeclaredField>();
    const required: [string, ValueSize][] = [];
    for (const [property, schema] of Object.entries(properties)) {
      const escaped = escapePropertyName(property);
      const type = this.#inside(schema);
      if (type === undefined) continue;
      if (escaped !== undefined) fields.set(escaped, { property, type });
      const isRequired = Array.isArray(source.required) && source.required.includes(property);
      if (isRequired && recordOf(schema).default === undefined) required.push([property, type.size]);
    }
    const name = `object${++this.#count}`;
    const Declared = class extends CelObject {};
    const names = [...fields].map(([field, { type }]) => [field, type.name]);
    this.#environment
      .registerType(name, { ctor: Declared, fields: Object.fromEntries(names) })
      .registerOperator(`${name} == ${name}`, equalValues)
      .registerOperator(`${name} == null`, (object) => object === null);
    const read = (value: unknown): unknown => new Declared(value as JsonRecord, fields);
    return { name, read, size: objectSize(required), fields };
  }
}

function textType({ format }: JsonRecord, size: ValueSize): DeclaredType {
  switch (format) {
    case 'byte':
      return { name: 'bytes', read: (value) => Uint8Array.from(Buffer.from(String(value), 'base64')), size };
    case 'date':
    case 'date-time':
      return { name: 'google.protobuf.Timestamp', read: (value) => new Date(String(value)), size };
    case 'duration':
      return { name: 'google.protobuf.Duration', read: (value) => readDuration(String(value)), size };
    default:
      return { name: 'string', read: (value) => value, size };
  }
}

function readDuration(text: string): Duration {
  const nanos = parseDuration(text) ?? 0n;
  return new Duration(nanos / 1_000_000_000n, Number(nanos % 1_000_000_000n));
}

function identityOf(source: JsonRecord): ListIdentity | undefined {
  const keys = source['x-kubernetes-list-map-keys'];
  if (source['x-kubernetes-list-type'] === 'set') return { type: 'set' };
  if (source['x-kubernetes-list-type'] !== 'map') return undefined;
  return { type: 'map', keys: Array.isArray(keys) ? keys.map(String) : [] };
}
