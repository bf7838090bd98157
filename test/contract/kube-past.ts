import { beforeAll, describe, expect, test } from 'vitest';
import type { KubeList } from '../../src/kube/api.ts';
import { KubeError } from '../../src/kube/error.ts';
import type { Bench } from './kube.ts';
import { WIDGET, type Widget } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

/** What remains of the past once a server has forgotten it. Comes last: it disturbs every other reader. */
export function pastContract(bench: Bench): void {
  describe('a past that is forgotten', () => {
    let namespace: string;
    let before: string;
    let page: KubeList<Widget>;

    beforeAll(async () => {
      namespace = await bench.namespace();
      ({ resourceVersion: before } = await bench.api.list(WIDGET, { namespace }));
      for (const name of ['a', 'b', 'c', 'd']) await bench.widget(namespace, name);
      page = await bench.api.list(WIDGET, { namespace, limit: 2 });
      await bench.widget(namespace, 'bb');
      await bench.api.delete(WIDGET, { namespace, name: 'd' });
      await bench.forgetPast();
    });

    test('nobody can watch from there', async () => {
      const { signal } = new AbortController();
      const events = bench.api.watch(WIDGET, { namespace, resourceVersion: before, signal });
      const refusal = await refusalOf(events[Symbol.asyncIterator]().next());
      expect(refusal).toMatchObject({ reason: 'Expired', code: 410 });
      expect(refusal.message).toMatch(/^too old resource version: \d+ \(\d+\)$/);
    });

    test('its pages are torn out, but the rest can be had as it is now', async () => {
      const next = bench.api.list(WIDGET, { namespace, limit: 1, continue: page.continue ?? '' });
      const error = await next.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof KubeError)) throw new Error(`not a refusal: ${error}`);
      expect([error.reason, error.code]).toEqual(['Expired', 410]);
      expect(error.message).toMatch(/^The provided continue parameter is too old .* inconsistent list/);
      const rest = await bench.api.list(WIDGET, { namespace, continue: error.details.continue ?? '' });
      expect(rest.items.map(({ metadata }) => metadata.name)).toEqual(['bb', 'c']);
      expect(Number(rest.resourceVersion)).toBeGreaterThan(Number(page.resourceVersion));
    });

    test('what is now is as it was', async () => {
      const { items, resourceVersion } = await bench.api.list(WIDGET, { namespace });
      expect(items.map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'bb', 'c']);
      const { signal } = new AbortController();
      const events = bench.api.watch(WIDGET, { namespace, resourceVersion, signal })[Symbol.asyncIterator]();
      await bench.widget(namespace, 'later');
      expect((await events.next()).value).toMatchObject({ type: 'ADDED' });
    });

    bench.needing('HTTP', 'lists of it', () => {
      test.each([
        ['GET', { resourceVersionMatch: 'Exact' }],
        ['GET', { limit: 2 }],
        ['DELETE', { resourceVersionMatch: 'Exact' }],
      ])('%s with %j is expired', async (method, query) => {
        const path = `/apis/${WIDGET.apiVersion}/namespaces/${namespace}/widgets`;
        const asked = { resourceVersion: before, ...query };
        expect(await bench.wire.refusal(method, path, { query: asked })).toMatchObject({
          reason: 'Expired',
          code: 410,
          message: 'The resourceVersion for the provided list is too old.',
        });
      });

      test('not older than it is what is now', async () => {
        const path = `/apis/${WIDGET.apiVersion}/namespaces/${namespace}/widgets`;
        const query = { resourceVersion: before, resourceVersionMatch: 'NotOlderThan' };
        expect((await bench.wire.send('GET', path, { query })).status).toBe(200);
      });
    });
  });
}
