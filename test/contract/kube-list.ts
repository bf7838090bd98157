import { describe, expect, test } from 'vitest';
import type { Bench } from './kube.ts';
import { WIDGET } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

export function listContract(bench: Bench): void {
  const names = (list: { items: readonly { metadata: { name: string } }[] }): string[] =>
    list.items.map((item) => item.metadata.name);

  describe('list', () => {
    test('objects come sorted by name, with a version to watch from', async () => {
      const namespace = await bench.namespace();
      for (const name of ['c', 'a', 'b']) await bench.widget(namespace, name);
      const list = await bench.api.list(WIDGET, { namespace });
      expect(names(list)).toEqual(['a', 'b', 'c']);
      expect(list.resourceVersion).toMatch(/^\d+$/);
      expect(list.continue).toBeUndefined();
      expect(list.items[0]).toMatchObject({ apiVersion: WIDGET.apiVersion, kind: 'Widget' });
    });

    test('without a namespace all of them are listed', async () => {
      const [one, two] = [await bench.namespace(), await bench.namespace()];
      const first = await bench.widget(one, 'here');
      const second = await bench.widget(two, 'there');
      const uids = (await bench.api.list(WIDGET)).items.map((item) => item.metadata.uid);
      expect(uids).toEqual(expect.arrayContaining([first.metadata.uid, second.metadata.uid]));
    });

    test.each([
      ['tier=gold', ['a', 'b']],
      ['tier==gold', ['a', 'b']],
      ['tier!=gold', ['c', 'd']],
      ['tier in (silver, gold)', ['a', 'b', 'c']],
      ['tier notin (gold)', ['c', 'd']],
      ['tier', ['a', 'b', 'c']],
      ['!tier', ['d']],
      ['tier=gold,zone=east', ['a']],
      ['tier in (gold),!zone', []],
      ['', ['a', 'b', 'c', 'd']],
    ])('the label selector %j finds %j', async (labelSelector, found) => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'a', {}, { labels: { tier: 'gold', zone: 'east' } });
      await bench.widget(namespace, 'b', {}, { labels: { tier: 'gold', zone: 'west' } });
      await bench.widget(namespace, 'c', {}, { labels: { tier: 'silver' } });
      await bench.widget(namespace, 'd');
      expect(names(await bench.api.list(WIDGET, { namespace, labelSelector }))).toEqual(found);
    });

    test('a field selector finds by name', async () => {
      const namespace = await bench.namespace();
      for (const name of ['x', 'y']) await bench.widget(namespace, name);
      expect(names(await bench.api.list(WIDGET, { namespace, fieldSelector: 'metadata.name=y' }))).toEqual([
        'y',
      ]);
      expect(names(await bench.api.list(WIDGET, { namespace, fieldSelector: 'metadata.name!=y' }))).toEqual([
        'x',
      ]);
    });

    test('a field that cannot be selected by is refused', async () => {
      const namespace = await bench.namespace();
      const refusal = await refusalOf(bench.api.list(WIDGET, { namespace, fieldSelector: 'spec.size=1' }));
      expect(refusal).toMatchObject({
        reason: 'BadRequest',
        message: 'field label not supported: spec.size',
      });
    });

    test('a malformed label selector is refused', async () => {
      const refusal = await refusalOf(bench.api.list(WIDGET, { labelSelector: 'a in b' }));
      expect(refusal.reason).toBe('BadRequest');
    });

    test.each([{}, { limit: 1 }])('not older than a version, with %j, or not at all', async (more) => {
      const namespace = await bench.namespace();
      const { metadata } = await bench.widget(namespace, 'a');
      const { resourceVersion } = metadata;
      const list = await bench.api.list(WIDGET, { namespace, notOlderThan: resourceVersion, ...more });
      expect(names(list)).toEqual(['a']);
      const notOlderThan = String(Number(resourceVersion) + 1_000_000);
      const refusal = await refusalOf(bench.api.list(WIDGET, { namespace, notOlderThan, ...more }));
      expect(refusal).toMatchObject({
        reason: 'Timeout',
        causes: ['ResourceVersionTooLarge '],
      });
    });

    test('pages show one instant, whatever happens between them', async () => {
      const namespace = await bench.namespace();
      for (const name of ['a', 'b', 'c', 'd', 'e']) await bench.widget(namespace, name);
      const first = await bench.api.list(WIDGET, { namespace, limit: 2 });
      expect(names(first)).toEqual(['a', 'b']);
      await bench.widget(namespace, 'bb');
      await bench.api.delete(WIDGET, { namespace, name: 'd' });
      const second = await bench.api.list(WIDGET, { namespace, limit: 2, continue: first.continue ?? '' });
      const third = await bench.api.list(WIDGET, { namespace, limit: 2, continue: second.continue ?? '' });
      expect([...names(second), ...names(third)]).toEqual(['c', 'd', 'e']);
      expect(third.continue).toBeUndefined();
      expect([second.resourceVersion, third.resourceVersion]).toEqual([
        first.resourceVersion,
        first.resourceVersion,
      ]);
    });

    test('a continue token that is none is refused', async () => {
      const refusal = await refusalOf(bench.api.list(WIDGET, { limit: 1, continue: 'nonsense' }));
      expect(refusal.reason).toBe('BadRequest');
    });
  });
}
