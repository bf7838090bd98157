import { expect, test } from 'vitest';
import { Informer, type InformerOptions } from '../../operator/runtime/informer.ts';
import { Metrics } from '../../operator/runtime/metrics.ts';
import type { KubeApi, WatchOptions } from '../../src/kube/api.ts';
import { NODE, type Node } from '../../src/kube/core.ts';
import { KubeError } from '../../src/kube/error.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { ClusterInTest } from '../cluster/cluster-in-test.ts';

/** A cluster whose watches can be made to end, err or fall silent, and an informer of its Nodes. */
class Watched {
  readonly world = new ClusterInTest({ historyLimit: 20 });
  readonly metrics = new Metrics();
  readonly seen: string[] = [];
  readonly informer: Informer<Node>;
  readonly #ended = new AbortController();
  #cut: (error?: Error) => void = () => {};
  isDeaf = false;

  constructor(options: InformerOptions<Node> = {}) {
    const kube = this.#frail(this.world.api);
    const random = SeededRandom.ofSeed(1);
    this.informer = new Informer(
      { kube, clock: this.world.clock, random, metrics: this.metrics },
      NODE,
      options,
    );
    this.informer.onChange((before, after) => {
      const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
      this.seen.push(`${sign}${(after ?? before)?.metadata.name}`);
    });
  }

  async start(): Promise<void> {
    void this.informer.run(this.#ended.signal);
    await this.world.pass();
  }

  cut(error?: Error): void {
    this.#cut(error);
  }

  async add(...names: readonly string[]): Promise<void> {
    for (const name of names)
      await this.world.api.create(NODE, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    await this.world.pass();
  }

  get names(): string[] {
    return [...this.informer.values()].map(({ metadata }) => metadata.name).sort();
  }

  #frail(api: KubeApi): KubeApi {
    const watched = this;
    return {
      get: (...all) => api.get(...all),
      list: (...all) => api.list(...all),
      create: (...all) => api.create(...all),
      replace: (...all) => api.replace(...all),
      patch: (...all) => api.patch(...all),
      delete: (...all) => api.delete(...all),
      deleteCollection: (...all) => api.deleteCollection(...all),
      async *watch(kind, options: WatchOptions) {
        const broken = Promise.withResolvers<'ended'>();
        watched.#cut = (error) => (error === undefined ? broken.resolve('ended') : broken.reject(error));
        const events = api.watch(kind, options)[Symbol.asyncIterator]();
        for (;;) {
          const next = await Promise.race([events.next(), broken.promise]);
          if (next === 'ended' || next.done === true) return;
          if (!watched.isDeaf) yield next.value;
        }
      },
    };
  }
}

test('what is there is listed page by page, what comes and goes is told', async () => {
  const watched = new Watched({ pageSize: 2 });
  await watched.add('a', 'b', 'c', 'd', 'e');
  await watched.start();
  expect(watched.informer.hasSynced).toBe(true);
  expect(watched.names).toEqual(['a', 'b', 'c', 'd', 'e']);
  await watched.add('f');
  await watched.world.api.delete(NODE, { name: 'a' });
  await watched.world.pass();
  expect(watched.seen.slice(5)).toEqual(['+f', '-a']);
  expect(watched.informer.get('f')?.metadata.name).toBe('f');
});

test('a watch that ends is taken up where it ended: nothing is missed, nothing is listed again', async () => {
  const watched = new Watched();
  await watched.start();
  for (const name of ['a', 'b', 'c']) {
    watched.cut();
    await watched.add(name);
    await watched.world.pass(60_000);
  }
  expect(watched.seen).toEqual(['+a', '+b', '+c']);
  expect(watched.metrics.read()).toMatchObject({ 'informer:listed': 1, 'informer:watch-ended': 3 });
});

test('any error is survived', async () => {
  const watched = new Watched();
  await watched.start();
  for (const error of [new KubeError('InternalError', 'no'), new TypeError('a bug in an adapter')]) {
    watched.cut(error);
    await watched.world.pass(60_000);
  }
  await watched.add('a');
  expect(watched.names).toEqual(['a']);
  expect(watched.metrics.read()).toMatchObject({ 'informer:listed': 1, 'informer:watch-failed': 2 });
});

test('a version that is too old leads to a new list, and only differences are told', async () => {
  const watched = new Watched();
  await watched.add('a', 'b');
  await watched.start();
  watched.cut();
  await watched.world.api.delete(NODE, { name: 'a' });
  for (let index = 0; index < 40; index++) await watched.add(`n${index}`);
  await watched.world.pass(60_000);
  expect(watched.names).toHaveLength(41);
  expect(watched.seen.slice(0, 3)).toEqual(['+a', '+b', '-a']);
  expect(watched.metrics.read()['informer:listed']).toBe(2);
});

test('a watch that says nothing for too long is replaced by one that begins where it fell silent', async () => {
  const watched = new Watched({ inactivityMs: 60_000 });
  await watched.start();
  watched.isDeaf = true;
  await watched.add('a');
  expect(watched.names).toEqual([]);
  watched.isDeaf = false;
  await watched.world.pass(62_000);
  expect(watched.names).toEqual(['a']);
  expect(watched.metrics.read()).toMatchObject({ 'informer:listed': 1, 'informer:watch-silent': 1 });
});

test('when one watch after the other says nothing, none is believed', async () => {
  const watched = new Watched({ inactivityMs: 60_000 });
  await watched.start();
  watched.isDeaf = true;
  await watched.add('a');
  await watched.world.pass(200_000);
  expect(watched.names).toEqual(['a']);
  expect(watched.metrics.read()).toMatchObject({ 'informer:missed-event': 1, 'informer:listed': 2 });
});

test('an API that is away when the informer starts is waited for', async () => {
  let away = true;
  const world = new ClusterInTest({
    intercept: (verb) =>
      verb === 'list' && away ? { error: new KubeError('Unreachable', 'no route') } : undefined,
  });
  const random = SeededRandom.ofSeed(1);
  const informer = new Informer(
    { kube: world.api, clock: world.clock, random, metrics: new Metrics() },
    NODE,
  );
  void informer.run(new AbortController().signal);
  await world.pass(60_000);
  expect(informer.hasSynced).toBe(false);
  away = false;
  await world.pass(60_000);
  expect(informer.hasSynced).toBe(true);
});

test('an index follows its objects', async () => {
  const watched = new Watched({
    indexes: { zone: ({ metadata }) => (metadata.labels?.zone ? [metadata.labels.zone] : []) },
  });
  await watched.start();
  await watched.add('b', 'a');
  const zone = async (name: string, value: string | null): Promise<void> => {
    await watched.world.api.patch(
      NODE,
      { name },
      { type: 'merge', body: { metadata: { labels: { zone: value } } } },
    );
    await watched.world.pass();
  };
  const inZone = (value: string): string[] =>
    watched.informer.byIndex('zone', value).map(({ metadata }) => metadata.name);
  await zone('b', 'east');
  await zone('a', 'east');
  expect(inZone('east')).toEqual(['a', 'b']);
  await zone('a', 'west');
  await zone('b', null);
  expect([inZone('east'), inZone('west')]).toEqual([[], ['a']]);
  expect(() => watched.informer.byIndex('colour', 'red')).toThrow(RangeError);
});
