import { beforeAll, describe, expect, test } from 'vitest';
import type { Kind } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { type Custom, define, draftOf, newCrd, specOf } from './kube-crd-draft.ts';
import { refusalOf } from './refusal.ts';

const TEXT = { type: 'string' };
const INT = { type: 'integer' };
const PRESERVED = { 'x-kubernetes-preserve-unknown-fields': true };
const pairs = (keys: readonly string[], items: object): object => ({
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': keys,
  items: { type: 'object', ...items },
});

/** A field for each thing that a schema can say. */
const FIELDS = {
  enum: { type: 'string', enum: ['a', 'b'] },
  enumInt: { type: 'integer', enum: [1, 2] },
  pattern: { type: 'string', pattern: '^[a-c]+$' },
  short: { type: 'string', minLength: 2, maxLength: 4 },
  range: { type: 'integer', minimum: 2, maximum: 4 },
  open: { type: 'number', minimum: 2, maximum: 4, exclusiveMinimum: true, exclusiveMaximum: true },
  multiple: { type: 'integer', multipleOf: 3 },
  int32: { type: 'integer', format: 'int32' },
  few: { type: 'array', items: INT, minItems: 1, maxItems: 2 },
  some: { type: 'object', additionalProperties: INT, minProperties: 1, maxProperties: 2 },
  flag: { type: 'boolean' },
  one: {
    type: 'object',
    properties: { x: TEXT, y: TEXT },
    oneOf: [{ required: ['x'] }, { required: ['y'] }],
  },
  any: {
    type: 'object',
    properties: { x: TEXT, y: TEXT },
    anyOf: [{ required: ['x'] }, { required: ['y'] }],
  },
  all: { type: 'string', allOf: [{ pattern: '^a' }, { pattern: 'b$' }] },
  not: { type: 'string', not: { enum: ['root'] } },
  needs: { type: 'object', required: ['x', 'y'], properties: { x: TEXT, y: TEXT } },
  set: { type: 'array', items: TEXT, 'x-kubernetes-list-type': 'set' },
  atomic: { type: 'array', items: TEXT, 'x-kubernetes-list-type': 'atomic' },
  byName: pairs(['name'], { required: ['name'], properties: { name: TEXT, size: INT } }),
  byPort: pairs(['port', 'protocol'], {
    required: ['port'],
    properties: { port: INT, protocol: { type: 'string', default: 'TCP' } },
  }),
  port: { 'x-kubernetes-int-or-string': true },
  nullable: { type: 'string', nullable: true },
  nullableDefault: { type: 'string', nullable: true, default: 'x' },
  loose: { type: 'object', ...PRESERVED, properties: { tight: { type: 'object', properties: { a: TEXT } } } },
  anything: PRESERVED,
  embedded: { type: 'object', 'x-kubernetes-embedded-resource': true, ...PRESERVED },
  nested: {
    type: 'object',
    properties: {
      inner: { type: 'object', default: {}, properties: { level: { type: 'integer', default: 3 } } },
      list: {
        type: 'array',
        items: { type: 'object', properties: { on: { type: 'boolean', default: true } } },
      },
      map: {
        type: 'object',
        additionalProperties: { type: 'object', properties: { n: { type: 'integer', default: 1 } } },
      },
    },
  },
  ...Object.fromEntries(
    'date-time date duration byte uuid uuid3 uuid4 uuid5 ipv4 ipv6 cidr mac hostname email uri hexcolor rgbcolor creditcard isbn ssn password'
      .split(' ')
      .map((format) => [format, { type: 'string', format }]),
  ),
};

