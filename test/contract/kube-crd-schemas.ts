import { describe, expect, test } from 'vitest';
import type { Bench } from './kube.ts';
import { type NewCrd, newCrd, specOf } from './kube-crd-draft.ts';
import { CRD } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

type Refused = readonly [title: string, schema: unknown, causes: readonly string[]];
/** Causes are written short: without `FieldValue`, `~` is the schema and `@` its field `spec.a`. */
const SCHEMAS: readonly Refused[] = [
  ['no type at the root', { properties: { spec: { type: 'object' } } }, ['Required ~.type']],
  ['a field without a type', specOf({ a: {} }), ['Required @.type']],
  ['a list without items', specOf({ a: { type: 'array' } }), ['Required @.items']],
  ['items without a type', specOf({ a: { type: 'array', items: {} } }), ['Required @.items.type']],
  ['a type that there is not', specOf({ a: { type: 'text' } }), ['NotSupported @.type']],
  ['the type null', specOf({ a: { type: 'null' } }), ['Forbidden @.type', 'NotSupported @.type']],
  ['a list at the root', { type: 'array', items: { type: 'string' } }, ['Invalid ~.type']],
  [
    'any members at the root',
    { type: 'object', additionalProperties: { type: 'string' } },
    ['Forbidden ~.additionalProperties'],
  ],
  [
    'named and any members at once',
    specOf({
      a: { type: 'object', properties: { b: { type: 'string' } }, additionalProperties: { type: 'string' } },
    }),
    ['Forbidden @.additionalProperties'],
  ],
  [
    'labels that it restricts',
    {
      type: 'object',
      properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } },
    },
    ['Forbidden ~.properties[metadata]'],
  ],
  [
    'an embedded resource without a type',
    specOf({ a: { 'x-kubernetes-embedded-resource': true } }),
    ['Required @.properties', 'Required @.type'],
  ],
  [
    'an embedded resource of which nothing is kept',
    specOf({ a: { type: 'object', 'x-kubernetes-embedded-resource': true } }),
    ['Required @.properties'],
  ],
  [
    'int-or-string that preserves unknown fields',
    specOf({ a: { 'x-kubernetes-int-or-string': true, 'x-kubernetes-preserve-unknown-fields': true } }),
    ['Invalid @.x-kubernetes-preserve-unknown-fields'],
  ],
  [
    'a type inside anyOf',
    specOf({ a: { type: 'string', anyOf: [{ type: 'string' }] } }),
    ['Forbidden @.anyOf[0].type'],
  ],
  [
    'descriptions, defaults and nulls inside anyOf',
    specOf({ a: { type: 'string', anyOf: [{ description: 'x' }, { default: 'x' }, { nullable: true }] } }),
    ['Forbidden @.anyOf[0].description', 'Forbidden @.anyOf[1].default', 'Forbidden @.anyOf[2].nullable'],
  ],
  [
    'metadata that must not be',
    { type: 'object', not: { properties: { metadata: {} } } },
    ['Forbidden ~.not.properties[metadata]', 'Required ~.properties[metadata]'],
  ],
  ['a pattern that does not close', specOf({ a: { type: 'string', pattern: '(' } }), ['Invalid @.pattern']],
  ['a pattern that looks ahead', specOf({ a: { type: 'string', pattern: '(?!x)' } }), ['Invalid @.pattern']],
  ['a reference', specOf({ a: { type: 'string', $ref: '#/x' } }), ['Forbidden @.$ref']],
  [
    'uniqueItems',
    specOf({ a: { type: 'array', items: { type: 'string' }, uniqueItems: true } }),
    ['Forbidden @.uniqueItems'],
  ],
  ['items one by one', specOf({ a: { type: 'array', items: [{ type: 'string' }] } }), ['Forbidden @.items']],
  [
    'unknown fields not preserved',
    specOf({ a: { type: 'object', 'x-kubernetes-preserve-unknown-fields': false } }),
    ['Invalid @.x-kubernetes-preserve-unknown-fields'],
  ],
  [
    'a map type of a text',
    specOf({ a: { type: 'string', 'x-kubernetes-map-type': 'atomic' } }),
    ['Invalid @.type'],
  ],
  [
    'a map type that there is not',
    specOf({ a: { type: 'object', 'x-kubernetes-map-type': 'x' } }),
    ['NotSupported @.x-kubernetes-map-type'],
  ],
  [
    'a list type of a text',
    specOf({ a: { type: 'string', 'x-kubernetes-list-type': 'set' } }),
    ['Invalid @.type'],
  ],
  [
    'a list type that there is not',
    specOf({ a: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'bag' } }),
    ['NotSupported @.x-kubernetes-list-type'],
  ],
  [
    'a set of objects that can be merged',
    specOf({
      a: {
        type: 'array',
        'x-kubernetes-list-type': 'set',
        items: { type: 'object', properties: { b: { type: 'string' } } },
      },
    }),
    ['Invalid @.items.x-kubernetes-map-type'],
  ],
  [
    'a map list without keys',
    specOf({
      a: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        items: { type: 'object', properties: { b: { type: 'string' } } },
      },
    }),
    ['Required @.x-kubernetes-list-map-keys'],
  ],
  [
    'keys that items do not have, twice',
    specOf({
      a: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['c', 'c'],
        items: { type: 'object', properties: { b: { type: 'string' } } },
      },
    }),
    ['Invalid @.x-kubernetes-list-map-keys'],
  ],
  [
    'an optional key',
    specOf({
      a: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['b'],
        items: { type: 'object', properties: { b: { type: 'string' } } },
      },
    }),
    ['Required @.items.properties[b].default'],
  ],
  [
    'a key that is an object or null',
    specOf({
      a: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['b'],
        items: {
          type: 'object',
          nullable: true,
          required: ['b'],
          properties: { b: { type: 'object', nullable: true } },
        },
      },
    }),
    [
      'Forbidden @.items.nullable',
      'Forbidden @.items.properties[b].nullable',
      'Invalid @.items.properties[b].type',
    ],
  ],
  [
    'keys of a list that is no map',
    specOf({
      a: {
        type: 'array',
        'x-kubernetes-list-map-keys': ['b'],
        items: { type: 'object', required: ['b'], properties: { b: { type: 'string' } } },
      },
    }),
    ['Required @.x-kubernetes-list-type'],
  ],
  [
    'a map list of texts',
    specOf({
      a: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['b'],
        items: { type: 'string' },
      },
    }),
    ['Invalid @.items.type'],
  ],
  ['a default of another type', specOf({ a: { type: 'integer', default: 'x' } }), ['TypeInvalid @.default']],
  [
    'a default with an unknown field',
    specOf({ a: { type: 'object', default: { b: 1 }, properties: { c: { type: 'string' } } } }),
    ['Invalid @.default'],
  ],
  [
    'a default below the minimum',
    specOf({ a: { type: 'integer', default: 1, minimum: 2 } }),
    ['Invalid @.default'],
  ],
  [
    'a default of metadata',
    { type: 'object', properties: { metadata: { type: 'object', default: {} } } },
    ['Forbidden ~.properties[metadata].default'],
  ],
  ['null at the root', { type: 'object', nullable: true }, ['Forbidden ~.nullable']],
];

export function crdSchemaContract(bench: Bench): void {
  describe('schemas that are refused', () => {
    test.each(SCHEMAS)('a schema with %s', (_title, schema, causes) =>
      expectRefused(bench, newCrd(`${bench.unique('refused')}s`, schema), causes),
    );
  });
}

/** Expects these causes, in the short form, and no others. */
export async function expectRefused(bench: Bench, crd: NewCrd, causes: readonly string[]): Promise<void> {
  const refusal = await refusalOf(bench.api.create(CRD, crd));
  expect(refusal).toMatchObject({ reason: 'Invalid', code: 422, causes: causes.map(atLength).sort() });
}

/** A cause as the tables write it, as a server does. */
function atLength(cause: string): string {
  const field = cause
    .replace('@', '~.properties[spec].properties[a]')
    .replace('~', 'spec.validation.openAPIV3Schema');
  return `FieldValue${field}`;
}
