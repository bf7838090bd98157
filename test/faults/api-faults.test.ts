import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { usersOf } from '../../sim/cast.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { trustedUser } from '../../sim/cluster/auth/user.ts';
import { EmbeddedCluster } from '../../sim/cluster/embedded-cluster.ts';
import { HttpDoor } from '../../sim/cluster/http/http-door.ts';
import { ApiWeather } from '../../sim/faults/api-weather.ts';
import { injectFault } from '../../sim/faults/inject.ts';
import { installDefinitions } from '../../sim/install.ts';
import type { KubeApi } from '../../src/kube/api.ts';
import { NODE, type Node } from '../../src/kube/core.ts';
import { DEVICE } from '../../src/kube/device.ts';
import { KubeError } from '../../src/kube/error.ts';
import { SeededRandom } from '../../src/random/random.ts';
import type { FaultName } from '../../src/scenario/fault.ts';
import type { Clock } from '../../src/time/clock.ts';
import { WallClock } from '../cluster/wall-clock.ts';

type Said = Readonly<Record<string, number | string>>;

const [OPERATOR = ''] = usersOf('operator');
const [AKRI = ''] = usersOf('akri');

/** What a story can do to an API server, and three who use it: the operator, Akri and the story itself. */
class Bench {
  readonly clock: Clock;
  readonly cluster: EmbeddedCluster;
  readonly weather = new ApiWeather(SeededRandom.ofSeed(1));
  readonly operator: KubeApi;
  readonly akri: KubeApi;
  readonly story: KubeApi;
  readonly #pass: (ms: number) => Promise<void>;
  readonly #doors: readonly HttpDoor[];
  readonly #open: AbortController[] = [];

  static async inProcess(): Promise<Bench> {
    const clock = new VirtualClock();
    const pass = async (ms: number): Promise<void> => void (await clock.run(() => false, clock.nowMs + ms));
    return new Bench(clock, pass, (cluster, user) => cluster.api(user), []).installed();
  }

  static async overHttp(): Promise<Bench> {
    let url = '';
    const doors: HttpDoor[] = [];
    // The token of each is their name.
    const apiOf = (_: EmbeddedCluster, user: string): KubeApi =>
      ClientNodeKubeApi.connect({
        get url() {
          return url;
        },
        token: user,
      });
    const bench = new Bench(new WallClock(), (ms) => pause(ms), lazily(apiOf), doors);
    const door = new HttpDoor(bench.cluster);
    doors.push(door);
    url = await door.listen();
    return bench.installed();
  }

  private constructor(
    clock: Clock,
    pass: (ms: number) => Promise<void>,
    apiOf: (cluster: EmbeddedCluster, user: string) => KubeApi,
    doors: readonly HttpDoor[],
  ) {
    const { intercept, interceptWatch } = this.weather;
    const random = SeededRandom.ofSeed(1);
    this.clock = clock;
    const users = new Map([OPERATOR, AKRI, 'admin'].map((name) => [name, trustedUser(name)]));
    this.cluster = new EmbeddedCluster({
      ...{ clock, random, freeze: true, intercept, interceptWatch },
      access: { users },
    });
    this.#pass = pass;
    this.#doors = doors;
    this.operator = apiOf(this.cluster, OPERATOR);
    this.akri = apiOf(this.cluster, AKRI);
    this.story = apiOf(this.cluster, 'admin');
  }

  async installed(): Promise<this> {
    await installDefinitions(this.cluster.api());
    await this.cluster.api().create(NODE, nodeCalled('installed'));
    this.cluster.markInstalled();
    return this;
  }

  /** Numbers are parameters, texts are words, as a scenario's are after planning. */
  inject(fault: FaultName, said: Said = {}): Promise<() => Promise<void>> {
    const { weather, cluster } = this;
    const numbers = Object.entries(said).filter(([, value]) => typeof value === 'number');
    const texts = Object.entries(said).filter(([, value]) => typeof value === 'string');
    const order = {
      fault,
      boards: [],
      parameters: Object.fromEntries(numbers) as Record<string, number>,
      words: Object.fromEntries(texts) as Record<string, string>,
    };
    const cast = {
      killOperator() {},
      startOperator() {},
      killAgents() {},
      loseNode: () => false,
      recoverNode() {},
    };
    const api = { weather, cluster, usersOf };
    const stage = { boards: new Map(), links: undefined, api, registry: undefined, cast };
    return injectFault(stage, order, () => {});
  }

  async add(...names: readonly string[]): Promise<void> {
    for (const name of names) await this.cluster.api().create(NODE, nodeCalled(name));
    await this.#pass(0);
  }

  /** Lets the answer come, however long it takes on this bench's clock. */
  async answer<T>(asked: Promise<T>): Promise<T> {
    let settled = false;
    asked.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    while (!settled) await this.#pass(10);
    return asked;
  }

  /** Watches from now on and notes what comes: `+name`, `-name`, `bookmark`, and how it ended. */
  async watch(api: KubeApi): Promise<string[]> {
    const heard: string[] = [];
    const { resourceVersion } = await this.cluster.api().list(NODE);
    const { count } = this.cluster.server.watches;
    void this.#follow(api, resourceVersion, heard);
    while (this.cluster.server.watches.count === count && !heard.includes('410')) await this.#pass(1);
    return heard;
  }

