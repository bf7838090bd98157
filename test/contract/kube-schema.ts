import { describe, expect, test } from 'vitest';
import type { CustomResourceDefinition } from '../../src/kube/crd.ts';
import { isKubeError } from '../../src/kube/error.ts';
import type { Kind, KubeObject, NewObject } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { CRD, newWidget, WIDGET, WIDGET_CRD, type Widget } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

type NewCrd = NewObject<CustomResourceDefinition & KubeObject>;

function gadgetCrd(change: (spec: typeof WIDGET_CRD.spec) => object, name = 'gadgets'): NewCrd {
  const names = {
    ...WIDGET_CRD.spec.names,
    plural: name,
    singular: name.slice(0, -1),
    kind: 'Gadget',
    listKind: 'GadgetList',
    shortNames: [],
  };
  return {
    ...WIDGET_CRD,
    metadata: { name: `${name}.contract.brickproof.dev` },
    spec: change({ ...WIDGET_CRD.spec, names }),
  } as unknown as NewCrd;
}

/** What a schema with rules says when the rules could not be asked. */
const RULES_UNCHECKED =
  '<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

/** The cause, and beside one that leaves the rules unasked, that they were not. */
function withRules(cause: string): readonly string[] {
  return /^FieldValue(Required|TypeInvalid|NotSupported|TooLong|TooMany) /.test(cause)
    ? ['FieldValueInvalid <nil>', cause]
    : [cause];
}

