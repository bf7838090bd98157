import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileSchema } from '../../src/kube/crd-schema.ts';
import { conform } from '../../src/kube/crd-schema-conform.ts';
import { defineSchema } from '../../src/kube/crd-schema-definition.ts';
import { FORMATS } from '../../src/kube/crd-schema-format.ts';
import { validate } from '../../src/kube/crd-schema-validate.ts';
import { DEVICE_CRD } from '../../src/kube/device.ts';
import type { KubeCause } from '../../src/kube/error.ts';
import { FIRMWARE_ROLLOUT_CRD } from '../../src/kube/firmware-rollout.ts';
import { FLASH_JOB_CRD } from '../../src/kube/flash-job.ts';

const SOURCE = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    count: { type: 'integer', default: 3, minimum: 0 },
    nested: { type: 'object', properties: { on: { type: 'boolean', default: false } } },
    list: { type: 'array', items: { type: 'object', properties: { a: { type: 'number' } } } },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};

function compiled(source: object) {
  const causes: KubeCause[] = [];
  return { schema: compileSchema(source, 'schema', causes), causes };
}

function complaints(source: object, value: unknown, previous?: unknown): string[] {
  const causes: KubeCause[] = [];
  validate(compiled(source).schema, value, previous, 'at', causes);
  return causes.map(({ field, message }) => `${field}: ${message}`);
}

/** The schema of an object with one field of this schema. */
const within = (field: object) => ({ type: 'object', properties: { a: field } });

/** Values that look like the schema about half of the time. */
const anyValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>(null, true, 'x', '', 7, -1, 1.5),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom('name', 'count', 'nested', 'list', 'free', 'a', 'on', 'other'),
      tie('value'),
      {
        maxKeys: 5,
      },
    ),
  ),
})).value;

/** What is wrong with a definition's schema. */
function mistakes(source: object): KubeCause[] {
  const causes: KubeCause[] = [];
  defineSchema(source as Readonly<Record<string, unknown>>, 'schema', false, causes);
  return causes;
}

describe('defining', () => {
  test.each([
    [{ properties: {} }, 'schema.type', /must not be empty/],
    [{ type: 'object', properties: { a: {} } }, 'schema.properties[a].type', /must not be empty/],
    [{ type: 'array' }, 'schema.items', /must be specified/],
    [{ type: 'array' }, 'schema.type', /must be object at the root/],
    [within({ type: 'text' }), 'schema.properties[a].type', /supported values: "array"/],
    [{ type: 'object', patternProperties: {} }, 'schema.patternProperties', /not supported/],
    [within({ type: 'string', pattern: '(' }), 'schema.properties[a].pattern', /regular expression/],
    [
      within({
        type: 'object',
        properties: { a: { type: 'string' } },
        additionalProperties: { type: 'string' },
      }),
      'schema.properties[a].additionalProperties',
      /mutual/,
    ],
  ])('%j is refused at %s', (source, field, why) => {
    const cause = mistakes(source).find((one) => one.field === field);
    expect(cause?.field).toBe(field);
    expect(cause?.message).toMatch(why);
  });

  test('a rule that cannot be evaluated is refused by name, not ignored', () => {
    const rule = 'self.replicas <= self.max';
    const causes = mistakes({ type: 'object', 'x-kubernetes-validations': [{ rule }] });
    expect(causes).toHaveLength(1);
    expect(causes[0]?.field).toBe('schema.x-kubernetes-validations[0].rule');
    expect(causes[0]?.message).toContain(rule);
  });

  test('our own definitions compile', () => {
    for (const crd of [DEVICE_CRD, FIRMWARE_ROLLOUT_CRD, FLASH_JOB_CRD])
      expect(mistakes(crd.spec.versions[0]?.schema.openAPIV3Schema ?? {})).toEqual([]);
  });
});

