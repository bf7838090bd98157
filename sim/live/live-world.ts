import { connectMqtt, type MqttChannel } from '../../operator/adapters/mqtt-channel.ts';
import { SystemRandom } from '../../operator/adapters/system-random.ts';
import type { Deciders } from '../../operator/index.ts';
import type { KubeApi } from '../../src/kube/api.ts';
import { type Random, SeededRandom } from '../../src/random/random.ts';
import type { FaultOrder } from '../../src/scenario/fault.ts';
import type { FleetEvent, StampedEvent } from '../../src/scenario/fleet-event.ts';
import type { ScenarioPlan } from '../../src/scenario/plan.ts';
import type { PackedImage, RegistryTraffic, World } from '../../src/scenario/world.ts';
import type { Clock } from '../../src/time/clock.ts';
import type { Board } from '../board/board.ts';
import { Cast } from '../cast.ts';
import { injectFault } from '../faults/inject.ts';
import { FirmwareFactory } from '../firmware-factory.ts';
import { firmwareKey, signaturePolicyOf } from '../firmware-keys.ts';
import { type Fleet, manufacture, powerUp } from '../fleet.ts';
import { enrol } from '../install.ts';
import { REGISTRY_HOST } from '../world.ts';
import { type LiveBroker, startBroker } from './broker.ts';
import type { LiveCluster } from './cluster/live-cluster.ts';
import { type LiveRegistry, startRegistry } from './live-registry.ts';
import { MqttRadio } from './mqtt-radio.ts';
import { RegistryAlias } from './registry-alias.ts';
import { ScaledClock } from './scaled-clock.ts';

/** Makes the cluster that a world will live in. */
export type OpenCluster = (clock: Clock, random: Random) => Promise<LiveCluster>;

export interface LiveOptions {
  readonly openCluster: OpenCluster;
  /** How many times faster than life the clock runs. */
  readonly speed: number;
  readonly deciders?: Partial<Deciders>;
}

/** Where others can look on while a live world runs. */
export interface LiveEndpoints {
  /** A kubeconfig that lives as long as the world. */
  readonly kubeconfig: string;
  /** `mqtt://127.0.0.1:…`. */
  readonly broker: string;
  /** Host part of references as others must write it; scenarios write `registry.local`. */
  readonly registry: string;
}

/** How often a condition is asked, in real milliseconds. */
const ASK_MS = 20;

/**
 * The live world: the same boards and the same operator, over real sockets on this machine.
 *
 * Boards hold TCP connections to an MQTT broker, firmware is pushed and pulled over HTTP, and the operator
 * talks to the API server through the official client. Time is real, or real times `speed`.
 */
export class LiveWorld implements World {
  readonly kind = 'live';
  readonly clock: ScaledClock;
  readonly kube: KubeApi;
  readonly endpoints: LiveEndpoints;
  readonly boards: readonly Board[];
  readonly images: readonly PackedImage[];
  readonly #seed: number;
  readonly #random: SeededRandom;
  readonly #fleet: Fleet;
  readonly #factory: FirmwareFactory;
  readonly #registry: LiveRegistry;
  /** The same, under the name that scenarios write. */
  readonly #alias: RegistryAlias;
  readonly #cluster: LiveCluster;
  readonly #cast: Cast;
  readonly #close: () => Promise<void>;
  #stopped: Promise<void> | undefined;
  #listener: (event: StampedEvent) => void = () => {};
  #bug: { readonly error: unknown } | undefined;

  /** Starts broker and registry on free ports of loopback, and opens the cluster. Rejects with what stood in the way; nothing is left then. */
  static async open(plan: ScenarioPlan, options: LiveOptions): Promise<LiveWorld> {
    const clock = new ScaledClock(options.speed);
    const random = SeededRandom.ofSeed(plan.seed);
    // First: it is what may be missing.
    const cluster = await options.openCluster(clock, random);
    try {
      const broker = await startBroker();
      const registry = await startRegistry(clock, random.split('registry-weather'), options.speed);
      return new LiveWorld(plan, options, clock, cluster, broker, registry);
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  private constructor(
    plan: ScenarioPlan,
    options: LiveOptions,
    clock: ScaledClock,
    cluster: LiveCluster,
    broker: LiveBroker,
    registry: LiveRegistry,
  ) {
    this.clock = clock;
    this.#cluster = cluster;
    this.kube = cluster.kube;
    this.endpoints = { kubeconfig: cluster.kubeconfig, broker: broker.url, registry: registry.host };
    this.#seed = plan.seed;
    this.#random = SeededRandom.ofSeed(plan.seed);
    this.#registry = registry;
    this.#alias = new RegistryAlias(registry.client, REGISTRY_HOST, registry.host);
    this.#factory = new FirmwareFactory(plan.firmware);
    this.images = this.#factory.images;
    this.#fleet = manufacture(plan, {
      clock,
      random: this.#random.split('fleet'),
      factory: this.#factory,
      radioOf: () => new MqttRadio(broker.url),
      onEvent: (event) => this.#emit(event),
    });
    this.boards = this.#fleet.boards;
    const channels: MqttChannel[] = [];
    this.#cast = new Cast({
      clock,
      random: new SystemRandom(),
      registry: this.#alias,
      kubeOf: (user) => cluster.kubeOf(user),
      bounds: cluster.bounds,
      channelOf: (name) => {
        const channel = connectMqtt({ url: broker.url, clientId: `brickproof-${name}` });
        channels.push(channel);
        return channel;
      },
      signaturePolicy: signaturePolicyOf(plan),
      deciders: options.deciders ?? {},
      onBug: (error) => {
        this.#bug ??= { error };
      },
    });
    this.#close = async () => {
      this.#cast.stop();
      for (const board of this.boards) board.cutPower();
      for (const channel of channels) channel.drop();
      await cluster.close();
      await registry.close();
      await broker.close();
    };
  }

  get eventCount(): number {
    return this.clock.eventCount;
  }

  get traffic(): readonly RegistryTraffic[] {
    return this.#registry.meter.traffic;
  }

  onEvent(listener: (event: StampedEvent) => void): void {
    this.#listener = listener;
  }

  async start(): Promise<void> {
    await enrol(this.kube, this.#fleet.enrolment);
    this.#cluster.markInstalled();
    await this.#factory.push(this.#alias, (name) => firmwareKey(this.#seed, name));
    this.#registry.meter.reset();
    this.#cast.start();
    powerUp(this.boards, this.clock, this.#random.split('power-up'));
  }

  runUntil(done: () => boolean, deadlineMs: number): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const timer = setInterval(() => {
        try {
          const reached = done();
          if (this.#bug !== undefined) throw this.#bug.error;
          if (!reached && this.clock.nowMs < deadlineMs) return;
          clearInterval(timer);
          resolve(reached);
        } catch (error) {
          clearInterval(timer);
          reject(error);
        }
      }, ASK_MS);
    });
  }

  inject(order: FaultOrder): Promise<() => Promise<void>> {
    const boards = new Map(this.boards.map((board) => [board.name, board]));
    const { weather } = this.#registry;
    const { api } = this.#cluster;
    const stage = { boards, links: undefined, api, registry: weather, cast: this.#cast };
    return injectFault(stage, order, (event) => this.#emit(event));
  }

  /** Frees every port, and the cluster. */
  stop(): Promise<void> {
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  #emit(event: FleetEvent): void {
    this.#listener({ ...event, atMs: this.clock.nowMs });
  }
}
