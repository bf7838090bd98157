import { beforeAll, describe, expect, test } from 'vitest';
import type { Kind } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { type Custom, define, draftOf, type NewCrd, newCrd, specOf } from './kube-crd-draft.ts';
import { CRD } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

const TEXT = { type: 'string' };
const pairs = { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] };
/** What the first objects are held to, and then those that replace them. */
const LOOSE = specOf({
  name: TEXT,
  other: TEXT,
  needs: { type: 'object', properties: { x: TEXT, y: TEXT } },
  list: { type: 'array', items: TEXT },
  byName: { ...pairs, items: { type: 'object', required: ['name'], properties: { name: TEXT, size: TEXT } } },
});
const STRICT = specOf({
  name: { type: 'string', maxLength: 3 },
  other: TEXT,
  needs: { type: 'object', required: ['x'], properties: { x: TEXT, y: TEXT } },
  list: { type: 'array', maxItems: 2, items: { type: 'string', maxLength: 3 } },
  byName: {
    ...pairs,
    items: {
      type: 'object',
      required: ['name'],
      properties: { name: TEXT, size: { type: 'string', enum: ['S', 'M'] } },
    },
  },
});
const OLD = {
  name: 'too long',
  needs: { y: '' },
  list: ['too long', 'a', 'b'],
  byName: [
    { name: 'a', size: 'XL' },
    { name: 'b', size: 'S' },
  ],
};

export function crdUpdateContract(bench: Bench): void {
  describe('objects that were accepted under an older schema', () => {
    let kind: Kind<Custom>;
    let namespace: string;
    const old = new Map<string, Custom>();
    const updates: readonly (readonly [string, object, readonly string[]])[] = [
      ['a change elsewhere', { other: 'x' }, []],
      ['the same value again', { name: 'too long' }, []],
      ['another wrong value', { name: 'also too long' }, ['FieldValueTooLong spec.name']],
      ['a right value', { name: 'ok' }, []],
      ['a neighbour of what is missing', { needs: { y: 'z' } }, ['FieldValueRequired spec.needs.x']],
      [
        'an item of a list more',
        { list: [...OLD.list, 'c'] },
        ['FieldValueTooLong spec.list[0]', 'FieldValueTooMany spec.list'],
      ],
      ['a list with items in other places', { list: ['a', 'too long'] }, ['FieldValueTooLong spec.list[1]']],
      [
        'another member of a keyed list',
        {
          byName: [
            { name: 'a', size: 'XL' },
            { name: 'b', size: 'M' },
          ],
        },
        [],
      ],
      ['a keyed list in another order', { byName: [...OLD.byName].reverse() }, []],
      [
        'a wrong member of a keyed list',
        {
          byName: [
            { name: 'a', size: 'XXL' },
            { name: 'b', size: 'S' },
          ],
        },
        ['FieldValueNotSupported spec.byName[0].size'],
      ],
      [
        'a new member of a keyed list',
        { byName: [...OLD.byName, { name: 'c', size: 'XL' }] },
        ['FieldValueNotSupported spec.byName[2].size'],
      ],
    ];

    beforeAll(async () => {
      const crd = newCrd(`${bench.unique('older')}s`, LOOSE);
      kind = await define(bench, crd);
      namespace = await bench.namespace();
      for (const [index, [title]] of updates.entries())
        old.set(title, await bench.api.create(kind, draftOf(kind, namespace, `old-${index}`, OLD)));
      const versions = [{ ...crd.spec.versions[0], schema: { openAPIV3Schema: STRICT } }];
      await bench.api.patch(
        CRD,
        { name: crd.metadata.name ?? '' },
        { type: 'merge', body: { spec: { versions } } },
      );
      let tries = 0;
      await bench.eventually(() =>
        bench.api.create(kind, draftOf(kind, namespace, `wrong-${++tries}`, { name: 'too long' })).then(
          () => false,
          () => true,
        ),
      );
    });

    test.each(updates)('%s', async (title, spec, causes) => {
      const before = old.get(title) as Custom;
      const after = bench.api.replace(kind, { ...before, spec: { ...before.spec, ...spec } });
      if (causes.length > 0) expect(await refusalOf(after)).toMatchObject({ reason: 'Invalid', causes });
      else expect((await after).spec).toEqual({ ...OLD, ...spec });
    });
  });

  describe('status of custom objects', () => {
    const schema = {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: { size: { type: 'integer' } } },
        status: { type: 'object', properties: { phase: { type: 'string', enum: ['Up', 'Down'] } } },
      },
    };
    const kinds = new Map<string, Kind<Custom>>();
    beforeAll(async () => {
      const crd = (more: object): NewCrd => newCrd(`${bench.unique('status')}s`, schema, more);
      kinds.set('with', await define(bench, crd({ subresources: { status: {} } })));
      kinds.set('without', await define(bench, crd({})));
    });
    const kindOf = (which: 'with' | 'without'): Kind<Custom> => kinds.get(which) as Kind<Custom>;
    const create = async (
      which: 'with' | 'without',
      status?: NonNullable<Custom['status']>,
    ): Promise<Custom> => {
      const draft = draftOf(kindOf(which), await bench.namespace(), 'one', { size: 1 });
      return bench.api.create(kindOf(which), { ...draft, ...(status !== undefined && { status }) });
    };

    test('is not taken from who creates the object, nor from who replaces it', async () => {
      const created = await create('with', { phase: 'Up' });
      expect(created.status).toBeUndefined();
      const replaced = await bench.api.replace(kindOf('with'), { ...created, status: { phase: 'Up' } });
      expect(replaced).toEqual(created);
    });

    test('is the only thing that is written through its own door', async () => {
      const created = await create('with');
      const metadata = { ...created.metadata, labels: { a: 'b' } };
      const changed = { ...created, metadata, spec: { size: 9 }, status: { phase: 'Up' } };
      const written = await bench.api.replace(kindOf('with'), changed, { subresource: 'status' });
      expect(written).toMatchObject({ spec: { size: 1 }, status: { phase: 'Up' } });
      expect(written.metadata.labels).toBeUndefined();
      expect(written.metadata.generation).toBe(1);
      expect(written.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
      const again = await bench.api.replace(kindOf('with'), { ...written, spec: { size: 2 } });
      expect(again).toMatchObject({ metadata: { generation: 2 }, status: { phase: 'Up' } });
    });

    test('is held to the schema', async () => {
      const created = await create('with');
      const wrong = { ...created, status: { phase: 'Sideways' } };
      const refusal = await refusalOf(bench.api.replace(kindOf('with'), wrong, { subresource: 'status' }));
      expect(refusal).toMatchObject({ reason: 'Invalid', causes: ['FieldValueNotSupported status.phase'] });
    });

    test('is part of the object where it has no door of its own, and counts', async () => {
      const created = await create('without', { phase: 'Up' });
      expect(created.status).toEqual({ phase: 'Up' });
      const changed = { ...created, status: { phase: 'Down' } };
      expect((await bench.api.replace(kindOf('without'), changed)).metadata.generation).toBe(2);
      const refusal = await refusalOf(
        bench.api.replace(kindOf('without'), created, { subresource: 'status' }),
      );
      expect(refusal).toMatchObject({ reason: 'NotFound', code: 404 });
    });
  });
}
