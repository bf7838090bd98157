import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Informer, type InformerOptions } from '../../operator/runtime/informer.ts';
import { Metrics } from '../../operator/runtime/metrics.ts';
import { compareVersions } from '../../operator/runtime/resource-version.ts';
import type { WatchIntercept } from '../../sim/cluster/watch-fault.ts';
import { ApiWeather, type Front } from '../../sim/faults/api-weather.ts';
import { NODE, type Node } from '../../src/kube/core.ts';
import { KubeError } from '../../src/kube/error.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { ClusterInTest } from '../cluster/cluster-in-test.ts';
import { CountingClock } from './counting-clock.ts';

const MINUTE_MS = 60_000;

/** An informer of Nodes in a cluster with weather, and what it told. */
class Rig {
  readonly weather = new ApiWeather(SeededRandom.ofSeed(1));
  /** Events that the server loses on the way, bookmarks never. */
  lost: (name: string) => boolean = () => false;
  /** Verbs with the minute in which they were asked. */
  readonly asked: string[] = [];
  readonly world: ClusterInTest;
  readonly clock: CountingClock;
  readonly metrics = new Metrics();
  readonly told: string[] = [];
  readonly informer: Informer<Node>;
  readonly #ended = new AbortController();

  constructor(options: InformerOptions<Node> = {}, historyLimit = 1000) {
    const interceptWatch: WatchIntercept = (kind, delivery, user) =>
      delivery.type !== 'BOOKMARK' && this.lost(delivery.object.metadata.name)
        ? { kind: 'withheld' }
        : this.weather.interceptWatch(kind, delivery, user);
    this.world = new ClusterInTest({
      historyLimit,
      interceptWatch,
      intercept: (verb, kind, key, user) => {
        if (user === 'reader') this.asked.push(verb);
        return this.weather.intercept(verb, kind, key, user);
      },
    });
    this.clock = new CountingClock(this.world.clock);
    const random = SeededRandom.ofSeed(1);
    const kube = this.world.cluster.api('reader');
    this.informer = new Informer({ kube, clock: this.clock, random, metrics: this.metrics }, NODE, options);
    this.informer.onChange((before, after, source) => {
      const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
      this.told.push(`${sign}${(after ?? before)?.metadata.name} ${source}`);
    });
  }

