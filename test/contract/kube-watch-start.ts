import { describe, expect, test } from 'vitest';
import type { Bench } from './kube.ts';
import { WIDGET } from './kube-widget.ts';
import type { WatchLine, WireRequest } from './wire.ts';

const META = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const STREAMED = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' };

/** How a watch begins: with what is there, from a version, and how its reader learns where the beginning ends. */
export function watchStartContract(bench: Bench): void {
  bench.needing('HTTP', 'the start of a watch', () => {
    const blueprintIn = ({ object }: WatchLine): unknown => {
      const annotations = object.metadata.annotations as Record<string, string>;
      expect(annotations['k8s.io/initial-events-end']).toBe('true');
      const text = annotations['kubernetes.io/initial-events-list-blueprint'] ?? '';
      return JSON.parse(Buffer.from(text, 'base64').toString());
    };
    const brief = ({ type, object }: WatchLine): string => `${type} ${object.metadata.name ?? ''}`.trim();

    describe.each(['widgets', 'configmaps'] as const)('of %s', (plural) => {
      const custom = plural === 'widgets';
      const [apiVersion, kind] = custom ? [WIDGET.apiVersion, 'Widget'] : ['v1', 'ConfigMap'];
      /** The path of a collection with `a` and `b`, and the version of each. */
      const filled = async () => {
        const namespace = await bench.namespace();
        const path = `/${custom ? 'apis' : 'api'}/${apiVersion}/namespaces/${namespace}/${plural}`;
        const create = async (name: string, labels = {}): Promise<string> => {
          const body = { apiVersion, kind, metadata: { name, labels }, ...(custom && { spec: { size: 1 } }) };
          const reply = await bench.wire.send('POST', path, { body });
          return (reply.body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
        };
        const versions = [await create('a'), await create('b', { tier: 'gold' })] as const;
        // Nobody answers from older memory than this after it.
        await bench.wire.send('GET', path);
        const lines = (count: number, query: object, more: WireRequest = {}) =>
          bench.wire.lines(path, count, { ...more, query: { timeoutSeconds: 30, ...query } });
        return { path, versions, lines, create };
      };

      test.each([
        ['sendInitialEvents', STREAMED],
        ['sendInitialEvents from 0', { ...STREAMED, resourceVersion: '0' }],
        ['no version at all', {}],
        ['version 0', { resourceVersion: '0' }],
      ])('with %s and bookmarks, one marks the end of what was there', async (_title, query) => {
        const { lines, versions } = await filled();
        const [first, second, end] = await lines(3, { ...query, allowWatchBookmarks: true });
        expect([first, second].map((line) => brief(line as WatchLine))).toEqual(['ADDED a', 'ADDED b']);
        expect(end).toMatchObject({ type: 'BOOKMARK', object: { apiVersion, kind } });
        expect(Number(end?.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(versions[1]));
        expect(end?.object).not.toHaveProperty('spec');
        expect(blueprintIn(end as WatchLine)).toEqual(
          custom
            ? { apiVersion, kind: 'WidgetList', items: [] }
            : { apiVersion, kind: 'ConfigMapList', metadata: {}, items: null },
        );
      });

      test('a version only says how old the beginning may be', async () => {
        const { lines, versions } = await filled();
        const query = { ...STREAMED, allowWatchBookmarks: true, resourceVersion: versions[0] };
        expect((await lines(3, query)).map(brief)).toEqual(['ADDED a', 'ADDED b', 'BOOKMARK']);
      });

      test('selectors choose from what was there, too', async () => {
        const { lines } = await filled();
        const query = { ...STREAMED, allowWatchBookmarks: true };
        expect((await lines(2, { ...query, labelSelector: 'tier=gold' })).map(brief)).toEqual([
          'ADDED b',
          'BOOKMARK',
        ]);
        expect((await lines(2, { ...query, fieldSelector: 'metadata.name=a' })).map(brief)).toEqual([
          'ADDED a',
          'BOOKMARK',
        ]);
      });

      test('without bookmarks nothing marks the end', async () => {
        const { lines, create } = await filled();
        const later = lines(3, STREAMED);
        await create('c');
        expect((await later).map(brief)).toEqual(['ADDED a', 'ADDED b', 'ADDED c']);
      });

      test('who wants no initial events gets what comes after the version', async () => {
        const { lines, versions, create } = await filled();
        const query = { sendInitialEvents: false, resourceVersionMatch: 'NotOlderThan' };
        await create('c');
        expect((await lines(2, { ...query, resourceVersion: versions[0] })).map(brief)).toEqual([
          'ADDED b',
          'ADDED c',
        ]);
        expect(await lines(1, { ...query, timeoutSeconds: 1 })).toEqual([]);
      });

      test('as metadata, bookmarks are metadata as well', async () => {
        const { lines } = await filled();
        const query = { ...STREAMED, allowWatchBookmarks: true };
        const [first, , end] = await lines(3, query, { headers: { accept: META } });
        expect(first?.object).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' });
        expect(end?.object).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' });
        expect(blueprintIn(end as WatchLine)).toEqual({
          kind: 'PartialObjectMetadataList',
          apiVersion: 'meta.k8s.io/v1',
          metadata: {},
          items: null,
        });
      });

      test('tables cannot mark the end', async () => {
        const { path, lines } = await filled();
        const headers = { accept: TABLE };
        const query = { watch: true, allowWatchBookmarks: true, timeoutSeconds: 30 };
        expect(await bench.wire.refusal('GET', path, { query, headers })).toMatchObject({
          reason: 'NotAcceptable',
          code: 406,
        });
        expect((await lines(1, STREAMED, { headers }))[0]?.object.kind).toBe('Table');
      });

      test.each([
        ['sendInitialEvents=true', ['FieldValueForbidden resourceVersionMatch']],
        ['resourceVersionMatch=NotOlderThan', ['FieldValueForbidden resourceVersionMatch']],
        [
          'sendInitialEvents=true&resourceVersionMatch=Exact',
          ['FieldValueForbidden resourceVersionMatch', 'FieldValueNotSupported resourceVersionMatch'],
        ],
        ['continue=x', ['FieldValueForbidden resourceVersionMatch']],
      ])('%s is invalid', async (query, causes) => {
        const { path } = await filled();
        expect(await bench.wire.refusal('GET', `${path}?watch=true&${query}`)).toMatchObject({
          reason: 'Invalid',
          code: 422,
          causes,
        });
      });

      test.each(['resourceVersion=x', 'timeoutSeconds=x', 'fieldSelector=spec.x=1', 'labelSelector=a in b'])(
        '%s is refused before anything is streamed',
        async (query) => {
          const { path } = await filled();
          const { code } = await bench.wire.refusal('GET', `${path}?watch=true&${query}`);
          expect(code).toBe(query.startsWith('resourceVersion') ? 500 : 400);
        },
      );

      test.each([
        ['watch=1', true],
        ['watch=no', true],
        ['watch', true],
        ['watch=0', false],
        ['watch=FALSE', false],
      ])('%s: a watch is %s', async (query, watches) => {
        const { path } = await filled();
        const reply = await bench.wire.send('GET', `${path}?timeoutSeconds=1&labelSelector=none&${query}`);
        expect(reply).toMatchObject(watches ? { status: 200, body: '' } : { body: { items: [] } });
      });
    });
  });
}
