import { describe, test } from 'vitest';
import type { Bench } from './kube.ts';
import { type CrdSpec, newCrd, specOf } from './kube-crd-draft.ts';
import { expectRefused } from './kube-crd-schemas.ts';
import { CRD } from './kube-widget.ts';

type Refused = readonly [
  title: string,
  schema: unknown,
  version: object,
  spec: CrdSpec,
  causes: readonly string[],
];

const DEFINITIONS: readonly Refused[] = [
  [
    'allOf at the root beside a status',
    { type: 'object', allOf: [{ required: ['spec'] }], properties: { spec: { type: 'object' } } },
    { subresources: { status: {} } },
    {},
    ['Invalid ~'],
  ],
  [
    'a column of a type that there is not',
    specOf({}),
    { additionalPrinterColumns: [{ name: 'x', type: 'text', jsonPath: '.spec' }] },
    {},
    ['Invalid spec.additionalPrinterColumns[0].type'],
  ],
  [
    'a column without a path',
    specOf({}),
    { additionalPrinterColumns: [{ name: 'x', type: 'string', jsonPath: 'spec' }] },
    {},
    ['Invalid spec.additionalPrinterColumns[0].JSONPath'],
  ],
  [
    'a column of a format that there is not',
    specOf({}),
    { additionalPrinterColumns: [{ name: 'x', type: 'string', format: 'abc', jsonPath: '.spec' }] },
    {},
    ['Invalid spec.additionalPrinterColumns[0].format'],
  ],
  [
    'a selectable field that there is not',
    specOf({ a: { type: 'string' } }),
    { selectableFields: [{ jsonPath: '.spec.b' }] },
    {},
    ['Invalid spec.selectableFields[0].jsonPath'],
  ],
  [
    'a selectable object',
    specOf({ a: { type: 'object' } }),
    { selectableFields: [{ jsonPath: '.spec.a' }] },
    {},
    ['Invalid spec.selectableFields[0].jsonPath'],
  ],
  [
    'selectable fields in metadata, and twice',
    specOf({ a: { type: 'string' } }),
    { selectableFields: [{ jsonPath: '.metadata.name' }, { jsonPath: '.spec.a' }, { jsonPath: '.spec.a' }] },
    {},
    ['Duplicate spec.selectableFields[2].jsonPath', 'Invalid spec.selectableFields[0].jsonPath'],
  ],
  [
    'a scale whose paths lead elsewhere',
    specOf({ a: { type: 'integer' } }),
    { subresources: { scale: { specReplicasPath: '.a', statusReplicasPath: '.spec.b' } } },
    {},
    [
      'Invalid spec.subresources.scale.specReplicasPath',
      'Invalid spec.subresources.scale.statusReplicasPath',
    ],
  ],
  [
    'a warning of a version that is not deprecated',
    specOf({}),
    { deprecationWarning: 'x' },
    {},
    ['Invalid spec.versions[0].deprecationWarning'],
  ],
  ['no schema', undefined, {}, {}, ['Required spec.versions[0].schema.openAPIV3Schema']],
  [
    'a version that is no label',
    specOf({}),
    { name: 'V_1' },
    {},
    ['Invalid spec.version', 'Invalid spec.versions[0].name'],
  ],
  ['a group without a dot', specOf({}), {}, { group: 'diff' }, ['Invalid spec.group']],
  ['a scope that there is not', specOf({}), {}, { scope: 'Galaxy' }, ['NotSupported spec.scope']],
  [
    'a list of the same kind',
    specOf({}),
    {},
    { names: { plural: 'k80s', singular: 'k80', kind: 'K80', listKind: 'K80' } },
    ['Invalid metadata.name', 'Invalid spec.names.listKind'],
  ],
  [
    'names that are no labels',
    specOf({}),
    {},
    {
      names: {
        plural: 'K_s',
        singular: 'K_',
        kind: 'K 1',
        listKind: 'K1 List',
        shortNames: ['A B'],
        categories: ['A B'],
      },
    },
    [
      'Invalid metadata.name',
      'Invalid spec.names.categories[0]',
      'Invalid spec.names.kind',
      'Invalid spec.names.listKind',
      'Invalid spec.names.plural',
      'Invalid spec.names.shortNames[0]',
      'Invalid spec.names.singular',
    ],
  ],
  [
    'preserveUnknownFields',
    specOf({}),
    {},
    { preserveUnknownFields: true },
    ['Invalid spec.preserveUnknownFields'],
  ],
  [
    'conversion by no webhook',
    specOf({}),
    {},
    { conversion: { strategy: 'Webhook' } },
    ['Required spec.conversion.conversionReviewVersions', 'Required spec.conversion.webhookClientConfig'],
  ],
  [
    'no conversion, by webhook',
    specOf({}),
    {},
    {
      conversion: {
        strategy: 'None',
        webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://x' } },
      },
    },
    ['Forbidden spec.conversion.conversionReviewVersions', 'Forbidden spec.conversion.webhookClientConfig'],
  ],
];

const ACCEPTED: readonly (readonly [title: string, schema: unknown, version: object])[] = [
  [
    'a length of names',
    {
      type: 'object',
      properties: { metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 5 } } } },
    },
    {},
  ],
  [
    'an embedded resource',
    specOf({
      a: {
        type: 'object',
        'x-kubernetes-embedded-resource': true,
        'x-kubernetes-preserve-unknown-fields': true,
      },
    }),
    {},
  ],
  [
    'int-or-string with its anyOf',
    specOf({ a: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] } }),
    {},
  ],
  [
    'int-or-string with its anyOf inside allOf',
    specOf({
      a: {
        'x-kubernetes-int-or-string': true,
        allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, { pattern: 'a' }],
      },
    }),
    {},
  ],
  [
    'anyOf over fields that it has not',
    specOf(
      { a: { type: 'string' } },
      { anyOf: [{ required: ['a'] }, { properties: { b: { minLength: 1 } } }] },
    ),
    {},
  ],
  [
    'anyOf over fields that it has',
    specOf(
      { a: { type: 'string' } },
      { anyOf: [{ required: ['a'] }, { properties: { a: { minLength: 1 } } }] },
    ),
    {},
  ],
  ['choices of several types', specOf({ a: { type: 'string', enum: ['a', 1] } }), {}],
  [
    'required members beside a status',
    { type: 'object', required: ['spec'], properties: { spec: { type: 'object' } } },
    { subresources: { status: {} } },
  ],
  ['a selectable text', specOf({ a: { type: 'string' } }), { selectableFields: [{ jsonPath: '.spec.a' }] }],
];

export function crdDefinitionContract(bench: Bench): void {
  describe('definitions that are refused', () => {
    test.each(DEFINITIONS)('a definition with %s', (_title, schema, version, spec, causes) =>
      expectRefused(bench, newCrd(`${bench.unique('refused')}s`, schema, version, spec), causes),
    );
  });

  describe('definitions that are accepted', () => {
    test.each(ACCEPTED)('a schema with %s', async (_title, schema, version) => {
      const crd = newCrd(`${bench.unique('accepted')}s`, schema, version);
      const { metadata } = await bench.api.create(CRD, crd);
      await bench.api.delete(CRD, metadata);
    });
  });
}