  async start(): Promise<this> {
    void this.informer.run(this.#ended.signal);
    await this.pass();
    return this;
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.pass();
  }

  pass(durationMs = 0): Promise<void> {
    return this.world.pass(durationMs);
  }

  weatherFor(front: Omit<Front, 'selects'>): () => void {
    return this.weather.add({ ...front, selects: { users: ['reader'] } });
  }

  async add(...names: readonly string[]): Promise<void> {
    for (const name of names)
      await this.world.api.create(NODE, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    await this.pass();
  }

  async label(name: string, value: string): Promise<void> {
    const body = { metadata: { labels: { value } } };
    await this.world.api.patch(NODE, { name }, { type: 'merge', body });
    await this.pass();
  }

  async remove(name: string): Promise<void> {
    await this.world.api.delete(NODE, { name });
    await this.pass();
  }

  counted(name: string): number {
    return this.metrics.read()[`informer:${name}`] ?? 0;
  }

  get names(): string[] {
    return [...this.informer.values()].map(({ metadata }) => metadata.name).sort();
  }
}

test('who is told to wait waits so long, and a little longer than others', async () => {
  const rig = await new Rig().start();
  const error = new KubeError('TooManyRequests', 'later', { retryAfterSeconds: 120 });
  const heal = rig.weatherFor({ fault: 'throttled', request: () => ({ error }) });
  rig.world.cluster.dropWatches();
  await rig.pass(MINUTE_MS);
  rig.asked.length = 0;
  await rig.pass(MINUTE_MS);
  expect(rig.asked).toEqual([]);
  heal();
  await rig.pass(MINUTE_MS);
  expect(rig.asked).toEqual(['list', 'watch']);
});

test('a list whose pages expire half-way is read at once', async () => {
  const rig = new Rig({ pageSize: 2 });
  await rig.add('a', 'b', 'c', 'd', 'e');
  const error = new KubeError('Expired', 'too old');
  rig.weatherFor({ fault: 'page', request: (_, __, { continued }) => (continued ? { error } : undefined) });
  await rig.start();
  expect(rig.names).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(rig.asked).toEqual(['list', 'list', 'list', 'watch']);
});

test('bookmarks move a quiet watch on, so that what it does not care for never makes it list again', async () => {
  const rig = await new Rig({ fieldSelector: 'metadata.name=mine', auditMs: 1e9 }, 1500).start();
  for (let index = 0; index < 2500; index++)
    await rig.world.api.create(NODE, { apiVersion: 'v1', kind: 'Node', metadata: { name: `n${index}` } });
  rig.world.cluster.dropWatches();
  await rig.pass(MINUTE_MS);
  await rig.add('mine');
  expect(rig.names).toEqual(['mine']);
  expect(rig.counted('listed')).toBe(1);
});

test('what is said twice is told once', async () => {
  const rig = await new Rig().start();
  rig.weatherFor({ fault: 'twice', delivery: () => ({ kind: 'duplicated' }) });
  await rig.add('a');
  await rig.label('a', 'x');
  await rig.remove('a');
  expect(rig.told).toEqual(['+a watch', '~a watch', '-a watch']);
  expect(rig.counted('duplicate')).toBe(3);
});

describe('the safety net', () => {
  test('finds what the watch should have told, tells it and counts it', async () => {
    const rig = await new Rig({ auditMs: 10 * MINUTE_MS, inactivityMs: 60 * MINUTE_MS }).start();
    await rig.add('kept', 'gone', 'changed');
    rig.lost = () => true;
    await rig.add('new');
    await rig.label('changed', 'x');
    await rig.remove('gone');
    rig.lost = () => false;
    await rig.add('later');
    await rig.pass(13 * MINUTE_MS);
    rig.told.length = 0;
    await rig.add('last', 'end');
    expect(rig.told.sort()).toEqual(
      ['+end watch', '+last watch', '+new list', '-gone list', '~changed list'].sort(),
    );
    expect(rig.names).toEqual(['changed', 'end', 'kept', 'last', 'later', 'new']);
    expect(rig.counted('missed-event')).toBe(3);
  });

  test('finds nothing when there is nothing, however much happens meanwhile', async () => {
    const rig = await new Rig({ auditMs: MINUTE_MS }).start();
    rig.weatherFor({
      fault: 'slow',
      request: (verb) => (verb === 'list' ? { latencyMs: 3_500 } : undefined),
    });
    rig.weatherFor({ fault: 'late', probability: 0.3, delivery: () => ({ kind: 'delayed', byMs: 2_500 }) });
    for (let index = 0; index < 600; index++) {
      await rig.add(`n${index}`);
      if (index % 3 === 0) await rig.remove(`n${index >> 1}`).catch(() => {});
      await rig.pass(1_000);
    }
    expect(rig.counted('audited')).toBeGreaterThan(4);
    expect(rig.counted('missed-event')).toBe(0);
  });

  test('a list that fails is tried again', async () => {
    const rig = await new Rig({ auditMs: 10 * MINUTE_MS, inactivityMs: 60 * MINUTE_MS }).start();
    const error = new KubeError('InternalError', 'no');
    const heal = rig.weatherFor({ fault: 'x', request: (verb) => (verb === 'list' ? { error } : undefined) });
    await rig.pass(13 * MINUTE_MS);
    await rig.add('a');
    expect(rig.counted('audit-failed')).toBe(1);
    heal();
    await rig.pass(5 * MINUTE_MS);
    await rig.add('b', 'c');
    expect(rig.counted('audited')).toBe(1);
  });
});

describe('a server that lost its data', () => {
  test('is seen by its versions; what is gone is told gone, and a second object of a name is another', async () => {
    const rig = new Rig();
    await rig.add('installed');
    rig.world.cluster.markInstalled();
    await rig.start();
    await rig.label('installed', 'x');
    await rig.add('a', 'b', 'c', 'd', 'e');
    rig.world.cluster.restart('lost');
    await rig.add('b');
    rig.told.length = 0;
    await rig.pass(MINUTE_MS);
    expect(rig.told).toEqual([
      '-a list',
      '-c list',
      '-d list',
      '-e list',
      '-b list',
      '+b list',
      '~installed list',
    ]);
    expect(rig.counted('went-back')).toBe(1);
    expect(rig.counted('missed-event')).toBe(0);
    await rig.add('f');
    expect(rig.names).toEqual(['b', 'f', 'installed']);
  });

  test('is found out by the safety net when its versions have caught up before anybody looked', async () => {
    const rig = await new Rig({ auditMs: 10 * MINUTE_MS, inactivityMs: 60 * MINUTE_MS }).start();
    await rig.add('a', 'b');
    rig.world.cluster.restart('lost');
    await rig.add('c', 'd', 'e', 'f');
    await rig.pass(13 * MINUTE_MS);
    expect(rig.names).toEqual(['a', 'b', 'e', 'f']);
    await rig.add('g', 'h');
    expect(rig.names).toEqual(['c', 'd', 'e', 'f', 'g', 'h']);
    expect(rig.counted('missed-event')).toBe(4);
  });
});

test('whoever stops leaves no timer and no watch behind, however often it was disturbed', async () => {
  const rig = await new Rig({ inactivityMs: MINUTE_MS }).start();
  const heals = (['dropped', 'cut', 'stalled'] as const).map((kind) =>
    rig.weatherFor({ fault: kind, probability: 0.2, delivery: () => ({ kind }) }),
  );
  for (let index = 0; index < 200; index++) {
    await rig.add(`n${index}`);
    await rig.pass(10_000);
  }
  for (const heal of heals) heal();
  await rig.pass(5 * MINUTE_MS);
  expect(rig.names).toHaveLength(200);
  expect(rig.world.cluster.server.watches.count).toBeLessThan(2);
  expect(rig.clock.pending).toBeLessThan(3);
  await rig.stop();
  expect([rig.world.cluster.server.watches.count, rig.clock.pending]).toEqual([0, 0]);
});

test('versions are compared as numbers of any length, and not at all when they are none', () => {
  const natural = fc.bigInt({ min: 0n, max: 2n ** 80n });
  fc.assert(
    fc.property(natural, natural, (left, right) => {
      const order = compareVersions(String(left), String(right)) ?? Number.NaN;
      expect(Math.sign(order)).toBe(left < right ? -1 : left > right ? 1 : 0);
    }),
  );
  expect(compareVersions('v2', '10')).toBeUndefined();
  expect(compareVersions('v2', 'v2')).toBe(0);
});
