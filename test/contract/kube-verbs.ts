import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { CONFIG_MAP, newWidget, WIDGET } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

export function verbContract(bench: Bench): void {
  describe('create', () => {
    test('the server fills in what identifies an object', async () => {
      const namespace = await bench.namespace();
      const { metadata, spec } = await bench.widget(namespace, 'one', { size: 3 });
      expect(metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(metadata.resourceVersion).toMatch(/^\d+$/);
      expect(metadata.generation).toBe(1);
      expect(spec).toEqual({ size: 3, colour: 'red' });
    });

    test('what a client says about server-owned metadata is not believed', async () => {
      const namespace = await bench.namespace();
      const lies = {
        uid: 'mine',
        generation: 7,
        creationTimestamp: '2001-01-01T00:00:00Z',
        deletionTimestamp: '2001-01-01T00:00:00Z',
      };
      const { metadata } = await bench.widget(namespace, 'liar', {}, lies);
      expect(metadata.uid).not.toBe('mine');
      expect(metadata.generation).toBe(1);
      expect(metadata.creationTimestamp).not.toBe(lies.creationTimestamp);
      expect(metadata.deletionTimestamp).toBeUndefined();
    });

    test('a second object of the same name is refused', async () => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'twin');
      const refusal = await refusalOf(bench.widget(namespace, 'twin'));
      expect(refusal).toMatchObject({
        reason: 'AlreadyExists',
        code: 409,
        message: 'widgets.contract.brickproof.dev "twin" already exists',
      });
    });

    test('the same name in another namespace is another object', async () => {
      const [one, two] = [await bench.namespace(), await bench.namespace()];
      const first = await bench.widget(one, 'same');
      const second = await bench.widget(two, 'same');
      expect(first.metadata.uid).not.toBe(second.metadata.uid);
    });

    test('generateName gives a free name with five more characters', async () => {
      const namespace = await bench.namespace();
      const names = new Set<string>();
      for (let count = 0; count < 5; count++) {
        const { name: _, ...metadata } = newWidget(namespace, '', {}, { generateName: 'auto-' }).metadata;
        const created = await bench.api.create(WIDGET, { ...newWidget(namespace, ''), metadata });
        expect(created.metadata.name).toMatch(/^auto-[a-z0-9]{5}$/);
        names.add(created.metadata.name);
      }
      expect(names.size).toBe(5);
    });

    test('neither name nor generateName is refused', async () => {
      const namespace = await bench.namespace();
      const nameless = { ...newWidget(namespace, ''), metadata: { namespace } };
      const refusal = await refusalOf(bench.api.create(WIDGET, nameless));
      expect(refusal).toMatchObject({
        reason: 'Invalid',
        causes: ['FieldValueInvalid <nil>', 'FieldValueRequired metadata.name'],
      });
    });

    test.each(['Upper', 'under_score', '-dash', 'dot.', 'sp ace', 'a'.repeat(254)])(
      'the name %j is refused',
      async (name) => {
        const namespace = await bench.namespace();
        const refusal = await refusalOf(bench.widget(namespace, name));
        expect(refusal).toMatchObject({
          reason: 'Invalid',
          code: 422,
          causes: ['FieldValueInvalid metadata.name'],
        });
      },
    );

    test('a namespace that does not exist is not found', async () => {
      const refusal = await refusalOf(bench.widget('no-such-namespace', 'lost'));
      expect(refusal).toMatchObject({
        reason: 'NotFound',
        message: 'namespaces "no-such-namespace" not found',
      });
    });

    test('status is not taken on creation where it is a subresource', async () => {
      const namespace = await bench.namespace();
      const created = await bench.api.create(WIDGET, {
        ...newWidget(namespace, 'hopeful'),
        status: { phase: 'Done' },
      });
      expect(created.status).toBeUndefined();
    });

    test('a kind that nobody serves is not found', async () => {
      const refusal = await refusalOf(
        bench.api.list({ ...WIDGET, apiVersion: 'contract.brickproof.dev/v9' }),
      );
      expect(refusal).toMatchObject({ reason: 'NotFound', code: 404 });
    });

    test('an object of another kind is refused', async () => {
      const namespace = await bench.namespace();
      const gadget = { ...newWidget(namespace, 'gadget'), kind: 'Gadget' };
      expect(await refusalOf(bench.api.create(WIDGET, gadget))).toEqual({
        reason: 'Invalid',
        code: 422,
        message:
          'Gadget.contract.brickproof.dev "gadget" is invalid: kind: Invalid value: "Gadget": must be Widget',
        causes: ['FieldValueInvalid kind'],
      });
    });

    test.each([
      [{ labels: { 'not a key': 'x' } }, 'FieldValueInvalid metadata.labels'],
      [{ labels: { key: 'not a value' } }, 'FieldValueInvalid metadata.labels'],
      [{ labels: { key: 'v'.repeat(64) } }, 'FieldValueInvalid metadata.labels'],
      [{ annotations: { 'not a key': 'x' } }, 'FieldValueInvalid metadata.annotations'],
      [{ finalizers: ['not a name!'] }, 'FieldValueInvalid metadata.finalizers'],
      [
        { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '' }] },
        'FieldValueInvalid metadata.ownerReferences.uid',
      ],
    ])('metadata %j is refused', async (metadata, cause) => {
      const namespace = await bench.namespace();
      const refusal = await refusalOf(bench.widget(namespace, 'marked', {}, metadata));
      expect(refusal.reason).toBe('Invalid');
      expect(refusal.causes).toContain(cause);
    });
  });

  describe('get', () => {
    test('what was created comes back equal', async () => {
      const namespace = await bench.namespace();
      const created = await bench.widget(namespace, 'kept', { tags: ['a', 'b'], limits: { hot: 1.5 } });
      expect(await bench.api.get(WIDGET, { namespace, name: 'kept' })).toEqual(created);
    });

    test('what is not there is not found, by its plural name', async () => {
      const namespace = await bench.namespace();
      expect(await refusalOf(bench.api.get(WIDGET, { namespace, name: 'missing' }))).toEqual({
        reason: 'NotFound',
        code: 404,
        message: 'widgets.contract.brickproof.dev "missing" not found',
        causes: [],
      });
    });
  });

  describe('replace', () => {
    test('a new spec raises the generation and the version', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'grows');
      const after = await bench.api.replace(WIDGET, { ...before, spec: { ...before.spec, size: 2 } });
      expect(after.spec.size).toBe(2);
      expect(after.metadata.generation).toBe(2);
      expect(Number(after.metadata.resourceVersion)).toBeGreaterThan(Number(before.metadata.resourceVersion));
      expect(after.metadata.uid).toBe(before.metadata.uid);
    });

    test('new labels raise the version but not the generation', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'labelled');
      const metadata = { ...before.metadata, labels: { tier: 'gold' } };
      const after = await bench.api.replace(WIDGET, { ...before, metadata });
      expect(after.metadata.generation).toBe(1);
      expect(after.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion);
    });

    test('a write that changes nothing keeps the version', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'still');
      const after = await bench.api.replace(WIDGET, { ...before });
      expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    });

    test('an old version is a conflict', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'raced');
      await bench.api.replace(WIDGET, { ...before, spec: { size: 5 } });
      const refusal = await refusalOf(bench.api.replace(WIDGET, { ...before, spec: { size: 6 } }));
      expect(refusal).toMatchObject({ reason: 'Conflict', code: 409 });
      expect(refusal.message).toBe(
        'Operation cannot be fulfilled on widgets.contract.brickproof.dev "raced": the object has been modified; please apply your changes to the latest version and try again',
      );
    });

    test('a custom resource without a version is refused', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'blind');
      const metadata = { ...before.metadata, resourceVersion: '' };
      const refusal = await refusalOf(bench.api.replace(WIDGET, { ...before, metadata }));
      expect(refusal).toMatchObject({
        reason: 'Invalid',
        causes: ['FieldValueInvalid metadata.resourceVersion'],
      });
    });

    test('a core object without a version is replaced whatever it was', async () => {
      const namespace = await bench.namespace();
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'plain' } };
      const before = await bench.api.create(CONFIG_MAP, { ...map, data: { a: '1' } });
      const metadata = { ...before.metadata, resourceVersion: '' };
      const after = await bench.api.replace(CONFIG_MAP, { ...before, metadata, data: { b: '2' } });
      expect(after.data).toEqual({ b: '2' });
    });

    test('the uid of another object is a conflict', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'reborn');
      const metadata = { ...before.metadata, uid: '00000000-0000-4000-8000-000000000000' };
      expect(await refusalOf(bench.api.replace(WIDGET, { ...before, metadata }))).toMatchObject({
        reason: 'Conflict',
      });
    });

    test('what is not there is not found, and a conflict when it was meant by its uid', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'gone');
      await bench.api.delete(WIDGET, { namespace, name: 'gone' });
      expect(await refusalOf(bench.api.replace(WIDGET, before))).toMatchObject({ reason: 'Conflict' });
      const metadata = { ...before.metadata, uid: '' };
      expect(await refusalOf(bench.api.replace(WIDGET, { ...before, metadata }))).toMatchObject({
        reason: 'NotFound',
        code: 404,
      });
    });
  });

  describe('status', () => {
    test('the subresource takes the status and nothing else', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'busy');
      const metadata = { ...before.metadata, labels: { sneaky: 'yes' } };
      const after = await bench.api.replace(
        WIDGET,
        { ...before, metadata, spec: { size: 99 }, status: { phase: 'Busy' } },
        { subresource: 'status' },
      );
      expect(after.status).toEqual({ phase: 'Busy' });
      expect(after.spec).toEqual(before.spec);
      expect(after.metadata.labels).toBeUndefined();
      expect(after.metadata.generation).toBe(1);
    });

    test('the main resource ignores the status', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'calm');
      const after = await bench.api.replace(WIDGET, {
        ...before,
        spec: { size: 9 },
        status: { phase: 'Imagined' },
      });
      expect(after.status).toBeUndefined();
      expect(after.spec.size).toBe(9);
    });

    test('a status that breaks the schema is refused', async () => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'odd');
      const patch = { type: 'merge', body: { status: { seen: -1 } } } as const;
      const refusal = await refusalOf(
        bench.api.patch(WIDGET, { namespace, name: 'odd' }, patch, { subresource: 'status' }),
      );
      expect(refusal).toMatchObject({ reason: 'Invalid', causes: ['FieldValueInvalid status.seen'] });
    });

    test('a kind without the subresource has none', async () => {
      const namespace = await bench.namespace();
      const map: KubeObject = await bench.api.create(CONFIG_MAP, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace, name: 'flat' },
      });
      expect(await refusalOf(bench.api.replace(CONFIG_MAP, map, { subresource: 'status' }))).toMatchObject({
        reason: 'NotFound',
      });
    });
  });

  describe('patch', () => {
    test('a merge patch changes what it names and removes what it nulls', async () => {
      const namespace = await bench.namespace();
      await bench.widget(
        namespace,
        'clay',
        { tags: ['a'], limits: { hot: 1, cold: 2 } },
        { labels: { a: '1', b: '2' } },
      );
      const patch = {
        type: 'merge',
        body: {
          metadata: { labels: { a: null, c: '3' } },
          spec: { limits: { hot: null, warm: 3 }, tags: ['z'] },
        },
      } as const;
      const after = await bench.api.patch(WIDGET, { namespace, name: 'clay' }, patch);
      expect(after.metadata.labels).toEqual({ b: '2', c: '3' });
      expect(after.spec).toEqual({ size: 1, colour: 'red', limits: { cold: 2, warm: 3 }, tags: ['z'] });
    });

    test('a merge patch with an old version is a conflict', async () => {
      const namespace = await bench.namespace();
      const { metadata } = await bench.widget(namespace, 'stale');
      const key = { namespace, name: 'stale' };
      await bench.api.patch(WIDGET, key, { type: 'merge', body: { spec: { size: 2 } } });
      const body = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { size: 3 } };
      expect(await refusalOf(bench.api.patch(WIDGET, key, { type: 'merge', body }))).toMatchObject({
        reason: 'Conflict',
      });
    });

    test('an empty patch keeps the version', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'calm');
      const after = await bench.api.patch(WIDGET, { namespace, name: 'calm' }, { type: 'merge', body: {} });
      expect(after).toEqual(before);
    });

    test('a JSON patch adds, replaces, removes and tests', async () => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'json', { tags: ['a', 'b'], notes: 'old' });
      const body = [
        { op: 'test', path: '/spec/size', value: 1 },
        { op: 'replace', path: '/spec/size', value: 4 },
        { op: 'add', path: '/spec/tags/1', value: 'between' },
        { op: 'add', path: '/spec/tags/-', value: 'last' },
        { op: 'remove', path: '/spec/notes' },
      ];
      const after = await bench.api.patch(WIDGET, { namespace, name: 'json' }, { type: 'json', body });
      expect(after.spec).toEqual({ size: 4, colour: 'red', tags: ['a', 'between', 'b', 'last'] });
    });

    test('a JSON patch whose test fails changes nothing', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'tested');
      const key = { namespace, name: 'tested' };
      const body = [
        { op: 'replace', path: '/spec/size', value: 4 },
        { op: 'test', path: '/spec/colour', value: 'blue' },
      ];
      expect((await refusalOf(bench.api.patch(WIDGET, key, { type: 'json', body }))).code).toBe(422);
      expect(await bench.api.get(WIDGET, key)).toEqual(before);
    });

    test('a name cannot be patched away', async () => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'named');
      const patch = { type: 'merge', body: { metadata: { name: 'other' } } } as const;
      expect((await refusalOf(bench.api.patch(WIDGET, { namespace, name: 'named' }, patch))).code).toBe(400);
    });
  });
}