describe('conforming', () => {
  const { schema } = compiled(SOURCE);

  test('unknown fields go and are named, defaults come, and the input stays as it was', () => {
    const input = {
      name: 'x',
      other: 1,
      nested: { off: 1 },
      list: [{ a: 1, b: 2 }],
      free: { any: { thing: 1 } },
    };
    const before = structuredClone(input);
    const unknown: string[] = [];
    expect(conform(schema, input, unknown)).toEqual({
      name: 'x',
      count: 3,
      nested: { on: false },
      list: [{ a: 1 }],
      free: { any: { thing: 1 } },
    });
    expect(unknown).toEqual(['other', 'nested.off', 'list[0].b']);
    expect(input).toEqual(before);
  });

  test('what fits already is given back as it is', () => {
    const fit = { name: 'x', count: 1, nested: { on: true }, list: [{ a: 1 }] };
    expect(conform(schema, fit)).toBe(fit);
  });

  test('conforming twice is conforming once', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const once = conform(schema, value);
        expect(conform(schema, once)).toBe(once);
      }),
    );
  });

  test('a null without nullable counts as absent', () => {
    expect(conform(schema, { name: null, count: null })).toEqual({ count: 3 });
  });
});

describe('validating', () => {
  test('what an unchanged part was accepted with is not looked at again', () => {
    const old = { name: '' };
    expect(complaints(SOURCE, { name: '' })).toHaveLength(1);
    expect(complaints(SOURCE, old, old)).toEqual([]);
    expect(
      complaints({ ...SOURCE, properties: { nested: SOURCE } }, { nested: old, b: 1 }, { nested: old }),
    ).toEqual([]);
  });

  test('any value is judged without throwing', () => {
    fc.assert(fc.property(anyValue, (value) => Array.isArray(complaints(SOURCE, value))));
  });

  test('one of several, all of several, and none', () => {
    const choice = { anyOf: [{ required: ['a'] }, { required: ['b'] }] };
    const source = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } } };
    expect(complaints({ ...source, ...choice }, { a: 'x' })).toEqual([]);
    expect(complaints({ ...source, ...choice }, {})).toEqual([
      '<nil>: Invalid value: "": "at" must validate at least one schema (anyOf)',
      'at.a: Required value',
    ]);
    expect(complaints({ ...source, oneOf: choice.anyOf }, { a: 'x', b: 'y' })).toHaveLength(1);
    expect(complaints({ ...source, allOf: choice.anyOf }, { a: 'x' })).toEqual([
      'at.b: Required value',
      '<nil>: Invalid value: "": "at" must validate all the schemas (allOf)',
    ]);
    expect(complaints({ ...source, not: { required: ['a'] } }, { a: 'x' })).toHaveLength(1);
  });

  test('lengths are counted in characters, not in code units', () => {
    expect(complaints({ type: 'string', maxLength: 2 }, '😀😀')).toEqual([]);
    expect(complaints({ type: 'string', maxLength: 2 }, '😀😀😀')).toEqual([
      'at: Too long: may not be more than 2 bytes',
    ]);
  });
});

test.each([
  ['date-time', '2026-01-01T00:00:00Z', '2026-01-01'],
  ['date-time', '2026-01-01T00:00:00.123456+02:00', '2026-13-01T00:00:00Z'],
  ['date', '2026-02-03', '03.02.2026'],
  ['duration', '1h30m', '90'],
  ['uuid', '44606d10-7c29-4098-9d6a-dc16f95090d1', '44606d10'],
  ['ipv4', '10.0.0.1', '10.0.0.256'],
  ['ipv6', 'fe80::1', '10.0.0.1'],
  ['cidr', '10.0.0.0/8', '10.0.0.0/33'],
  ['mac', '24:0a:c4:00:01:10', '24:0a:c4:00:01'],
  ['byte', 'aGk=', 'aGk'],
  ['hostname', 'edge-1.local', '-edge'],
])('format %s takes %j and refuses %j', (format, good, bad) => {
  expect(FORMATS[format]?.(good)).toBe(true);
  expect(FORMATS[format]?.(bad)).toBe(false);
});
