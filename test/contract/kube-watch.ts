import { afterEach, describe, expect, test } from 'vitest';
import type { WatchEvent, WatchOptions } from '../../src/kube/api.ts';
import type { Bench } from './kube.ts';
import { WIDGET, type Widget } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

export function watchContract(bench: Bench): void {
  describe('watch', () => {
    const open: AbortController[] = [];
    afterEach(() => {
      for (const controller of open.splice(0)) controller.abort();
    });

    /** Starts a watch; `take(n)` gives the next n events as `TYPE name` lines. */
    function watching(options: Omit<WatchOptions, 'signal'>) {
      const controller = new AbortController();
      open.push(controller);
      const events = bench.api
        .watch(WIDGET, { ...options, signal: controller.signal })
        [Symbol.asyncIterator]();
      const next = async (): Promise<WatchEvent<Widget>> => {
        for (;;) {
          const { value, done } = await events.next();
          if (done === true) throw new Error('the watch ended');
          if (value.type !== 'BOOKMARK') return value;
        }
      };
      const take = async (count: number): Promise<string[]> => {
        const lines: string[] = [];
        while (lines.length < count) {
          const event = await next();
          if (event.type !== 'BOOKMARK') lines.push(`${event.type} ${event.object.metadata.name}`);
        }
        return lines;
      };
      return { events, next, take, controller };
    }

    test('every change after the version arrives, in order', async () => {
      const namespace = await bench.namespace();
      const { resourceVersion } = await bench.api.list(WIDGET, { namespace });
      const { take } = watching({ namespace, resourceVersion });
      const one = await bench.widget(namespace, 'one');
      await bench.widget(namespace, 'two');
      await bench.api.replace(WIDGET, { ...one, spec: { size: 2 } });
      await bench.api.delete(WIDGET, { namespace, name: 'one' });
      expect(await take(4)).toEqual(['ADDED one', 'ADDED two', 'MODIFIED one', 'DELETED one']);
    });

    test('changes made before the watch began are not missed', async () => {
      const namespace = await bench.namespace();
      const { resourceVersion } = await bench.api.list(WIDGET, { namespace });
      await bench.widget(namespace, 'early');
      await bench.api.delete(WIDGET, { namespace, name: 'early' });
      expect(await watching({ namespace, resourceVersion }).take(2)).toEqual([
        'ADDED early',
        'DELETED early',
      ]);
    });

    test('without a version what is there comes first', async () => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'b');
      await bench.widget(namespace, 'a');
      const { take } = watching({ namespace });
      expect((await take(2)).sort()).toEqual(['ADDED a', 'ADDED b']);
      await bench.widget(namespace, 'c');
      expect(await take(1)).toEqual(['ADDED c']);
    });

    test('versions rise, and a deletion carries one of its own', async () => {
      const namespace = await bench.namespace();
      const { resourceVersion } = await bench.api.list(WIDGET, { namespace });
      const { next } = watching({ namespace, resourceVersion });
      await bench.widget(namespace, 'brief');
      await bench.api.delete(WIDGET, { namespace, name: 'brief' });
      const versions = [Number(resourceVersion)];
      for (const type of ['ADDED', 'DELETED']) {
        const event = await next();
        expect(event.type).toBe(type);
        if (event.type !== 'BOOKMARK') versions.push(Number(event.object.metadata.resourceVersion));
      }
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
      expect(new Set(versions).size).toBe(3);
    });

    test('of a version that is yet to come, nothing is said until it is there', async () => {
      const namespace = await bench.namespace();
      const { resourceVersion } = await bench.api.list(WIDGET, { namespace });
      const start = Number(resourceVersion) + 6;
      const { take } = watching({ namespace, resourceVersion: String(start) });
      const later: string[] = [];
      for (const name of 'abcdefghijkl') {
        const { metadata } = await bench.widget(namespace, name);
        if (Number(metadata.resourceVersion) > start) later.push(`ADDED ${name}`);
      }
      expect(later.length).toBeGreaterThan(5);
      expect(later.length).toBeLessThan(12);
      expect(await take(later.length)).toEqual(later);
    });

    test('an object that ceases to fit the selector is deleted, to this watcher', async () => {
      const namespace = await bench.namespace();
      const { resourceVersion } = await bench.api.list(WIDGET, { namespace });
      const { take } = watching({ namespace, resourceVersion, labelSelector: 'tier=gold' });
      const key = { namespace, name: 'moody' };
      const relabel = (tier: string) =>
        bench.api.patch(WIDGET, key, { type: 'merge', body: { metadata: { labels: { tier } } } });
      await bench.widget(namespace, 'moody');
      await relabel('gold');
      await bench.api.patch(WIDGET, key, { type: 'merge', body: { spec: { size: 2 } } });
      await relabel('tin');
      await relabel('lead');
      await relabel('gold');
      await bench.api.delete(WIDGET, key);
      expect(await take(5)).toEqual([
        'ADDED moody',
        'MODIFIED moody',
        'DELETED moody',
        'ADDED moody',
        'DELETED moody',
      ]);
    });

    test('other namespaces stay out', async () => {
      const [mine, other] = [await bench.namespace(), await bench.namespace()];
      const { resourceVersion } = await bench.api.list(WIDGET, {});
      const { take } = watching({ namespace: mine, resourceVersion });
      await bench.widget(other, 'theirs');
      await bench.widget(mine, 'mine');
      expect(await take(1)).toEqual(['ADDED mine']);
    });

    test('one object can be watched by name', async () => {
      const namespace = await bench.namespace();
      const { resourceVersion } = await bench.api.list(WIDGET, { namespace });
      const { take } = watching({ namespace, resourceVersion, fieldSelector: 'metadata.name=this' });
      await bench.widget(namespace, 'that');
      await bench.widget(namespace, 'this');
      expect(await take(1)).toEqual(['ADDED this']);
    });

    test('a write that changes nothing is no event', async () => {
      const namespace = await bench.namespace();
      const before = await bench.widget(namespace, 'quiet');
      const { take } = watching({ namespace, resourceVersion: before.metadata.resourceVersion });
      await bench.api.replace(WIDGET, before);
      await bench.widget(namespace, 'loud');
      expect(await take(1)).toEqual(['ADDED loud']);
    });

    test('it ends quietly when it is aborted', async () => {
      const namespace = await bench.namespace();
      const { events, controller } = watching({ namespace });
      const pending = events.next();
      controller.abort();
      expect((await pending).done).toBe(true);
    });

    test('a version that makes no sense is refused', async () => {
      const namespace = await bench.namespace();
      const { events } = watching({ namespace, resourceVersion: 'yesterday' });
      expect((await refusalOf(events.next())).reason).toBe('InternalError');
    });

    test('a kind that nobody serves is not found', async () => {
      const controller = new AbortController();
      open.push(controller);
      const nothing = { ...WIDGET, plural: 'gadgets' };
      const events = bench.api.watch(nothing, { signal: controller.signal })[Symbol.asyncIterator]();
      expect((await refusalOf(events.next())).reason).toBe('NotFound');
    });
  });
}
