import { describe, expect, test } from 'vitest';
import type { Bench } from './kube.ts';
import { WIDGET } from './kube-widget.ts';
import type { WireRequest } from './wire.ts';

const as = (kind: string, version = 'v1', group = 'meta.k8s.io'): string =>
  `application/json;as=${kind};v=${version};g=${group}`;
const [TABLE, METADATA, METADATA_LIST] = [
  as('Table'),
  as('PartialObjectMetadata'),
  as('PartialObjectMetadataList'),
];

interface TableBody {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly columnDefinitions: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: unknown }[];
}

/** The shapes that a client may ask objects and lists in. Source: Kubernetes API concepts, "Receiving resources as Tables". */
export function shapeContract(bench: Bench): void {
  bench.needing('HTTP', 'shapes', () => {
    describe.each(['widgets', 'configmaps'] as const)('of %s', (plural) => {
      const custom = plural === 'widgets';
      const [apiVersion, kind] = custom ? [WIDGET.apiVersion, 'Widget'] : ['v1', 'ConfigMap'];
      const whole = (name: string): object => ({
        ...{ apiVersion, kind, metadata: { name } },
        ...(custom ? { spec: { size: 1 } } : { data: { a: '1', b: '2' } }),
      });
      const filled = async () => {
        const namespace = await bench.namespace();
        const path = `/${custom ? 'apis' : 'api'}/${apiVersion}/namespaces/${namespace}/${plural}`;
        for (const name of ['a', 'b']) await bench.wire.send('POST', path, { body: whole(name) });
        const ask = async (accept: string, at = '', request: WireRequest = {}, method = 'GET') =>
          (await bench.wire.send(method, path + at, { ...request, headers: { accept } })).body as TableBody;
        const refusal = (accept: string, at = '', request: WireRequest = {}) =>
          bench.wire.refusal('GET', path + at, { ...request, headers: { accept } });
        return { path, ask, refusal };
      };
      const columns = custom ? ['Name', 'Age'] : ['Name', 'Data', 'Age'];
      const cells = (name: string): unknown[] => {
        const age = expect.stringMatching(/^\d+s$/) as unknown;
        return custom ? [name, age] : [name, 2, age];
      };

      test('a list as a table has columns, and a row with the metadata of each', async () => {
        const { ask } = await filled();
        const table = await ask(TABLE);
        expect(table).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
        expect(table.columnDefinitions.map(({ name }) => name)).toEqual(columns);
        expect(table.rows.map((row) => row.cells)).toEqual([cells('a'), cells('b')]);
        expect(table.rows[0]?.object).toMatchObject({
          kind: 'PartialObjectMetadata',
          apiVersion: 'meta.k8s.io/v1',
          metadata: { name: 'a' },
        });
        expect(table.rows[0]?.object).not.toHaveProperty(custom ? 'spec' : 'data');
        expect(Object.keys(table.metadata)).toEqual(['resourceVersion']);
      });

      test('one object is a table of one row', async () => {
        const { ask } = await filled();
        expect((await ask(TABLE, '/a')).rows.map((row) => row.cells)).toEqual([cells('a')]);
      });

      test('rows carry as much of their objects as was asked for', async () => {
        const { ask, refusal } = await filled();
        const including = (includeObject: string) => ({ query: { includeObject } });
        expect((await ask(TABLE, '', including('None'))).rows[0]?.object).toBeNull();
        const full = (await ask(TABLE, '', including('Object'))).rows[0]?.object;
        expect(full).toMatchObject({ kind, ...(custom ? { spec: { size: 1 } } : { data: { a: '1' } }) });
        expect(await refusal(TABLE, '', including('Some'))).toMatchObject({ reason: 'BadRequest' });
      });

      test('tables come in pages', async () => {
        const { ask } = await filled();
        const first = await ask(TABLE, '', { query: { limit: 1 } });
        expect(first.metadata.remainingItemCount).toBe(1);
        const token = String(first.metadata.continue);
        const second = await ask(TABLE, '', { query: { limit: 1, continue: token } });
        expect(second.rows.map(({ cells: [name] }) => name)).toEqual(['b']);
        expect(second.metadata).not.toHaveProperty('continue');
      });

      test('what is written and deleted can be shown in any shape, too', async () => {
        const { ask } = await filled();
        const made = await ask(TABLE, '', { body: whole('c') }, 'POST');
        expect(made.rows.map((row) => row.cells)).toEqual([cells('c')]);
        const contentType = 'application/merge-patch+json';
        const patched = await ask(
          METADATA,
          '/c',
          { body: { metadata: { labels: {} } }, contentType },
          'PATCH',
        );
        expect(patched).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'c' } });
        expect(patched).not.toHaveProperty('spec');
        expect((await ask(TABLE, '/c', {}, 'DELETE')).kind).toBe('Status');
        const gone = await ask(TABLE, '', {}, 'DELETE');
        expect(gone.rows.map((row) => row.cells)).toEqual([cells('a'), cells('b')]);
      });

      test('metadata of one is not metadata of many', async () => {
        const { ask, refusal } = await filled();
        const one = await ask(METADATA, '/a');
        expect(Object.keys(one).sort()).toEqual(['apiVersion', 'kind', 'metadata']);
        expect(one).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' });
        expect(await ask(METADATA_LIST)).toMatchObject({
          kind: 'PartialObjectMetadataList',
          items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
        });
        const single = await ask(METADATA_LIST, '', { query: { fieldSelector: 'metadata.name=b' } });
        expect(single).toMatchObject({ items: [{ metadata: { name: 'b' } }] });
        expect(await refusal(METADATA)).toMatchObject({
          reason: 'NotAcceptable',
          message: `you requested PartialObjectMetadata, but the requested object is a list (${custom ? '*unstructured.UnstructuredList' : '*core.ConfigMapList'})`,
        });
        const message = custom
          ? 'content is not a list'
          : 'you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)';
        expect(await refusal(METADATA_LIST, '/a')).toMatchObject({ code: custom ? 500 : 406, message });
      });

      test.each([
        as('Table', 'v2'),
        as('Table', 'v1', 'example.dev'),
        as('Thing'),
        as('PartialObjectMetadataList', 'v2'),
        'text/plain',
      ])('%s is not to be had, but may be a first choice', async (accept) => {
        const { ask, refusal } = await filled();
        expect(await refusal(accept)).toMatchObject({ reason: 'NotAcceptable', code: 406 });
        expect((await ask(`${accept},application/json`)).kind).toBe(`${kind}List`);
      });
    });
  });
}
