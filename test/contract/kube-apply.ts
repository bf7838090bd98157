import { describe, expect, test } from 'vitest';
import type { WriteOptions } from '../../src/kube/api.ts';
import type { Bench } from './kube.ts';
import { WIDGET, type Widget } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

export function applyContract(bench: Bench): void {
  /** Applies spec, labels and finalizers as `fieldManager`. */
  function apply(
    namespace: string,
    name: string,
    fieldManager: string,
    parts: { readonly spec?: object; readonly metadata?: object; readonly status?: object },
    options: WriteOptions = {},
  ): Promise<Widget> {
    const { apiVersion, kind } = WIDGET;
    const body = { apiVersion, kind, ...parts, metadata: { name, namespace, ...parts.metadata } };
    return bench.api.patch(
      WIDGET,
      { namespace, name },
      { type: 'apply', body },
      { fieldManager, ...options },
    );
  }
  const managersOf = (widget: Widget): string[] =>
    ((widget.metadata as { managedFields?: { manager: string }[] }).managedFields ?? [])
      .map(({ manager }) => manager)
      .sort();

  describe('apply', () => {
    test('an object that is not there is created', async () => {
      const namespace = await bench.namespace();
      const created = await apply(namespace, 'new', 'one', { spec: { size: 3 } });
      expect(created.spec).toEqual({ size: 3, colour: 'red' });
      expect(created.metadata.generation).toBe(1);
      expect(managersOf(created)).toEqual(['one']);
    });

    test('applying the same again changes nothing', async () => {
      const namespace = await bench.namespace();
      const parts = { spec: { size: 3, tags: ['a'] }, metadata: { labels: { a: '1' } } };
      const first = await apply(namespace, 'same', 'one', parts);
      expect(await apply(namespace, 'same', 'one', parts)).toEqual(first);
    });

    test('fields of different managers live side by side', async () => {
      const namespace = await bench.namespace();
      await apply(namespace, 'both', 'one', { spec: { size: 3, limits: { hot: 1 } } });
      const after = await apply(namespace, 'both', 'two', { spec: { limits: { cold: 2 } } });
      expect(after.spec).toMatchObject({ size: 3, limits: { hot: 1, cold: 2 } });
      expect(managersOf(after)).toEqual(['one', 'two']);
    });

    test('what a manager no longer names is dropped, unless another names it', async () => {
      const namespace = await bench.namespace();
      await apply(namespace, 'fewer', 'one', {
        spec: { size: 3, limits: { hot: 1, warm: 2 }, notes: 'mine' },
        metadata: { labels: { a: '1', b: '2' } },
      });
      await apply(namespace, 'fewer', 'two', { spec: { limits: { warm: 2 } } });
      const after = await apply(namespace, 'fewer', 'one', {
        spec: { size: 3 },
        metadata: { labels: { b: '2' } },
      });
      expect(after.spec).toEqual({ size: 3, colour: 'red', limits: { warm: 2 } });
      expect(after.metadata.labels).toEqual({ b: '2' });
    });

    test("another manager's field is a conflict that names both", async () => {
      const namespace = await bench.namespace();
      await apply(namespace, 'mine', 'one', { spec: { size: 3 } });
      const refusal = await refusalOf(apply(namespace, 'mine', 'two', { spec: { size: 4 } }));
      expect(refusal).toEqual({
        reason: 'Conflict',
        code: 409,
        message: `Apply failed with 1 conflict: conflict with "one": .spec.size`,
        causes: ['FieldManagerConflict .spec.size'],
      });
    });

    test('the same value is no conflict, and owned by both', async () => {
      const namespace = await bench.namespace();
      await apply(namespace, 'agreed', 'one', { spec: { size: 3 } });
      await apply(namespace, 'agreed', 'two', { spec: { size: 3 } });
      const refusal = await refusalOf(apply(namespace, 'agreed', 'one', { spec: { size: 4 } }));
      expect(refusal.causes).toEqual(['FieldManagerConflict .spec.size']);
    });

    test('force takes a field over', async () => {
      const namespace = await bench.namespace();
      await apply(namespace, 'taken', 'one', { spec: { size: 3 } });
      const after = await apply(namespace, 'taken', 'two', { spec: { size: 4 } }, { force: true });
      expect(after.spec.size).toBe(4);
      expect((await refusalOf(apply(namespace, 'taken', 'one', { spec: { size: 5 } }))).reason).toBe(
        'Conflict',
      );
    });

    test('a field that somebody updated is in conflict, too', async () => {
      const namespace = await bench.namespace();
      await apply(namespace, 'edited', 'one', { spec: { size: 3 } });
      const edit = { type: 'merge', body: { spec: { size: 7 } } } as const;
      await bench.api.patch(WIDGET, { namespace, name: 'edited' }, edit, { fieldManager: 'editor' });
      const refusal = await refusalOf(apply(namespace, 'edited', 'one', { spec: { size: 3 } }));
      expect(refusal.message).toContain('conflict with "editor"');
    });

    test('what somebody created by other means is in conflict', async () => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'made', { size: 2 });
      const refusal = await refusalOf(apply(namespace, 'made', 'one', { spec: { size: 3 } }));
      expect(refusal.causes).toEqual(['FieldManagerConflict .spec.size']);
    });

    test('lists with keys are owned item by item', async () => {
      const namespace = await bench.namespace();
      await apply(namespace, 'parts', 'one', { spec: { size: 1, parts: [{ name: 'a', count: 1 }] } });
      await apply(namespace, 'parts', 'two', { spec: { parts: [{ name: 'b', count: 2 }] } });
      const refusal = await refusalOf(
        apply(namespace, 'parts', 'two', { spec: { parts: [{ name: 'a', count: 9 }] } }),
      );
      expect(refusal.causes).toEqual(['FieldManagerConflict .spec.parts[name="a"].count']);
      const after = await apply(namespace, 'parts', 'one', { spec: { size: 1 } });
      expect(after.spec.parts).toEqual([{ name: 'b', count: 2 }]);
    });

    test('lists that are sets are owned value by value', async () => {
      const namespace = await bench.namespace();
      await apply(namespace, 'nodes', 'one', { spec: { size: 1, tags: ['a'] } });
      await apply(namespace, 'nodes', 'two', { spec: { tags: ['b'] } });
      const after = await apply(namespace, 'nodes', 'one', { spec: { size: 1, tags: ['c'] } });
      expect([...(after.spec.tags ?? [])].sort()).toEqual(['b', 'c']);
    });

    test('status is applied through its subresource only', async () => {
      const namespace = await bench.namespace();
      const main = await apply(namespace, 'state', 'one', {
        spec: { size: 1 },
        status: { phase: 'Imagined' },
      });
      expect(main.status).toBeUndefined();
      const after = await apply(
        namespace,
        'state',
        'reporter',
        { status: { phase: 'Real' }, spec: { size: 9 } },
        { subresource: 'status' },
      );
      expect(after.status).toEqual({ phase: 'Real' });
      expect(after.spec.size).toBe(1);
    });

    test('the result is held to the schema', async () => {
      const namespace = await bench.namespace();
      const refusal = await refusalOf(apply(namespace, 'huge', 'one', { spec: { size: 1000 } }));
      expect(refusal).toMatchObject({ reason: 'Invalid', causes: ['FieldValueInvalid spec.size'] });
    });

    test('a body of another kind is refused', async () => {
      const namespace = await bench.namespace();
      const body = {
        apiVersion: WIDGET.apiVersion,
        kind: 'Gadget',
        metadata: { name: 'odd' },
        spec: { size: 1 },
      };
      const patch = { type: 'apply', body } as const;
      const refusal = await refusalOf(
        bench.api.patch(WIDGET, { namespace, name: 'odd' }, patch, { fieldManager: 'one' }),
      );
      expect(refusal.reason).toBe('BadRequest');
    });
  });
}
