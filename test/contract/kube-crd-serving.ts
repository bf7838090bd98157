import { describe, expect, test } from 'vitest';
import type { Kind } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import {
  type CrdSpec,
  type Custom,
  define,
  draftOf,
  kindOf,
  type NewCrd,
  newCrd,
  specOf,
} from './kube-crd-draft.ts';
import { CRD } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

const SCHEMA = specOf({
  size: { type: 'integer' },
  ratio: { type: 'number' },
  on: { type: 'boolean' },
  name: { type: 'string' },
  since: { type: 'string', format: 'date-time' },
  tags: { type: 'array', items: { type: 'string' } },
});
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

interface Table {
  readonly columnDefinitions: readonly Readonly<Record<string, unknown>>[];
  readonly rows: readonly { readonly cells: readonly unknown[] }[];
}

/** What a defined kind looks like on the wire. */
export function crdServingContract(bench: Bench): void {
  const fresh = (version: object = {}, spec: CrdSpec = {}): NewCrd =>
    newCrd(`${bench.unique('served')}s`, SCHEMA, version, spec);
  const groupPath = ({ apiVersion }: Kind): string => `/apis/${apiVersion}`;
  const path = (kind: Kind, namespace: string): string =>
    `${groupPath(kind)}/namespaces/${namespace}/${kind.plural}`;

  bench.needing('HTTP', 'defined kinds on the wire', () => {
    test('discovery tells of the kind, its names and subresources, as long as it is defined', async () => {
      const subresources = {
        status: {},
        scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' },
      };
      const crd = fresh({ subresources });
      const names = { ...crd.spec.names, shortNames: [bench.unique('s')], categories: ['crds'] };
      const kind = await define(bench, { ...crd, spec: { ...crd.spec, names } });
      const resources = async (): Promise<readonly { name: string }[]> => {
        const { body, status } = await bench.wire.send('GET', groupPath(kind));
        const list = (body as { resources?: { name: string }[] }).resources ?? [];
        return status === 404 ? [] : list.filter(({ name }) => name.split('/')[0] === kind.plural);
      };
      await bench.eventually(async () => (await resources()).length === 3);
      const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
      const own = { singularName: names.singular, shortNames: names.shortNames, categories: ['crds'] };
      expect(await resources()).toEqual([
        expect.objectContaining({ name: kind.plural, kind: kind.kind, namespaced: true, ...own, verbs }),
        expect.objectContaining({
          name: `${kind.plural}/status`,
          kind: kind.kind,
          verbs: ['get', 'patch', 'update'],
        }),
        expect.objectContaining({
          name: `${kind.plural}/scale`,
          group: 'autoscaling',
          version: 'v1',
          kind: 'Scale',
          verbs: ['get', 'patch', 'update'],
        }),
      ]);
      await bench.api.delete(CRD, crd.metadata as { name: string });
      await bench.eventually(async () => (await resources()).length === 0);
    });

    test('a version that is deprecated warns, in its own words or in the usual ones', async () => {
      const one = { served: true, storage: false, schema: { openAPIV3Schema: SCHEMA } };
      const versions = [
        { ...one, name: 'v1', storage: true },
        { ...one, name: 'v1beta1', deprecated: true },
        { ...one, name: 'v1alpha1', deprecated: true, deprecationWarning: 'use v1, please' },
      ];
      const crd = fresh({}, { versions });
      await define(bench, crd);
      const warning = async (version: string): Promise<unknown> =>
        (await bench.wire.send('GET', path(kindOf(crd, version), 'default'))).headers.warning;
      await bench.eventually(async () => (await warning('v1alpha1')) !== undefined);
      expect(await warning('v1')).toBeUndefined();
      expect(await warning('v1alpha1')).toBe('299 - "use v1, please"');
      const { apiVersion, kind } = kindOf(crd, 'v1beta1');
      expect(await warning('v1beta1')).toBe(
        `299 - "${apiVersion} ${kind} is deprecated; use ${kindOf(crd).apiVersion} ${kind}"`,
      );
    });

    test('a keyword of its schema that there is not is warned of and dropped, or refused', async () => {
      const crd = newCrd(`${bench.unique('odd')}s`, specOf({ a: { type: 'string', const: 'x' } }));
      const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
      const unknown =
        'unknown field "spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.a.const"';
      const strict = await bench.wire.refusal('POST', definitions, {
        body: crd,
        query: { fieldValidation: 'Strict' },
      });
      expect(strict).toMatchObject({ reason: 'BadRequest', code: 400 });
      expect(strict.message).toContain(unknown);
      const { status, headers, body } = await bench.wire.send('POST', definitions, { body: crd });
      expect(status).toBe(201);
      expect(headers.warning).toBe(`299 - "${unknown.replaceAll('"', '\\"')}"`);
      expect(JSON.stringify(body)).not.toContain('"const"');
    });

    test('its columns are those of tables, and a value of another type shows as nothing', async () => {
      const column = (name: string, type: string, more: object = {}): object => ({
        name,
        type,
        jsonPath: `.spec.${name.toLowerCase()}`,
        ...more,
      });
      const additionalPrinterColumns = [
        column('Size', 'integer', { description: 'how big', format: 'int32' }),
        column('Ratio', 'number', { priority: 1 }),
        column('On', 'boolean'),
        column('Name', 'string'),
        column('Since', 'date'),
        column('Tags', 'string'),
        { name: 'Second', type: 'string', jsonPath: '.spec.tags[1]' },
        { name: 'Wrong', type: 'integer', jsonPath: '.spec.name' },
        { name: 'None', type: 'string', jsonPath: '.spec.none' },
      ];
      const kind = await define(bench, fresh({ additionalPrinterColumns }));
      const namespace = await bench.namespace();
      const spec = {
        size: 3,
        ratio: 1.5,
        on: true,
        name: 'x',
        since: '2020-01-01T00:00:00Z',
        tags: ['a', 'b'],
      };
      await bench.api.create(kind, draftOf(kind, namespace, 'one', spec));
      await bench.api.create(kind, draftOf(kind, namespace, 'two', {}));
      const { body } = await bench.wire.send('GET', path(kind, namespace), { headers: { accept: TABLE } });
      const { columnDefinitions, rows } = body as Table;
      expect(
        columnDefinitions.map(({ name, type, format, priority }) => [name, type, format, priority]),
      ).toEqual([
        ['Name', 'string', 'name', 0],
        ['Size', 'integer', 'int32', 0],
        ['Ratio', 'number', '', 1],
        ['On', 'boolean', '', 0],
        ['Name', 'string', '', 0],
        ['Since', 'date', '', 0],
        ['Tags', 'string', '', 0],
        ['Second', 'string', '', 0],
        ['Wrong', 'integer', '', 0],
        ['None', 'string', '', 0],
      ]);
      expect(columnDefinitions[1]?.description).toBe('how big');
      const [one, two] = rows.map(({ cells }) => cells);
      expect(one?.slice(0, 5)).toEqual(['one', 3, 1.5, true, 'x']);
      expect(one?.[5]).toMatch(/^\d+y/);
      expect(one?.slice(6)).toEqual(['["a","b"]', 'b', null, null]);
      expect(two).toEqual(['two', null, null, null, null, null, null, null, null, null]);
    });

    test('without columns of its own it shows the age', async () => {
      const kind = await define(bench, fresh());
      const namespace = await bench.namespace();
      await bench.api.create(kind, draftOf(kind, namespace, 'one', {}));
      const { body } = await bench.wire.send('GET', path(kind, namespace), { headers: { accept: TABLE } });
      const { columnDefinitions, rows } = body as Table;
      expect(columnDefinitions.map(({ name, type }) => [name, type])).toEqual([
        ['Name', 'string'],
        ['Age', 'date'],
      ]);
      expect(rows[0]?.cells[1]).toMatch(/^\d+s$/);
    });

    test.each([
      ['a field that the schema does not know', { odd: 1, tags: [] }, ['unknown field "spec.odd"']],
      ['two of them', { odd: 1, even: {} }, ['unknown field "spec.even"', 'unknown field "spec.odd"']],
    ])('%s is warned of, and refused when the client is strict', async (_title, spec, fields) => {
      const kind = await define(bench, fresh());
      const namespace = await bench.namespace();
      const body = draftOf(kind, namespace, 'one', spec);
      const send = (fieldValidation: string): ReturnType<Bench['wire']['send']> =>
        bench.wire.send('POST', path(kind, namespace), { body, query: { fieldValidation } });
      const strict = await send('Strict');
      expect(strict).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
      const { message } = strict.body as { message: string };
      for (const field of fields) expect(message).toContain(field);
      const warned = await send('Warn');
      expect(warned.status).toBe(201);
      for (const field of fields) expect(warned.headers.warning).toContain(field.replaceAll('"', '\\"'));
      expect((warned.body as Custom).spec).not.toHaveProperty('odd');
    });
  });

  describe('selectable fields of defined kinds', () => {
    test('objects are found by them, and by no others', async () => {
      const selectableFields = [{ jsonPath: '.spec.name' }, { jsonPath: '.spec.size' }];
      const kind = await define(bench, fresh({ selectableFields }));
      const namespace = await bench.namespace();
      for (const [index, name] of ['a', 'b', 'a'].entries())
        await bench.api.create(kind, draftOf(kind, namespace, `${name}-${index}`, { name, size: index }));
      const found = async (fieldSelector: string): Promise<readonly string[]> =>
        (await bench.api.list(kind, { namespace, fieldSelector })).items.map(({ metadata }) => metadata.name);
      expect(await found('spec.name=a')).toEqual(['a-0', 'a-2']);
      expect(await found('spec.name!=a')).toEqual(['b-1']);
      expect(await found('spec.size=2')).toEqual(['a-2']);
      expect(await found('spec.name=a,metadata.name=a-0')).toEqual(['a-0']);
      const refusal = await refusalOf(bench.api.list(kind, { namespace, fieldSelector: 'spec.on=true' }));
      expect(refusal).toMatchObject({ reason: 'BadRequest', code: 400 });
    });
  });
}
