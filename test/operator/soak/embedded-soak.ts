import { Informer } from '../../../operator/runtime/informer.ts';
import { Metrics } from '../../../operator/runtime/metrics.ts';
import { usersOf } from '../../../sim/cast.ts';
import { VirtualClock } from '../../../sim/clock.ts';
import { trustedUser } from '../../../sim/cluster/auth/user.ts';
import { EmbeddedCluster } from '../../../sim/cluster/embedded-cluster.ts';
import { ApiWeather } from '../../../sim/faults/api-weather.ts';
import { injectFault } from '../../../sim/faults/inject.ts';
import type { KubeApi } from '../../../src/kube/api.ts';
import { LEASE, type Lease } from '../../../src/kube/core.ts';
import { type KubeObject, keyOf, keyText } from '../../../src/kube/object.ts';
import { SeededRandom } from '../../../src/random/random.ts';
import type { FaultName, FaultOrder } from '../../../src/scenario/fault.ts';
import { CountingClock } from '../counting-clock.ts';
import { Churn } from './churn.ts';
import { Ledger } from './ledger.ts';

export const MINUTE_MS = 60_000;
/** Faults of a story strike the operator; the reader is in its place. */
const READER = usersOf('operator')[0] ?? '';

type Disturbance = Omit<FaultOrder, 'boards'>;

/** What goes wrong on the way; the server could still tell everything. */
export const TROUBLES: readonly Disturbance[] = [
  { fault: 'watch-drop', parameters: { probability: 0.01 } },
  { fault: 'watch-cut', parameters: { probability: 0.01 } },
  { fault: 'watch-stall', parameters: { probability: 0.005 } },
  { fault: 'watch-delayed', parameters: { probability: 0.02, by: 4_000 } },
  { fault: 'watch-duplicated', parameters: { probability: 0.05 } },
  { fault: 'watch-bookmark-withheld', parameters: { probability: 0.5 } },
  { fault: 'api-throttled', parameters: { probability: 0.1, 'retry-after': 3_000 } },
  { fault: 'api-unavailable', parameters: { probability: 0.05 } },
  { fault: 'api-error', parameters: { probability: 0.05 }, words: { code: '500' } },
  { fault: 'api-error', parameters: { probability: 0.05 }, words: { code: '504', 'carried-out': 'yes' } },
  { fault: 'api-slow', parameters: { probability: 0.1, latency: 3_000 } },
  { fault: 'list-expired', parameters: { probability: 0.3 } },
];

/** What makes the server forget what it has not told. */
export const GAPS: readonly Disturbance[] = [
  { fault: 'watch-gone', parameters: { probability: 0.005 } },
  { fault: 'watch-gone', parameters: { probability: 0.1 }, words: { as: 'status' } },
];

export interface SoakOptions {
  readonly seed: number;
  readonly faults: readonly Disturbance[];
  /** When the server restarts, in minutes, for 20 s each time. */
  readonly restarts?: readonly { readonly atMinute: number; readonly data: 'kept' | 'lost' }[];
  /** The reader's way to the cluster, and what lets its bytes through after a step of virtual time. */
  readonly door?: (cluster: EmbeddedCluster, token: string) => Promise<ReaderDoor>;
}

export interface ReaderDoor {
  readonly kube: KubeApi;
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** A reflector of Leases, somebody who writes all the time, and everything that can go wrong between them. */
export class EmbeddedSoak {
  readonly clock: VirtualClock;
  readonly readersClock: CountingClock;
  readonly weather: ApiWeather;
  readonly cluster: EmbeddedCluster;
  readonly informer: Informer<Lease>;
  readonly ledger: Ledger<Lease>;
  readonly churn: Churn;
  /** What was told with the first list, and written before it. */
  first = { told: 0, writes: 0 };
  /** The most watches that the reader ever had open on the server at once. */
  mostWatches = 0;
  readonly #metrics = new Metrics();
  readonly #door: ReaderDoor;
  readonly #options: SoakOptions;
  readonly #writing = new AbortController();
  readonly #reading = new AbortController();
  readonly #heals: (() => Promise<void>)[] = [];