export function schemaContract(bench: Bench): void {
  describe('schemas', () => {
    const refused: readonly (readonly [Record<string, unknown>, string])[] = [
      [{ size: undefined }, 'FieldValueRequired spec.size'],
      [{ size: 'big' }, 'FieldValueTypeInvalid spec.size'],
      [{ size: 1.5 }, 'FieldValueTypeInvalid spec.size'],
      [{ size: 0 }, 'FieldValueInvalid spec.size'],
      [{ size: 101 }, 'FieldValueInvalid spec.size'],
      [{ colour: 'pink' }, 'FieldValueNotSupported spec.colour'],
      [{ serial: 'ab1' }, 'FieldValueInvalid spec.serial'],
      [{ serial: 'AB123456789' }, 'FieldValueTooLong spec.serial'],
      [{ parts: [{ name: '' }] }, 'FieldValueInvalid spec.parts[0].name'],
      [{ parts: [{ name: 'a' }, {}] }, 'FieldValueRequired spec.parts[1].name'],
      [{ parts: [{ name: 'a' }, { name: 'a' }] }, 'FieldValueDuplicate spec.parts[1]'],
      [{ parts: ['a', 'b', 'c', 'd'].map((name) => ({ name })) }, 'FieldValueTooMany spec.parts'],
      [{ parts: {} }, 'FieldValueTypeInvalid spec.parts'],
      [{ tags: [] }, 'FieldValueInvalid spec.tags'],
      [{ tags: ['a', 'a'] }, 'FieldValueDuplicate spec.tags[1]'],
      [{ tags: [1] }, 'FieldValueTypeInvalid spec.tags[0]'],
      [{ limits: { hot: 'very' } }, 'FieldValueTypeInvalid spec.limits.hot'],
      [{ port: true }, 'FieldValueTypeInvalid spec.port'],
      [{ since: 'yesterday' }, 'FieldValueTypeInvalid spec.since'],
      [{ extra: 'text' }, 'FieldValueTypeInvalid spec.extra'],
    ];

    test.each(refused)('a spec with %j is refused as %s', async (spec, cause) => {
      const namespace = await bench.namespace();
      const refusal = await refusalOf(bench.widget(namespace, 'bad', spec as Partial<Widget['spec']>));
      expect(refusal).toMatchObject({ reason: 'Invalid', code: 422, causes: withRules(cause) });
      expect(refusal.message).toMatch(/^Widget\.contract\.brickproof\.dev "bad" is invalid: \[?spec/);
    });

    test('the complaint about a wrong type reads as a real server words it', async () => {
      const namespace = await bench.namespace();
      const { message } = await refusalOf(
        bench.widget(namespace, 'bad', { tags: 'x' } as unknown as Widget['spec']),
      );
      expect(message).toBe(
        `Widget.contract.brickproof.dev "bad" is invalid: [spec.tags: Invalid value: "string": spec.tags in body must be of type array: "string", ${RULES_UNCHECKED}]`,
      );
    });

    test('the complaint about a choice lists the choices', async () => {
      const namespace = await bench.namespace();
      const { message } = await refusalOf(bench.widget(namespace, 'bad', { colour: 'pink' }));
      expect(message).toBe(
        `Widget.contract.brickproof.dev "bad" is invalid: [spec.colour: Unsupported value: "pink": supported values: "red", "green", "blue", ${RULES_UNCHECKED}]`,
      );
    });

    test('every complaint is named at once', async () => {
      const namespace = await bench.namespace();
      const refusal = await refusalOf(bench.widget(namespace, 'bad', { size: 0, colour: 'pink' }));
      expect(refusal.causes).toEqual([
        'FieldValueInvalid <nil>',
        'FieldValueInvalid spec.size',
        'FieldValueNotSupported spec.colour',
      ]);
      expect(refusal.message).toMatch(/is invalid: \[.*, .*\]$/);
    });

    test('fields that the schema does not know are dropped, preserved ones are kept', async () => {
      const namespace = await bench.namespace();
      const spec = { unknown: 1, extra: { deep: { er: [1] } }, parts: [{ name: 'a', unknown: 2 }] };
      const created = await bench.widget(namespace, 'pruned', spec as Partial<Widget['spec']>);
      expect(created.spec).toEqual({
        size: 1,
        colour: 'red',
        extra: { deep: { er: [1] } },
        parts: [{ name: 'a', count: 1 }],
      });
      expect(await bench.api.get(WIDGET, { namespace, name: 'pruned' })).toEqual(created);
    });

    test('defaults fill what is absent or null, and null is kept where it is allowed', async () => {
      const namespace = await bench.namespace();
      const spec = { colour: null, notes: null, serial: null } as unknown as Partial<Widget['spec']>;
      const created = await bench.widget(namespace, 'nulls', spec);
      expect(created.spec).toEqual({ size: 1, colour: 'red', notes: null });
    });

    test('a whole number or a text is an int-or-string', async () => {
      const namespace = await bench.namespace();
      expect((await bench.widget(namespace, 'number', { port: 80 })).spec.port).toBe(80);
      expect((await bench.widget(namespace, 'text', { port: 'http' })).spec.port).toBe('http');
    });

    test('an immutable field may be set once and not changed', async () => {
      const namespace = await bench.namespace();
      const key = { namespace, name: 'fixed' };
      await bench.widget(namespace, 'fixed', { serial: 'AB1' });
      const same = { type: 'merge', body: { spec: { size: 2, serial: 'AB1' } } } as const;
      expect((await bench.api.patch(WIDGET, key, same)).spec.size).toBe(2);
      const other = { type: 'merge', body: { spec: { serial: 'AB2' } } } as const;
      const refusal = await refusalOf(bench.api.patch(WIDGET, key, other));
      expect(refusal).toMatchObject({ reason: 'Invalid', causes: ['FieldValueInvalid spec.serial'] });
      expect(refusal.message).toContain('spec.serial: Invalid value: "string": serial is immutable');
    });

    test('an update is held to the schema, too', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'good');
      const refusal = await refusalOf(bench.api.replace(WIDGET, { ...before, spec: { size: 1000 } }));
      expect(refusal.causes).toEqual(['FieldValueInvalid spec.size']);
    });
  });

  describe('definitions', () => {
    test('a definition is established, and its names accepted', async () => {
      const crd = (await bench.api.get(CRD, { name: WIDGET_CRD.metadata.name })) as unknown as {
        status: { conditions: { type: string; status: string }[]; acceptedNames: { kind: string } };
      };
      const met = crd.status.conditions.filter(({ status }) => status === 'True').map(({ type }) => type);
      expect(met).toEqual(expect.arrayContaining(['NamesAccepted', 'Established']));
      expect(crd.status.acceptedNames.kind).toBe('Widget');
    });

    test.each([
      [
        'a name that is not plural and group',
        (spec: object) => spec,
        'wrongs',
        'FieldValueInvalid metadata.name',
      ],
    ])('%s is refused', async (_title, change, name, cause) => {
      const crd = gadgetCrd(change as never, 'gadgets');
      const refusal = await refusalOf(
        bench.api.create(CRD, { ...crd, metadata: { name: `${name}.contract.brickproof.dev` } }),
      );
      expect(refusal.causes).toContain(cause);
    });

    test('a definition without a storage version is refused', async () => {
      const crd = gadgetCrd((spec) => ({
        ...spec,
        versions: spec.versions.map((one) => ({ ...one, storage: false })),
      }));
      const refusal = await refusalOf(bench.api.create(CRD, crd));
      expect(refusal.reason).toBe('Invalid');
      expect(refusal.causes).toContain('FieldValueInvalid spec.versions');
    });

    test('a schema that is not structural is refused', async () => {
      const schema = {
        openAPIV3Schema: { type: 'object', properties: { spec: { properties: { a: { type: 'string' } } } } },
      };
      const crd = gadgetCrd((spec) => ({
        ...spec,
        versions: spec.versions.map((one) => ({ ...one, schema })),
      }));
      const refusal = await refusalOf(bench.api.create(CRD, crd));
      expect(refusal.reason).toBe('Invalid');
    });

    test('objects are seen through every served version, and go with their definition', async () => {
      const namespace = await bench.namespace();
      const [v1] = WIDGET_CRD.spec.versions;
      const crd = gadgetCrd((spec) => ({
        ...spec,
        versions: [
          { ...v1, name: 'v1alpha1', storage: false },
          { ...v1, name: 'v1' },
        ],
      }));
      await bench.api.create(CRD, crd);
      const kind = (version: string): Kind<Widget> => ({
        apiVersion: `contract.brickproof.dev/${version}`,
        kind: 'Gadget',
        plural: 'gadgets',
        namespaced: true,
      });
      await bench.eventually(() =>
        bench.api.list(kind('v1alpha1')).then(
          () => true,
          () => false,
        ),
      );
      const draft = {
        ...newWidget(namespace, 'both'),
        apiVersion: kind('v1alpha1').apiVersion,
        kind: 'Gadget',
      };
      const created = await bench.api.create(kind('v1alpha1'), draft);
      expect(created.apiVersion).toBe('contract.brickproof.dev/v1alpha1');
      const other = await bench.api.get(kind('v1'), { namespace, name: 'both' });
      expect(other).toEqual({ ...created, apiVersion: 'contract.brickproof.dev/v1' });

      await bench.api.delete(CRD, { name: 'gadgets.contract.brickproof.dev' });
      await bench.eventually(() =>
        bench.api.list(kind('v1')).then(
          () => false,
          (error) => isKubeError(error, 'NotFound'),
        ),
      );
    });
  });
}
