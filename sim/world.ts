import type { Deciders } from '../operator/index.ts';
import type { KubeApi } from '../src/kube/api.ts';
import { RETRY_POLICY } from '../src/oci/retry.ts';
import { SeededRandom } from '../src/random/random.ts';
import type { FaultOrder } from '../src/scenario/fault.ts';
import type { FleetEvent, StampedEvent } from '../src/scenario/fleet-event.ts';
import type { ScenarioPlan } from '../src/scenario/plan.ts';
import type { PackedImage, RegistryTraffic, World } from '../src/scenario/world.ts';
import type { Board } from './board/board.ts';
import { Cast, EVERYWHERE, NODE_NAME, usersOf } from './cast.ts';
import { VirtualClock } from './clock.ts';
import type { AccessOptions } from './cluster/auth/cluster-access.ts';
import { EmbeddedCluster } from './cluster/embedded-cluster.ts';
import { INSTALLER } from './cluster/requests.ts';
import { ApiWeather } from './faults/api-weather.ts';
import { injectFault } from './faults/inject.ts';
import { RegistryWeather } from './faults/registry-weather.ts';
import type { Stage } from './faults/stage.ts';
import { FirmwareFactory } from './firmware-factory.ts';
import { firmwareKey, signaturePolicyOf } from './firmware-keys.ts';
import { type Fleet, manufacture, powerUp } from './fleet.ts';
import { addNode, enrol, installAccounts, installDefinitions } from './install.ts';
import { SimBroker } from './network/broker.ts';
import { Link } from './network/link.ts';
import { SimRadio } from './network/sim-radio.ts';
import { InProcessRegistry } from './registry/in-process.ts';
import { RegistryStore } from './registry/store.ts';
import { TrafficMeter } from './registry/traffic-meter.ts';

export interface SimWorldOptions {
  /** Judgements of the operator and its agents to replace; a test breaks one on purpose. */
  readonly deciders?: Partial<Deciders>;
  /** Hears what everybody asked of the API server, and whether they might. */
  readonly onDecision?: AccessOptions['onDecision'];
}

/** The host that embedded registries answer for. */
export const REGISTRY_HOST = 'registry.local';

/**
 * The simulated world: everything in this process and in virtual time.
 *
 * Two runs of equal plans are equal, event for event: nothing here reads anything but the plan.
 */
export class SimWorld implements World {
  readonly kind = 'sim';
  readonly clock = new VirtualClock();
  readonly kube: KubeApi;
  readonly boards: readonly Board[];
  readonly images: readonly PackedImage[];
  readonly #installer: KubeApi;
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #broker = new SimBroker(this.clock);
  readonly #cluster: EmbeddedCluster;
  readonly #registry: InProcessRegistry;
  readonly #meter: TrafficMeter;
  readonly #factory: FirmwareFactory;
  readonly #fleet: Fleet;
  readonly #cast: Cast;
  readonly #stage: Stage;
  #listener: (event: StampedEvent) => void = () => {};
  #bug: { readonly error: unknown } | undefined;

  constructor(plan: ScenarioPlan, options: SimWorldOptions = {}) {
    this.#seed = plan.seed;
    this.#random = SeededRandom.ofSeed(plan.seed);
    const weather = new ApiWeather(this.#random.split('api-weather'));
    const store = new RegistryStore();
    const registry = new RegistryWeather(store, this.#random.split('registry-weather'));
    const cluster = new EmbeddedCluster({
      clock: this.clock,
      random: this.#random.split('cluster'),
      access: { rbac: true, ...(options.onDecision && { onDecision: options.onDecision }) },
      intercept: weather.intercept,
      interceptWatch: weather.interceptWatch,
    });
    this.#cluster = cluster;
    this.kube = cluster.api();
    this.#installer = cluster.api(INSTALLER);
    this.#meter = new TrafficMeter(store, NODE_NAME);
    this.#registry = new InProcessRegistry(store, {
      hosts: [REGISTRY_HOST],
      clock: this.clock,
      intercept: registry.intercept,
      retry: RETRY_POLICY,
      meter: this.#meter,
    });
    this.#factory = new FirmwareFactory(plan.firmware);
    this.images = this.#factory.images;
    const links = new Map<string, Link>();
    this.#fleet = manufacture(plan, {
      clock: this.clock,
      random: this.#random.split('fleet'),
      factory: this.#factory,
      radioOf: ({ name, link }) => {
        const random = this.#random.split(`link/${name}`);
        const quality = { ...link, bandwidthBitsPerSecond: link.bandwidthBitsPerSecond ?? 0 };
        const made = new Link(this.clock, random, quality);
        links.set(name, made);
        return new SimRadio(this.#broker, made, this.clock, random.split('radio'));
      },
      onEvent: (event) => this.#emit(event),
    });
    this.boards = this.#fleet.boards;
    this.#cast = new Cast({
      clock: this.clock,
      random: this.#random,
      registry: this.#registry,
      kubeOf: (user) => cluster.as(user),
      bounds: EVERYWHERE,
      channelOf: () => this.#broker.localChannel(),
      signaturePolicy: signaturePolicyOf(plan),
      deciders: options.deciders ?? {},
      onBug: (error) => {
        this.#bug ??= { error };
      },
    });
    const boards = new Map(this.boards.map((board) => [board.name, board]));
    const api = { weather, cluster, usersOf };
    this.#stage = { boards, links, api, registry, cast: this.#cast };
  }

  get eventCount(): number {
    return this.clock.eventCount;
  }

  get traffic(): readonly RegistryTraffic[] {
    return this.#meter.traffic;
  }

  onEvent(listener: (event: StampedEvent) => void): void {
    this.#listener = listener;
  }

  async start(): Promise<void> {
    await installDefinitions(this.kube);
    await installAccounts(this.#installer);
    await addNode(this.kube, this.clock, NODE_NAME);
    await enrol(this.kube, this.#fleet.enrolment);
    this.#cluster.markInstalled();
    await this.#factory.push(this.#registry, (name) => firmwareKey(this.#seed, name));
    this.#meter.reset();
    this.#cast.start();
    powerUp(this.boards, this.clock, this.#random.split('power-up'));
  }

  async runUntil(done: () => boolean, deadlineMs: number): Promise<boolean> {
    const reached = await this.clock.run(() => this.#bug !== undefined || done(), deadlineMs);
    if (this.#bug !== undefined) throw this.#bug.error;
    return reached;
  }

  inject(order: FaultOrder): Promise<() => Promise<void>> {
    return injectFault(this.#stage, order, (event) => this.#emit(event));
  }

  async stop(): Promise<void> {
    this.#cast.stop();
  }

  #emit(event: FleetEvent): void {
    this.#listener({ ...event, atMs: this.clock.nowMs });
  }
}