/** Causes without `FieldValue` and `spec.`. */
const REFUSED: readonly (readonly [field: string, value: unknown, causes: readonly string[]])[] = [
  ['enum', 'c', ['NotSupported enum']],
  ['enum', 1, ['NotSupported enum', 'TypeInvalid enum']],
  ['enumInt', 3, ['NotSupported enumInt']],
  ['pattern', 'abd', ['Invalid pattern']],
  ['short', 'a', ['Invalid short']],
  ['short', 'abcde', ['TooLong short']],
  ['short', '👋', ['Invalid short']],
  ['range', 1, ['Invalid range']],
  ['range', 5, ['Invalid range']],
  ['range', 2.5, ['TypeInvalid range']],
  ['range', '3', ['TypeInvalid range']],
  ['open', 2, ['Invalid open']],
  ['open', 4, ['Invalid open']],
  ['multiple', 4, ['Invalid multiple']],
  ['few', [], ['Invalid few']],
  ['few', [1, 2, 3], ['TooMany few']],
  ['few', [1, 'x'], ['TypeInvalid few[1]']],
  ['few', [1, null], ['TypeInvalid few[1]']],
  ['some', {}, ['Invalid some']],
  ['some', { a: 1, b: 2, c: 3 }, ['TooMany some']],
  ['some', { a: 'x' }, ['TypeInvalid some.a']],
  ['some', { 'a.b/c': 'x' }, ['TypeInvalid some.a.b/c']],
  ['some', [], ['TypeInvalid some']],
  ['flag', 'true', ['TypeInvalid flag']],
  ['one', {}, ['Invalid <nil>', 'Required one.x']],
  ['one', { x: '1', y: '2' }, ['Invalid <nil>']],
  ['any', {}, ['Invalid <nil>', 'Required any.x']],
  ['all', 'ac', ['Invalid <nil>', 'Invalid all']],
  ['all', 'c', ['Invalid <nil>', 'Invalid all']],
  ['not', 'root', ['Invalid <nil>']],
  ['needs', {}, ['Required needs.x', 'Required needs.y']],
  ['needs', { x: null, y: '' }, ['Required needs.x']],
  ['needs', 'x', ['TypeInvalid needs']],
  ['set', ['a', 'b', 'a'], ['Duplicate set[2]']],
  ['set', ['a', 'a', 'a'], ['Duplicate set[1]']],
  ['byName', [{ name: 'a' }, { name: 'b' }, { name: 'a', size: 2 }], ['Duplicate byName[2]']],
  ['byName', [{ size: 1 }], ['Required byName[0].name']],
  ['byPort', [{ port: 1 }, { port: 1, protocol: 'TCP' }], ['Duplicate byPort[1]']],
  ['port', true, ['TypeInvalid port']],
  ['port', 1.5, ['TypeInvalid port']],
  ['loose', { tight: { a: 1 } }, ['TypeInvalid loose.tight.a']],
  ['embedded', {}, ['Required embedded.apiVersion', 'Required embedded.kind']],
  ['embedded', { apiVersion: 'a/b/c', kind: 'K' }, ['Invalid embedded.apiVersion']],
  ['embedded', { apiVersion: 'v1', kind: 'k k' }, ['Invalid embedded.kind']],
  [
    'embedded',
    { apiVersion: 'v1', kind: 'K', metadata: { name: 'A_B', labels: { 'a b': 'c' } } },
    ['Invalid embedded.metadata.labels'],
  ],
  ['date-time', '2024-01-01', ['TypeInvalid date-time']],
  ['date-time', '2024-13-01T00:00:00Z', ['TypeInvalid date-time']],
  ['date', '2024-02-30', ['TypeInvalid date']],
  ['duration', '1 hundred', ['TypeInvalid duration']],
  ['byte', 'a', ['TypeInvalid byte']],
  ['uuid', 'abc', ['TypeInvalid uuid']],
  ['uuid3', 'f47ac10b-58cc-4372-a567-0e02b2c3d479', ['TypeInvalid uuid3']],
  ['uuid4', 'f47ac10b-58cc-3372-a567-0e02b2c3d479', ['TypeInvalid uuid4']],
  ['uuid5', 'f47ac10b-58cc-4372-a567-0e02b2c3d479', ['TypeInvalid uuid5']],
  ['ipv4', '10.0.0.256', ['TypeInvalid ipv4']],
  ['ipv6', '10.0.0.1', ['TypeInvalid ipv6']],
  ['cidr', '10.0.0.0', ['TypeInvalid cidr']],
  ['mac', '00:11:22:33:44', ['TypeInvalid mac']],
  ['hostname', '-a', ['TypeInvalid hostname']],
  ['email', 'a', ['TypeInvalid email']],
  ['uri', 'not a uri', ['TypeInvalid uri']],
  ['hexcolor', '#12', ['TypeInvalid hexcolor']],
  ['rgbcolor', 'rgb(1,2)', ['TypeInvalid rgbcolor']],
  ['creditcard', '1234', ['TypeInvalid creditcard']],
  ['isbn', '123', ['TypeInvalid isbn']],
  ['ssn', '1234', ['TypeInvalid ssn']],
];

