import { describe, expect, test } from 'vitest';
import type { Bench } from './kube.ts';
import { WIDGET } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';
import type { Reply } from './wire.ts';

const widget = (name: string, spec: object = {}, metadata: object = {}): object => ({
  apiVersion: WIDGET.apiVersion,
  kind: 'Widget',
  metadata: { name, ...metadata },
  spec: { size: 1, ...spec },
});
const map = (name: string, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { a: '1' },
  ...more,
});

/** What a request may ask for beside its object: dry runs, field validation, managers, how to delete. */
export function optionsContract(bench: Bench): void {
  const places = async () => {
    const namespace = await bench.namespace();
    return {
      widgets: `/apis/${WIDGET.apiVersion}/namespaces/${namespace}/widgets`,
      maps: `/api/v1/namespaces/${namespace}/configmaps`,
    };
  };
  const merge = 'application/merge-patch+json';
  const says = (status: number, reason: string, field: string, message: RegExp) => ({
    status,
    body: {
      reason,
      message: expect.stringMatching(message),
      details: { causes: [{ field }] },
    },
  });

  bench.needing('HTTP', 'dry runs', () => {
    test('a creation answers as if, without a version, and changes nothing', async () => {
      const { widgets } = await places();
      const reply = await bench.wire.send('POST', widgets, { body: widget('dry'), query: { dryRun: 'All' } });
      expect(reply).toMatchObject({ status: 201, body: { spec: { size: 1, colour: 'red' } } });
      expect(reply).not.toHaveProperty('body.metadata.resourceVersion');
      expect(reply).toHaveProperty('body.metadata.uid');
      expect((await bench.wire.send('GET', `${widgets}/dry`)).status).toBe(404);
    });

    test('a generated name is shown', async () => {
      const { maps } = await places();
      const body = { metadata: { generateName: 'g-' } };
      const reply = await bench.wire.send('POST', maps, { body, query: { dryRun: 'All' } });
      expect(reply).toHaveProperty('body.metadata.name', expect.stringMatching(/^g-.{5}$/));
    });

    test('replacing, patching and deleting change nothing', async () => {
      const { maps } = await places();
      const before = await bench.wire.send('POST', maps, { body: map('m') });
      const query = { dryRun: 'All' };
      const put = await bench.wire.send('PUT', `${maps}/m`, { body: map('m', { data: { b: '2' } }), query });
      expect(put).toMatchObject({ status: 200, body: { data: { b: '2' } } });
      const body = { data: { c: '3' } };
      const patched = await bench.wire.send('PATCH', `${maps}/m`, { body, query, contentType: merge });
      expect(patched).toMatchObject({ status: 200, body: { data: { a: '1', c: '3' } } });
      expect((await bench.wire.send('DELETE', `${maps}/m`, { query })).status).toBe(200);
      const inBody = { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] };
      expect((await bench.wire.send('DELETE', `${maps}/m`, { body: inBody })).status).toBe(200);
      expect((await bench.wire.send('GET', `${maps}/m`)).body).toEqual(before.body);
    });

    test('what would be refused is refused', async () => {
      const { widgets } = await places();
      const query = { dryRun: 'All' };
      expect(
        (await bench.wire.refusal('POST', widgets, { body: widget('x', { size: 0 }), query })).code,
      ).toBe(422);
    });

    test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('%s is all dry or not at all', async (method) => {
      const { maps } = await places();
      await bench.wire.send('POST', maps, { body: map('m') });
      const path = method === 'POST' ? maps : `${maps}/m`;
      const kind = { POST: 'Create', PUT: 'Update', PATCH: 'Patch', DELETE: 'Delete' }[method];
      const reply = await bench.wire.send(method, path, {
        ...(method !== 'DELETE' && { body: map('m') }),
        query: { dryRun: 'Some' },
        contentType: method === 'PATCH' ? merge : 'application/json',
      });
      expect(reply).toMatchObject(
        says(
          422,
          'Invalid',
          'dryRun',
          new RegExp(`^${kind}Options\\.meta\\.k8s\\.io "" is invalid: dryRun: Unsupported value`),
        ),
      );
    });
  });

  bench.needing('HTTP', 'field validation', () => {
    const odd = widget('odd', { nope: 1, parts: [{ name: 'a', zip: 1 }] }, { labls: {} });
    const fields = ['metadata.labls', 'spec.nope', 'spec.parts[0].zip'];
    const warningsIn = ({ headers }: Reply): readonly string[] =>
      [...String(headers.warning ?? '').matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text ?? '');

    test('strict, unknown fields are refused, each by its path', async () => {
      const { widgets } = await places();
      const query = { fieldValidation: 'Strict' };
      expect(await bench.wire.refusal('POST', widgets, { body: odd, query })).toEqual({
        reason: 'BadRequest',
        code: 400,
        message: `Widget in version "v1" cannot be handled as a Widget: strict decoding error: ${fields.map((field) => `unknown field "${field}"`).join(', ')}`,
        causes: [],
      });
    });

    test.each([
      ['Warn', { fieldValidation: 'Warn' }],
      ['nothing', {}],
      ['an empty value', { fieldValidation: '' }],
    ])('with %s, they are dropped with a warning each', async (_title, query) => {
      const { widgets } = await places();
      const reply = await bench.wire.send('POST', widgets, { body: odd, query });
      expect(reply).toMatchObject({
        status: 201,
        body: { spec: { size: 1, parts: [{ name: 'a', count: 1 }] } },
      });
      expect(warningsIn(reply)).toEqual(fields.map((field) => `unknown field \\"${field}\\"`));
    });

    test('ignored, they are dropped in silence', async () => {
      const { widgets } = await places();
      const query = { fieldValidation: 'Ignore' };
      const reply = await bench.wire.send('POST', widgets, { body: odd, query });
      expect([reply.status, warningsIn(reply)]).toEqual([201, []]);
    });

    test('of a built-in kind, too', async () => {
      const { maps } = await places();
      const body = map('m', { dat: 1 });
      const query = { fieldValidation: 'Strict' };
      expect((await bench.wire.refusal('POST', maps, { body, query })).message).toBe(
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "dat"',
      );
      expect(warningsIn(await bench.wire.send('POST', maps, { body }))).toEqual(['unknown field \\"dat\\"']);
      expect((await bench.wire.refusal('PUT', `${maps}/m`, { body, query })).reason).toBe('BadRequest');
    });

    test('what a patch brings in is the fault of the patch', async () => {
      const { widgets, maps } = await places();
      await bench.wire.send('POST', widgets, { body: widget('w') });
      await bench.wire.send('POST', maps, { body: map('m') });
      const query = { fieldValidation: 'Strict' };
      for (const [path, body] of [
        [`${widgets}/w`, { spec: { nope: 1 } }],
        [`${maps}/m`, { dat: 1 }],
      ] as const)
        expect(await bench.wire.send('PATCH', path, { body, query, contentType: merge })).toMatchObject(
          says(422, 'Invalid', 'patch', /strict decoding error: unknown field "(spec\.nope|dat)"$/),
        );
    });

    test('a word that is none of the three is refused', async () => {
      const { maps } = await places();
      const query = { fieldValidation: 'Bad' };
      expect((await bench.wire.refusal('POST', maps, { body: map('m'), query })).message).toBe(
        'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Bad": supported values: "", "Ignore", "Strict", "Warn"',
      );
    });
  });

  bench.needing('HTTP', 'field managers', () => {
    test.each([
      ['too long', 'x'.repeat(129), 'FieldValueTooLong fieldManager'],
      ['unprintable', 'a\u0007b', 'FieldValueInvalid fieldManager'],
    ])('a name that is %s is refused', async (_title, fieldManager, cause) => {
      const { maps } = await places();
      const refusal = await bench.wire.refusal('POST', maps, { body: map('m'), query: { fieldManager } });
      expect(refusal).toMatchObject({ reason: 'Invalid', code: 422, causes: [cause] });
      expect(refusal.message).toMatch(/^CreateOptions\.meta\.k8s\.io "" is invalid: fieldManager: /);
    });

    test('only an apply can be forced', async () => {
      const { maps } = await places();
      await bench.wire.send('POST', maps, { body: map('m') });
      const request = { body: {}, query: { force: true }, contentType: merge };
      expect(await bench.wire.refusal('PATCH', `${maps}/m`, request)).toMatchObject({
        reason: 'Invalid',
        message:
          'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
        causes: ['FieldValueForbidden force'],
      });
    });

    test('an apply says whose it is', async () => {
      const { maps } = await places();
      const request = { body: map('m'), contentType: 'application/apply-patch+yaml' };
      expect(await bench.wire.refusal('PATCH', `${maps}/m`, request)).toMatchObject({
        reason: 'Invalid',
        message:
          'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
        causes: ['FieldValueRequired fieldManager'],
      });
    });
  });

  bench.needing('HTTP', 'options of a deletion', () => {
    test.each([
      [
        { propagationPolicy: 'Zap' },
        'propagationPolicy',
        /propagationPolicy: Unsupported value: "Zap": supported values: "Foreground", "Background", "Orphan", "nil"$/,
      ],
      [
        { propagationPolicy: 'Orphan', orphanDependents: true },
        'propagationPolicy',
        /orphanDependents and deletionPropagation cannot be both set$/,
      ],
      [
        { dryRun: ['Some'] },
        'dryRun',
        /dryRun: Unsupported value: \[\]string\{"Some"\}: supported values: "All"$/,
      ],
    ])('%j is refused', async (options, field, message) => {
      const { maps } = await places();
      await bench.wire.send('POST', maps, { body: map('m') });
      const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...options };
      expect(await bench.wire.send('DELETE', `${maps}/m`, { body })).toMatchObject(
        says(422, 'Invalid', field, message),
      );
      expect((await bench.wire.send('GET', `${maps}/m`)).status).toBe(200);
    });

    test.each([
      ['another kind', { kind: 'Zap', apiVersion: 'v1' }],
      ['no JSON', '{'],
    ])('%s in the body is an internal error', async (_title, body) => {
      const { maps } = await places();
      await bench.wire.send('POST', maps, { body: map('m') });
      expect((await bench.wire.send('DELETE', `${maps}/m`, { body })).status).toBe(500);
    });

    test('preconditions name the kind and both sides', async () => {
      const { widgets } = await places();
      await bench.wire.send('POST', widgets, { body: widget('w') });
      const refusal = (preconditions: object) =>
        bench.wire.refusal('DELETE', `${widgets}/w`, { body: { preconditions } });
      expect((await refusal({ uid: 'x' })).message).toMatch(
        /^Operation cannot be fulfilled on Widget\.contract\.brickproof\.dev "w": the UID in the precondition \(x\) does not match the UID in record \([-0-9a-f]+\)\. The object might have been deleted and then recreated$/,
      );
      expect((await refusal({ resourceVersion: '1' })).message).toMatch(
        /: the ResourceVersion in the precondition \(1\) does not match the ResourceVersion in record \(\d+\)\. The object might have been modified$/,
      );
    });

    test('what is gone is a Status, what is held is the object', async () => {
      const { widgets, maps } = await places();
      await bench.wire.send('POST', maps, { body: map('m') });
      expect(await bench.wire.send('DELETE', `${maps}/m`)).toMatchObject({
        status: 200,
        body: { kind: 'Status', status: 'Success', details: { name: 'm', kind: 'configmaps' } },
      });
      await bench.wire.send('POST', widgets, { body: widget('w', {}, { finalizers: ['x.dev/hold'] }) });
      const held = {
        status: 200,
        body: {
          kind: 'Widget',
          metadata: { deletionGracePeriodSeconds: 0, finalizers: ['x.dev/hold'], generation: 2 },
        },
      };
      expect(await bench.wire.send('DELETE', `${widgets}/w`)).toMatchObject(held);
      expect(await bench.wire.send('DELETE', `${widgets}/w`)).toMatchObject(held);
    });

    test('a policy is a finalizer, and a later one takes the place of an earlier', async () => {
      const { widgets } = await places();
      await bench.wire.send('POST', widgets, { body: widget('w', {}, { finalizers: ['x.dev/hold'] }) });
      const finalizersAfter = async (propagationPolicy: string): Promise<unknown> => {
        const { body } = await bench.wire.send('DELETE', `${widgets}/w`, { query: { propagationPolicy } });
        return (body as { metadata: { finalizers: unknown } }).metadata.finalizers;
      };
      expect(await finalizersAfter('Orphan')).toEqual(['x.dev/hold', 'orphan']);
      expect(await finalizersAfter('Foreground')).toEqual(['x.dev/hold', 'foregroundDeletion']);
      expect(await finalizersAfter('Background')).toEqual(['x.dev/hold']);
    });

    test('a time to stop that is no number is refused', async () => {
      const { maps } = await places();
      await bench.wire.send('POST', maps, { body: map('m') });
      const query = { gracePeriodSeconds: 'x' };
      expect((await bench.wire.refusal('DELETE', `${maps}/m`, { query })).reason).toBe('BadRequest');
    });
  });

  bench.needing('HTTP', 'deletion of collections', () => {
    const namesIn = ({ body }: Reply): readonly string[] =>
      (body as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name);
    const filled = async () => {
      const { widgets, maps } = await places();
      for (const [name, labels] of [
        ['one', { go: '1' }],
        ['two', { go: '1' }],
        ['stays', {}],
      ] as const) {
        await bench.wire.send('POST', maps, { body: { metadata: { name, labels } } });
        await bench.wire.send('POST', widgets, { body: widget(name, {}, { labels }) });
      }
      return { widgets, maps };
    };

    test('what a selector finds goes, and is listed', async () => {
      const { maps, widgets } = await filled();
      const query = { labelSelector: 'go=1' };
      const gone = await bench.wire.send('DELETE', maps, { query });
      expect(gone).toMatchObject({ status: 200, body: { kind: 'ConfigMapList', apiVersion: 'v1' } });
      expect(namesIn(gone)).toEqual(['one', 'two']);
      expect(namesIn(await bench.wire.send('GET', maps))).toEqual(['stays']);
      const fieldSelector = 'metadata.name=one';
      const one = await bench.wire.send('DELETE', widgets, { query: { fieldSelector } });
      expect(one).toMatchObject({ status: 200, body: { kind: 'WidgetList', apiVersion: WIDGET.apiVersion } });
      expect(namesIn(await bench.wire.send('GET', widgets))).toEqual(['stays', 'two']);
    });

    test('without a selector everything goes', async () => {
      const { widgets } = await filled();
      expect(namesIn(await bench.wire.send('DELETE', widgets))).toEqual(['one', 'stays', 'two']);
      expect(namesIn(await bench.wire.send('DELETE', widgets))).toEqual([]);
    });

    test('dry, everything stays', async () => {
      const { maps } = await filled();
      expect(namesIn(await bench.wire.send('DELETE', maps, { query: { dryRun: 'All' } }))).toHaveLength(3);
      expect(namesIn(await bench.wire.send('GET', maps))).toHaveLength(3);
    });

    test('a selector that makes no sense deletes nothing', async () => {
      const { maps } = await filled();
      const query = { labelSelector: 'a in b' };
      expect((await bench.wire.refusal('DELETE', maps, { query })).reason).toBe('BadRequest');
      expect(namesIn(await bench.wire.send('GET', maps))).toHaveLength(3);
    });

    test('not in all namespaces at once', async () => {
      expect((await bench.wire.send('DELETE', '/api/v1/configmaps')).status).toBe(405);
    });
  });

  describe('finalizers', () => {
    test('of built-in kinds have a domain', async () => {
      const namespace = await bench.namespace();
      const metadata = { namespace, name: 'm', finalizers: ['nodomain'] };
      const kind = { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true };
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata };
      expect(await refusalOf(bench.api.create(kind, object))).toMatchObject({
        reason: 'Invalid',
        causes: ['FieldValueInvalid metadata.finalizers[0]'],
      });
      expect(
        (await bench.widget(namespace, 'w', {}, { finalizers: ['nodomain'] })).metadata.finalizers,
      ).toEqual(['nodomain']);
    });

    test('cannot ask for both orphans and the foreground', async () => {
      const finalizers = ['orphan', 'foregroundDeletion'];
      const refused = bench.widget(await bench.namespace(), 'both', {}, { finalizers });
      expect((await refusalOf(refused)).causes).toEqual(['FieldValueInvalid metadata.finalizers']);
    });
  });
}