  async #follow(api: KubeApi, resourceVersion: string, heard: string[]): Promise<void> {
    const ending = new AbortController();
    this.#open.push(ending);
    const { signal } = ending;
    try {
      for await (const event of api.watch(NODE, { resourceVersion, allowWatchBookmarks: true, signal }))
        heard.push(
          event.type === 'BOOKMARK'
            ? 'bookmark'
            : `${event.type === 'DELETED' ? '-' : '+'}${event.object.metadata.name}`,
        );
      heard.push('ended');
    } catch (error) {
      heard.push(String((error as { code: number }).code));
    }
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await this.#pass(5);
  }

  async close(): Promise<void> {
    for (const ending of this.#open) ending.abort();
    for (const door of this.#doors) await door.close();
  }
}

/** Makes a client with its first request: the doors are open by then. */
function lazily(
  apiOf: (cluster: EmbeddedCluster, user: string) => KubeApi,
): (cluster: EmbeddedCluster, user: string) => KubeApi {
  return (cluster, user) => {
    let made: KubeApi | undefined;
    return new Proxy({} as KubeApi, {
      get: (_, method: keyof KubeApi) => {
        made ??= apiOf(cluster, user);
        return made[method].bind(made);
      },
    });
  };
}

async function refusalOf(asked: Promise<unknown>): Promise<KubeError> {
  const failure = await asked.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof KubeError)) throw new Error('the request was not refused', { cause: failure });
  return failure;
}

const nodeCalled = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } }) as const;