/** What is kept of a value; the value itself where nothing else is said. */
const KEPT: readonly (readonly [field: string, value: unknown, ...kept: unknown[]])[] = [
  ['short', '👋👋👋👋'],
  ['multiple', 9],
  ['int32', 2147483648],
  ['one', { x: '1' }],
  ['any', { x: '1', y: '2' }],
  ['all', 'ab'],
  ['set', ['b', 'a']],
  ['atomic', ['a', 'a']],
  [
    'byPort',
    [{ port: 1 }, { port: 1, protocol: 'UDP' }],
    [
      { port: 1, protocol: 'TCP' },
      { port: 1, protocol: 'UDP' },
    ],
  ],
  ['port', 80],
  ['port', 'http'],
  ['nullable', null],
  ['nullableDefault', null],
  ['loose', { free: [{ deep: 1 }], tight: { a: 'x', b: 1 } }, { free: [{ deep: 1 }], tight: { a: 'x' } }],
  ['anything', 'text'],
  ['anything', [1, { a: null }]],
  ['anything', null, undefined],
  [
    'embedded',
    { apiVersion: 'v1', kind: 'K', metadata: { name: 'a', odd: 1, labels: { a: 'b' } }, data: { x: 1 } },
    { apiVersion: 'v1', kind: 'K', metadata: { name: 'a', labels: { a: 'b' } }, data: { x: 1 } },
  ],
  ['nested', {}, { inner: { level: 3 } }],
  ['nested', { inner: { odd: 1 } }, { inner: { level: 3 } }],
  ['nested', { inner: null }, { inner: { level: 3 } }],
  [
    'nested',
    { list: [{}, { on: false, odd: 1 }] },
    { inner: { level: 3 }, list: [{ on: true }, { on: false }] },
  ],
  ['nested', { map: { a: {}, b: { n: 2 } } }, { inner: { level: 3 }, map: { a: { n: 1 }, b: { n: 2 } } }],
  ['date-time', '2024-01-01T00:00:00.5+02:00'],
  ['date', '2024-02-29'],
  ['duration', '1h30m'],
  ['duration', '3 weeks'],
  ['duration', '0'],
  ['byte', 'YQ=='],
  ['uuid', 'F47AC10B58CC4372A5670E02B2C3D479'],
  ['ipv6', '::ffff:10.0.0.1'],
  ['cidr', 'fd00::/8'],
  ['mac', '00-11-22-33-44-55'],
  ['hostname', 'a.b-c.De'],
  ['email', 'A B <a@b.c>'],
  ['uri', '/a/path'],
  ['hexcolor', '#fff'],
  ['rgbcolor', 'rgb(1, 2, 3)'],
  ['creditcard', '4111-1111-1111-1111'],
  ['isbn', '978-0-306-40615-7'],
  ['ssn', '123-45-6789'],
  ['password', 'anything'],
];

export function crdObjectContract(bench: Bench): void {
  describe('objects of a schema', () => {
    let kind: Kind<Custom>;
    let namespace: string;
    beforeAll(async () => {
      kind = await define(bench, newCrd(`${bench.unique('object')}s`, specOf(FIELDS)));
      namespace = await bench.namespace();
    });
    const create = (spec: unknown): Promise<Custom> =>
      bench.api.create(kind, draftOf(kind, namespace, bench.unique('o'), spec));

    test.each(REFUSED)('%s: %j is refused', async (field, value, causes) => {
      const refusal = await refusalOf(create({ [field]: value }));
      const expected = causes.map((cause) => `FieldValue${cause.replace(/ (?!<)/, ' spec.')}`);
      expect(refusal).toMatchObject({ reason: 'Invalid', code: 422, causes: expected.sort() });
    });

    for (const [field, value, ...kept] of KEPT)
      test(`${field}: ${JSON.stringify(value)} is kept as its schema says`, async () => {
        const { spec } = await create({ [field]: value });
        expect(spec?.[field]).toEqual(kept.length === 0 ? value : kept[0]);
      });

    test('what the schema does not know is dropped at every depth', async () => {
      const spec = { odd: 1, needs: { x: '', y: '', odd: 1 }, byName: [{ name: 'a', odd: {} }] };
      expect((await create(spec)).spec).toEqual({
        needs: { x: '', y: '' },
        byName: [{ name: 'a' }],
        nullableDefault: 'x',
      });
    });

    test.each([
      ['spec', 'a text', 'FieldValueTypeInvalid spec'],
      ['spec', ['a list'], 'FieldValueTypeInvalid spec'],
    ])('a %s that is %j is refused', async (_member, spec, cause) => {
      expect((await refusalOf(create(spec))).causes).toEqual([cause]);
    });
  });
}
