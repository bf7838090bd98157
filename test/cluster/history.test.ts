import { describe, expect, test } from 'vitest';
import type { WatchEvent, WatchOptions } from '../../src/kube/api.ts';
import { NAMESPACE, type Namespace } from '../../src/kube/core.ts';
import { refusalOf } from '../contract/refusal.ts';
import { ClusterInTest } from './cluster-in-test.ts';

function inTest(historyLimit: number) {
  const world = new ClusterInTest({ historyLimit });
  let count = 0;
  const write = async (times: number): Promise<void> => {
    for (let index = 0; index < times; index++)
      await world.api.create(NAMESPACE, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: `n-${count++}` },
      });
  };
  const watch = (options: Omit<WatchOptions, 'signal'>): AsyncIterator<WatchEvent<Namespace>> =>
    world.api.watch(NAMESPACE, { ...options, signal: new AbortController().signal })[Symbol.asyncIterator]();
  return { ...world, world, write, watch };
}

describe('the past', () => {
  test('a watch from a forgotten version is told so, with 410', async () => {
    const { write, watch, api } = inTest(10);
    const { resourceVersion } = await api.list(NAMESPACE);
    await write(11);
    const refusal = await refusalOf(watch({ resourceVersion }).next());
    expect(refusal).toMatchObject({ reason: 'Expired', code: 410 });
    expect(refusal.message).toMatch(/^too old resource version: \d+ \(\d+\)$/);
  });

  test('as many changes as promised can be caught up with, gaplessly, at every length of the past', async () => {
    const { write, watch, api } = inTest(10);
    for (let round = 0; round < 30; round++) {
      const { resourceVersion } = await api.list(NAMESPACE);
      await write(10);
      const events = watch({ resourceVersion });
      const versions: number[] = [];
      for (let index = 0; index < 10; index++) {
        const { value } = await events.next();
        if (value.type !== 'BOOKMARK') versions.push(Number(value.object.metadata.resourceVersion));
      }
      expect(versions).toEqual(versions.map((_, index) => Number(resourceVersion) + 1 + index));
      await write(1);
    }
  });

  test('compaction forgets everything, but not what is to come', async () => {
    const { write, watch, api, cluster } = inTest(100);
    const before = await api.list(NAMESPACE);
    await write(1);
    const { resourceVersion } = await api.list(NAMESPACE);
    cluster.compact();
    expect((await refusalOf(watch({ resourceVersion: before.resourceVersion }).next())).reason).toBe(
      'Expired',
    );
    const events = watch({ resourceVersion });
    const next = events.next();
    await write(1);
    expect((await next).value.type).toBe('ADDED');
  });
});

test('a watch from a version that is yet to come hears nothing of before, bookmarks included', async () => {
  const { write, watch, cluster } = inTest(10_000);
  const start = cluster.server.store.version + 1500;
  const events = watch({ resourceVersion: String(start), allowWatchBookmarks: true });
  const first = events.next();
  await write(1501);
  expect((await first).value).toMatchObject({
    type: 'ADDED',
    object: { metadata: { resourceVersion: String(start + 1) } },
  });
});

test('a quiet watch gets bookmarks, if it asked for them, and may start again from one', async () => {
  const { write, watch, cluster } = inTest(10_000);
  const fieldSelector = 'metadata.name=n-1500';
  const { version } = cluster.server.store;
  const asked = watch({ resourceVersion: String(version), fieldSelector, allowWatchBookmarks: true });
  const silent = watch({ resourceVersion: String(version), fieldSelector });
  const [first, only] = [asked.next(), silent.next()];
  await write(1501);
  expect((await first).value).toMatchObject({ type: 'BOOKMARK', resourceVersion: '1000' });
  expect((await asked.next()).value.type).toBe('ADDED');
  expect((await only).value.type).toBe('ADDED');
});

test('a fault can end the watches of one user and leave the others alone', async () => {
  const { cluster, write } = inTest(10);
  const open = (user: string): Promise<IteratorResult<unknown>> => {
    const { signal } = new AbortController();
    const { version } = cluster.server.store;
    return cluster
      .api(user)
      .watch(NAMESPACE, { signal, resourceVersion: String(version) })
      [Symbol.asyncIterator]()
      .next();
  };
  const [victim, bystander] = [open('victim'), open('bystander')];
  await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  expect(cluster.dropWatches(({ user }) => user === 'victim')).toBe(1);
  expect((await victim).done).toBe(true);
  await write(1);
  expect((await bystander).done).toBe(false);
});

test('a list goes on as long as it is at hand or history reaches back to it', async () => {
  const { write, api } = inTest(10);
  await write(3);
  const { continue: token = '', items } = await api.list(NAMESPACE, { limit: 1 });
  const others = async (): Promise<void> => {
    for (let index = 0; index < 64; index++) {
      await write(1);
      await api.list(NAMESPACE, { limit: 1 });
    }
  };
  expect(items).toHaveLength(1);
  await write(20);
  const rest = await api.list(NAMESPACE, { continue: token });
  expect(rest.items).toHaveLength(6);
  await others();
  expect(await refusalOf(api.list(NAMESPACE, { continue: token }))).toMatchObject({ reason: 'Expired' });
});