describe.each([
  ['in process', () => Bench.inProcess()],
  ['over HTTP', () => Bench.overHttp()],
])('faults of the API %s', (_, open) => {
  let bench: Bench;
  afterEach(() => bench.close());
  const get = (api: KubeApi, name = 'installed'): Promise<Node> => api.get(NODE, { name });

  test.each([
    ['api-unavailable', {}, { code: 503, reason: 'ServiceUnavailable' }],
    ['api-error', {}, { code: 500, reason: 'InternalError' }],
    ['api-error', { code: '504' }, { code: 504, reason: 'Timeout' }],
    [
      'api-throttled',
      { 'retry-after': 2_500 },
      { code: 429, reason: 'TooManyRequests', details: { retryAfterSeconds: 3 } },
    ],
    ['api-conflict', { probability: 1 }, { code: 409, reason: 'Conflict' }],
  ] as const)(
    '%s %j answers as the server would, until it heals, and others never',
    async (fault, said, told) => {
      bench = await open();
      const heal = await bench.inject(fault, said);
      const write = (api: KubeApi): Promise<Node> =>
        api.patch(NODE, { name: 'installed' }, { type: 'merge', body: {} });
      expect(await refusalOf(write(bench.operator))).toMatchObject(told);
      await write(bench.akri);
      await heal();
      await write(bench.operator);
      expect(bench.weather.strikes).toEqual(new Map([[fault, 1]]));
    },
  );

  test('a fault strikes what it selects and nothing else, and so often as it says', async () => {
    bench = await open();
    await bench.inject('api-unavailable', { verb: 'get', kind: 'Node', name: 'installed', count: 2 });
    await bench.operator.list(NODE);
    await bench.operator.list(DEVICE);
    expect((await refusalOf(get(bench.operator, 'other'))).code).toBe(404);
    expect((await refusalOf(get(bench.operator))).code).toBe(503);
    expect((await refusalOf(get(bench.operator))).code).toBe(503);
    await get(bench.operator);
    await bench.inject('api-unavailable', { user: 'akri' });
    await get(bench.operator);
    expect((await refusalOf(get(bench.akri))).code).toBe(503);
  });

  test('an answer can be lost although the request was carried out', async () => {
    bench = await open();
    await bench.inject('api-error', { 'carried-out': 'yes', verb: 'create' });
    expect((await refusalOf(bench.operator.create(NODE, nodeCalled('done')))).code).toBe(500);
    expect((await get(bench.operator, 'done')).metadata.name).toBe('done');
  });

  test('a slow server answers late, and right', async () => {
    bench = await open();
    await bench.inject('api-slow', { latency: 40 });
    const askedMs = bench.clock.nowMs;
    await bench.answer(get(bench.operator));
    expect(bench.clock.nowMs - askedMs).toBeGreaterThan(39);
  });

  test('the second page of a list can be gone', async () => {
    bench = await open();
    await bench.add('a');
    await bench.inject('list-expired');
    const page = await bench.operator.list(NODE, { limit: 1 });
    const next = { limit: 1, continue: page.continue ?? '' };
    expect(await refusalOf(bench.operator.list(NODE, next))).toMatchObject({ code: 410, reason: 'Expired' });
    expect((await bench.akri.list(NODE, next)).items).toHaveLength(1);
  });

  test.each([
    ['watch-drop', { count: 1 }, ['+a', 'ended']],
    ['watch-cut', {}, ['+a', '0']],
    ['watch-gone', {}, ['+a', '410']],
    ['watch-duplicated', {}, ['+a', '+b', '+b', '+c', '+c']],
    ['watch-delayed', { by: 30 }, ['+a', '+b', '+c']],
  ] as const)('%s %j strikes a watch that is open already, and nobody else’s', async (fault, said, told) => {
    bench = await open();
    const [struck, spared] = [await bench.watch(bench.operator), await bench.watch(bench.akri)];
    await bench.add('a');
    await bench.until(() => struck.length === 1);
    await bench.inject(fault, said);
    await bench.add('b', 'c');
    await bench.until(() => struck.length >= told.length && spared.length >= 3);
    expect(struck).toEqual(told);
    expect(spared).toEqual(['+a', '+b', '+c']);
    expect(bench.cluster.server.watches.count).toBe(told.some((line) => /\d|ended/.test(line)) ? 1 : 2);
  });

  test('watch-drop without more ends what is open now, once', async () => {
    bench = await open();
    const [struck, spared] = [await bench.watch(bench.operator), await bench.watch(bench.akri)];
    await bench.inject('watch-drop');
    await bench.until(() => struck.length === 1);
    const again = await bench.watch(bench.operator);
    await bench.add('a');
    await bench.until(() => again.length === 1 && spared.length === 1);
    expect([struck, again, spared]).toEqual([['ended'], ['+a'], ['+a']]);
  });

  test('a stalled watch stays open and says nothing, not even that the server went away', async () => {
    bench = await open();
    const stalled = await bench.watch(bench.operator);
    const heal = await bench.inject('watch-stall', { kind: 'Node' });
    await bench.add('a');
    await heal();
    const fresh = await bench.watch(bench.operator);
    await bench.add('b');
    await bench.until(() => fresh.length === 1);
    bench.cluster.dropWatches();
    await bench.until(() => fresh.length === 2);
    expect([stalled, fresh]).toEqual([[], ['+b', 'ended']]);
  });

  test('a watch can be refused with 410 before it begins', async () => {
    bench = await open();
    await bench.inject('watch-gone', { as: 'status' });
    expect(await bench.watch(bench.operator)).toEqual(['410']);
  });

  test('a delay keeps the order, of what comes behind it as well', async () => {
    bench = await open();
    const heard = await bench.watch(bench.operator);
    await bench.inject('watch-delayed', { by: 50, name: 'late' });
    await bench.add('late', 'after');
    expect(heard).toEqual([]);
    await bench.until(() => heard.length === 2);
    expect(heard).toEqual(['+late', '+after']);
  });

  test('bookmarks can be kept back while events pass', async () => {
    bench = await open();
    const [struck, spared] = [await bench.watch(bench.operator), await bench.watch(bench.akri)];
    await bench.inject('watch-bookmark-withheld');
    await bench.add(...Array.from({ length: 1000 }, (_, index) => `n${index}`));
    await bench.until(() => struck.length === 1000 && spared.length === 1001);
    expect([struck.includes('bookmark'), spared.includes('bookmark')]).toEqual([false, true]);
  });

  test('a server that restarts with its data goes on counting, and has forgotten the past', async () => {
    bench = await open();
    const before = await bench.operator.list(NODE);
    await bench.add('a');
    const heard = await bench.watch(bench.operator);
    const { metadata: known } = await get(bench.operator, 'a');
    const heal = await bench.inject('api-restart');
    await bench.until(() => heard.length === 1);
    expect((await refusalOf(get(bench.operator))).reason).toBe('Unreachable');
    expect((await get(bench.story)).metadata.name).toBe('installed');
    await heal();
    expect((await get(bench.operator, 'a')).metadata).toEqual(known);
    const { signal } = new AbortController();
    const old = bench.operator.watch(NODE, { resourceVersion: before.resourceVersion, signal });
    expect(await refusalOf(old[Symbol.asyncIterator]().next())).toMatchObject({ reason: 'Expired' });
    await bench.add('b');
    const next = await get(bench.operator, 'b');
    expect(Number(next.metadata.resourceVersion)).toBe(Number(known.resourceVersion) + 1);
    expect(next.metadata.uid).not.toBe(known.uid);
  });

  test('a server that lost its data is as it was installed, and counts from there', async () => {
    bench = await open();
    const installed = await bench.operator.list(NODE);
    await bench.add('a', 'b', 'c');
    const { metadata: lost } = await get(bench.operator, 'a');
    const later = await bench.operator.list(NODE);
    const heal = await bench.inject('api-restart', { data: 'lost' });
    await heal();
    expect(await bench.operator.list(NODE)).toEqual(installed);
    expect((await bench.operator.list(DEVICE)).items).toEqual([]);
    const ahead = bench.operator.list(NODE, { notOlderThan: later.resourceVersion });
    expect(await refusalOf(ahead)).toMatchObject({
      reason: 'Timeout',
      details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
    });
    await bench.add('a');
    const { metadata: again } = await get(bench.operator, 'a');
    expect(again.resourceVersion).toBe(lost.resourceVersion);
    expect(again.uid).not.toBe(lost.uid);
  });
});