  static async start(options: SoakOptions): Promise<EmbeddedSoak> {
    const clock = new VirtualClock();
    const random = SeededRandom.ofSeed(options.seed);
    const weather = new ApiWeather(random.split('weather'));
    const { intercept, interceptWatch } = weather;
    const cluster = new EmbeddedCluster({
      clock,
      random,
      freeze: true,
      bookmarkEvery: 50,
      // The reader's token is its name.
      access: { users: new Map([[READER, trustedUser(READER)]]) },
      intercept,
      interceptWatch,
    });
    const door = (await options.door?.(cluster, READER)) ?? {
      kube: cluster.api(READER),
      settle: async () => {},
      close: async () => {},
    };
    return new EmbeddedSoak(options, clock, cluster, weather, door);
  }

  private constructor(
    options: SoakOptions,
    clock: VirtualClock,
    cluster: EmbeddedCluster,
    weather: ApiWeather,
    door: ReaderDoor,
  ) {
    this.#options = options;
    this.#door = door;
    this.clock = clock;
    this.readersClock = new CountingClock(clock);
    this.cluster = cluster;
    this.weather = weather;
    const random = SeededRandom.ofSeed(options.seed);
    const ports = {
      kube: door.kube,
      clock: this.readersClock,
      random: random.split('reader'),
      metrics: this.#metrics,
    };
    this.informer = new Informer(ports, LEASE, {
      namespace: 'default',
      pageSize: 10,
      inactivityMs: MINUTE_MS,
      auditMs: 2 * MINUTE_MS,
    });
    this.ledger = new Ledger(this.informer);
    this.churn = new Churn(cluster.api(), clock, random.split('churn'));
  }

  /** An hour in which everything goes wrong, then some minutes in which nothing does. */
  async run(): Promise<void> {
    void this.churn.run(500, this.#writing.signal);
    await this.#pass(MINUTE_MS);
    this.cluster.markInstalled();
    void this.informer.run(this.#reading.signal);
    await this.#pass(0);
    this.first = { told: this.ledger.told, writes: this.churn.writes };
    await this.#pass(MINUTE_MS);
    for (const order of this.#options.faults) this.#heals.push(await this.#inject(order));
    const hourAtMs = this.clock.nowMs;
    for (const { atMinute, data } of this.#options.restarts ?? []) {
      await this.#pass(hourAtMs + atMinute * MINUTE_MS - this.clock.nowMs);
      const heal = await this.#inject({ fault: 'api-restart', parameters: {}, words: { data } });
      await this.#pass(20_000);
      await heal();
    }
    await this.#pass(hourAtMs + 60 * MINUTE_MS - this.clock.nowMs);
    for (const heal of this.#heals) await heal();
    await this.#pass(12 * MINUTE_MS);
    this.#writing.abort();
    await this.#pass(MINUTE_MS);
  }

  async stop(): Promise<void> {
    this.#reading.abort();
    await this.#pass(1_000);
    await this.#door.close();
  }

  counted(name: string): number {
    return this.#metrics.read()[`informer:${name}`] ?? 0;
  }

  get metrics(): Readonly<Record<string, number>> {
    return this.#metrics.read();
  }

  /** What is true, sorted by key. */
  async truth(): Promise<readonly Lease[]> {
    return sorted((await this.cluster.api().list(LEASE, { namespace: 'default' })).items);
  }

  /** What the reflector has. */
  get copy(): readonly Lease[] {
    return sorted([...this.informer.values()]);
  }

  struck(fault: FaultName): number {
    return this.weather.strikes.get(fault) ?? 0;
  }

  #inject(order: Disturbance): Promise<() => Promise<void>> {
    const { weather, cluster } = this;
    const cast = {
      killOperator() {},
      startOperator() {},
      killAgents() {},
      loseNode: () => false,
      recoverNode() {},
    };
    const api = { weather, cluster, usersOf };
    const stage = { boards: new Map(), links: undefined, api, registry: undefined, cast };
    return injectFault(stage, { ...order, boards: [] }, () => {});
  }

  async #pass(durationMs: number): Promise<void> {
    const untilMs = this.clock.nowMs + durationMs;
    do {
      await this.clock.run(() => false, Math.min(untilMs, this.clock.nowMs + 250));
      await this.#door.settle();
      this.mostWatches = Math.max(this.mostWatches, this.cluster.server.watches.count);
    } while (this.clock.nowMs < untilMs);
  }
}

function sorted<T extends KubeObject>(objects: readonly T[]): T[] {
  return [...objects].sort((a, b) => (keyText(keyOf(a)) < keyText(keyOf(b)) ? -1 : 1));
}
