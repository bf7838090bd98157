import { describe, expect, test } from 'vitest';
import type { Bench } from './kube.ts';
import { CONFIG_MAP, WIDGET } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

/** Patches of each type, and what becomes of those that do not fit. */
export function patchContract(bench: Bench): void {
  const spec = { size: 1, tags: ['x', 'y'], limits: { hot: 1 }, notes: 'n' };
  const clay = async () => {
    const namespace = await bench.namespace();
    const before = await bench.widget(namespace, 'clay', spec, { labels: { a: 'b' } });
    return { key: { namespace, name: 'clay' }, before };
  };

  describe('json patch', () => {
    const takes: readonly (readonly [string, readonly object[], object])[] = [
      [
        'replace of a member that is not there',
        [{ op: 'replace', path: '/spec/port', value: 8 }],
        { port: 8 },
      ],
      ['add without a value, which is null', [{ op: 'add', path: '/spec/notes' }], { notes: null }],
      [
        'an index from the end',
        [{ op: 'add', path: '/spec/tags/-1', value: 'z' }],
        { tags: ['x', 'y', 'z'] },
      ],
      ['removal by an index from the end', [{ op: 'remove', path: '/spec/tags/-1' }], { tags: ['x'] }],
      ['a test for null of what is not there', [{ op: 'test', path: '/spec/port', value: null }], {}],
      ['a move', [{ op: 'move', from: '/spec/tags/0', path: '/spec/notes' }], { notes: 'x', tags: ['y'] }],
      ['a copy', [{ op: 'copy', from: '/spec/tags/1', path: '/spec/notes' }], { notes: 'y' }],
      ['a copy of a whole list', [{ op: 'copy', from: '/spec/tags', path: '/spec/tags' }], {}],
      ['removal of a list', [{ op: 'remove', path: '/spec/tags' }], { tags: undefined }],
      ['an empty list of operations', [], {}],
    ];
    test.each(takes)('%s is taken', async (_title, body, changed) => {
      const { key, before } = await clay();
      const after = await bench.api.patch(WIDGET, key, { type: 'json', body });
      expect(after.spec).toEqual({ ...before.spec, ...changed });
    });

    test('a name in a path may hold slashes and tildes, escaped', async () => {
      const { key } = await clay();
      const body = [
        { op: 'add', path: '/metadata/labels/x.dev~1y', value: '1' },
        { op: 'add', path: '/metadata/annotations', value: {} },
        { op: 'add', path: '/metadata/annotations/x.dev~1z', value: '~0' },
      ];
      const { metadata } = await bench.api.patch(WIDGET, key, { type: 'json', body });
      expect(metadata.labels).toEqual({ a: 'b', 'x.dev/y': '1' });
      expect(metadata.annotations).toEqual({ 'x.dev/z': '~0' });
    });

    const misfits: readonly (readonly [string, readonly object[]])[] = [
      ['an operation that there is not', [{ op: 'zap', path: '/spec/size' }]],
      ['no path', [{ op: 'remove' }]],
      ['a path without a slash', [{ op: 'remove', path: 'spec' }]],
      ['removal of what is not there', [{ op: 'remove', path: '/spec/port' }]],
      ['a path through what is not there', [{ op: 'replace', path: '/spec/extra/deep', value: 1 }]],
      ['an index past the end', [{ op: 'add', path: '/spec/tags/9', value: 'z' }]],
      ['an index that is no number', [{ op: 'add', path: '/spec/tags/x', value: 'z' }]],
      ['a test that fails', [{ op: 'test', path: '/spec/size', value: 9 }]],
      ['a test of what is not there', [{ op: 'test', path: '/spec/port', value: 9 }]],
      ['removal of everything', [{ op: 'remove', path: '' }]],
    ];
    test.each(misfits)('%s is refused, without saying why', async (_title, body) => {
      const { key, before } = await clay();
      expect(await refusalOf(bench.api.patch(WIDGET, key, { type: 'json', body }))).toEqual({
        reason: 'Invalid',
        code: 422,
        message: 'the server rejected our request due to an error in our request',
        causes: [],
      });
      expect(await bench.api.get(WIDGET, key)).toEqual(before);
    });

    test('what is no list of operations is no patch', async () => {
      const { key } = await clay();
      expect(await refusalOf(bench.api.patch(WIDGET, key, { type: 'json', body: {} }))).toMatchObject({
        reason: 'BadRequest',
        message: expect.stringMatching(/^error decoding patch: json: cannot unmarshal object/),
      });
    });

    test('ten thousand operations are enough', async () => {
      const { key } = await clay();
      const body = Array.from({ length: 10_001 }, () => ({ op: 'add', path: '/spec/notes', value: 'n' }));
      expect(await refusalOf(bench.api.patch(WIDGET, key, { type: 'json', body }))).toMatchObject({
        reason: 'RequestEntityTooLarge',
        code: 413,
        message:
          'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
      });
    });
  });

  describe('merge patch', () => {
    test('what is no object is no patch', async () => {
      const { key } = await clay();
      expect(await refusalOf(bench.api.patch(WIDGET, key, { type: 'merge', body: [] }))).toMatchObject({
        reason: 'BadRequest',
        message: expect.stringMatching(/^error decoding patch: json: cannot unmarshal array/),
      });
    });

    test('of what is not there, there is nothing to patch', async () => {
      const { key } = await clay();
      const missing = { ...key, name: 'missing' };
      expect(await refusalOf(bench.api.patch(WIDGET, missing, { type: 'merge', body: {} }))).toMatchObject({
        reason: 'NotFound',
        message: 'widgets.contract.brickproof.dev "missing" not found',
      });
    });

    const refused: readonly (readonly [object, string, number, readonly string[]])[] = [
      [{ spec: null }, 'Invalid', 422, ['FieldValueInvalid <nil>', 'FieldValueRequired spec']],
      [
        { spec: { size: 'x' } },
        'Invalid',
        422,
        ['FieldValueInvalid <nil>', 'FieldValueTypeInvalid spec.size'],
      ],
      [{ kind: 'Gadget' }, 'Invalid', 422, ['FieldValueInvalid kind']],
      [{ apiVersion: 'contract.brickproof.dev/v9' }, 'Invalid', 422, ['FieldValueInvalid apiVersion']],
      [{ metadata: { labels: { a: 1 } } }, 'Invalid', 422, ['FieldValueInvalid patch']],
      [{ metadata: { finalizers: 'x' } }, 'Invalid', 422, ['FieldValueInvalid patch']],
      [
        { metadata: { uid: '00000000-0000-4000-8000-000000000000' } },
        'Invalid',
        422,
        ['FieldValueInvalid metadata.uid'],
      ],
      [
        { metadata: { deletionTimestamp: '2001-01-01T00:00:00Z' } },
        'Invalid',
        422,
        ['FieldValueInvalid metadata.deletionTimestamp'],
      ],
      [{ metadata: { resourceVersion: '1' } }, 'Conflict', 409, []],
      [{ metadata: { resourceVersion: 'abc' } }, 'InternalError', 500, []],
      [{ metadata: { name: 'z' } }, 'BadRequest', 400, []],
      [{ metadata: { namespace: 'z' } }, 'BadRequest', 400, []],
      [{ metadata: { labels: { 'a b': 'c' } } }, 'Invalid', 422, ['FieldValueInvalid metadata.labels']],
    ];
    test.each(refused)('%j is refused: %s', async (body, reason, code, causes) => {
      const { key, before } = await clay();
      const refusal = await refusalOf(bench.api.patch(WIDGET, key, { type: 'merge', body }));
      expect(refusal).toMatchObject({ reason, code, causes });
      expect(await bench.api.get(WIDGET, key)).toEqual(before);
    });

    test.each([
      [{ metadata: { generation: 99 } }],
      [{ metadata: { creationTimestamp: '2001-01-01T00:00:00Z' } }],
      [{ metadata: { selfLink: '/x' } }],
      [{ status: { phase: 'Imagined' } }],
      [{ unknown: 1 }],
      [{ spec: { unknown: 1 } }],
      [{ metadata: { labels: { a: 'b' } } }],
    ])('%j changes nothing', async (body) => {
      const { key, before } = await clay();
      expect(await bench.api.patch(WIDGET, key, { type: 'merge', body })).toEqual(before);
    });

    test('a wrong type in a built-in kind is the fault of the patch', async () => {
      const namespace = await bench.namespace();
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'typed' } };
      await bench.api.create(CONFIG_MAP, { ...map, data: { a: '1' } });
      const key = { namespace, name: 'typed' };
      for (const body of [{ data: { a: 1 } }, { kind: 'Secret' }, { apiVersion: 'v9' }])
        expect(await refusalOf(bench.api.patch(CONFIG_MAP, key, { type: 'merge', body }))).toMatchObject({
          reason: 'Invalid',
          code: 422,
          causes: ['FieldValueInvalid patch'],
        });
    });
  });

  bench.needing('HTTP', 'strategic merge patch', () => {
    const strategic = (path: string, body: unknown) =>
      bench.wire.send('PATCH', path, { body, contentType: 'application/strategic-merge-patch+json' });
    const mapPath = async (): Promise<string> => {
      const namespace = await bench.namespace();
      const body = {
        metadata: { name: 'm', finalizers: ['x.dev/a', 'x.dev/c'] },
        data: { k: 'v', l: 'w' },
      };
      await bench.wire.send('POST', `/api/v1/namespaces/${namespace}/configmaps`, { body });
      return `/api/v1/namespaces/${namespace}/configmaps/m`;
    };

    test.each([
      [{ data: { q: '1' } }, { data: { k: 'v', l: 'w', q: '1' } }],
      [{ data: { k: null } }, { data: { l: 'w' } }],
      [{ data: { $patch: 'replace', only: '1' } }, { data: { only: '1' } }],
      [
        { metadata: { finalizers: ['x.dev/b'] } },
        { metadata: { finalizers: ['x.dev/b', 'x.dev/a', 'x.dev/c'] } },
      ],
      [
        { metadata: { '$deleteFromPrimitiveList/finalizers': ['x.dev/a'] } },
        { metadata: { finalizers: ['x.dev/c'] } },
      ],
    ])('%j makes %j', async (body, after) => {
      const reply = await strategic(await mapPath(), body);
      expect(reply).toMatchObject({ status: 200, body: after });
    });

    test.each([
      ['no object', [], 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
      ['no JSON', '{', 'unexpected end of JSON input'],
    ])('%s is no patch', async (_title, body, _message) => {
      expect(await strategic(await mapPath(), body)).toMatchObject({
        status: 400,
        body: { reason: 'BadRequest' },
      });
    });

    test('a value of the wrong type is the fault of the patch', async () => {
      expect(await strategic(await mapPath(), { data: { q: 1 } })).toMatchObject({
        status: 422,
        body: { reason: 'Invalid', details: { causes: [{ field: 'patch' }] } },
      });
    });

    test('a custom kind takes none', async () => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'custom');
      const path = `/apis/${WIDGET.apiVersion}/namespaces/${namespace}/widgets/custom`;
      expect(await strategic(path, {})).toMatchObject({
        status: 415,
        body: { reason: 'UnsupportedMediaType' },
      });
    });
  });
}
