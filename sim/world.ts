import { AnnouncementHandler } from '../operator/discovery/announcement-handler.ts';
import { type Deciders, type OperatorPorts, runFlashAgent, startOperator } from '../operator/index.ts';
import { ChainVerifier } from '../src/attestation/certificate-chain.ts';
import type { KubeApi } from '../src/kube/api.ts';
import { ContentCache } from '../src/oci/content-cache.ts';
import { SeededRandom } from '../src/random/random.ts';
import type { FaultOrder } from '../src/scenario/fault.ts';
import type { FleetEvent, StampedEvent } from '../src/scenario/fleet-event.ts';
import type { ScenarioPlan } from '../src/scenario/plan.ts';
import type { PackedImage, World } from '../src/scenario/world.ts';
import { agentPrograms } from './agent-programs.ts';
import { runAkriAgent } from './akri/akri-agent.ts';
import type { Board } from './board/board.ts';
import { VirtualClock } from './clock.ts';
import { EmbeddedCluster } from './cluster/embedded-cluster.ts';
import { Kubelet } from './cluster/stand-ins/kubelet.ts';
import { ApiWeather } from './faults/api-weather.ts';
import { injectFault } from './faults/inject.ts';
import { RegistryWeather } from './faults/registry-weather.ts';
import type { Stage } from './faults/stage.ts';
import { FirmwareFactory } from './firmware-factory.ts';
import { type Fleet, manufacture } from './fleet.ts';
import { enrol, installDefinitions } from './install.ts';
import { SimBroker } from './network/broker.ts';
import { Link } from './network/link.ts';
import { SimRadio } from './network/sim-radio.ts';
import { ProcessKubeApi } from './operator-process.ts';
import { InProcessRegistry } from './registry/in-process.ts';
import { RegistryStore } from './registry/store.ts';

export interface SimWorldOptions {
  /** Judgements of the operator and its agents to replace; a test breaks one on purpose. */
  readonly deciders?: Partial<Deciders>;
}

/** The host that embedded registries answer for. */
export const REGISTRY_HOST = 'registry.local';
const NODE_NAME = 'edge-1';
/** What a node keeps of images that its agents fetched. */
const CACHE_BYTES = 256 * 1024 * 1024;
const OPERATOR_USER = 'brickproof-operator';
/** Boards get power within this time, each at its own moment. */
const POWER_UP_MS = 5_000;

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
  readonly #cluster: EmbeddedCluster;
  readonly #random: SeededRandom;
  readonly #deciders: Partial<Deciders>;
  readonly #broker = new SimBroker(this.clock);
  readonly #links = new Map<string, Link>();
  readonly #registry: InProcessRegistry;
  readonly #factory: FirmwareFactory;
  readonly #fleet: Fleet;
  readonly #stage: Stage;
  readonly #api: ApiWeather;
  readonly #cache = new ContentCache(CACHE_BYTES);
  readonly #chainVerifier = new ChainVerifier();
  readonly #ended = new AbortController();
  #listener: (event: StampedEvent) => void = () => {};
  #killOperator: () => void = () => {};
  #incarnation = 0;

  constructor(plan: ScenarioPlan, options: SimWorldOptions = {}) {
    this.#deciders = options.deciders ?? {};
    this.#random = SeededRandom.ofSeed(plan.seed);
    const api = new ApiWeather(OPERATOR_USER, this.#random.split('api-weather'));
    const registry = new RegistryWeather();
    this.#cluster = new EmbeddedCluster({
      clock: this.clock,
      random: this.#random.split('cluster'),
      intercept: api.intercept,
    });
    this.kube = this.#cluster.api();
    this.#registry = new InProcessRegistry(new RegistryStore(), {
      hosts: [REGISTRY_HOST],
      clock: this.clock,
      intercept: registry.intercept,
    });
    this.#factory = new FirmwareFactory(plan.firmware, new SeededRandom('firmware'));
    this.images = this.#factory.images;
    this.#fleet = manufacture(plan, {
      clock: this.clock,
      random: this.#random.split('fleet'),
      factory: this.#factory,
      radioOf: ({ name, link }) => {
        const random = this.#random.split(`link/${name}`);
        const quality = { ...link, bandwidthBitsPerSecond: link.bandwidthBitsPerSecond ?? 0 };
        const made = new Link(this.clock, random, quality);
        this.#links.set(name, made);
        return new SimRadio(this.#broker, made, this.clock, random.split('radio'));
      },
      onEvent: (event) => this.#emit(event),
    });
    this.boards = this.#fleet.boards;
    this.#api = api;
    this.#stage = {
      clock: this.clock,
      boards: new Map(this.boards.map((board) => [board.name, board])),
      links: this.#links,
      api,
      registry,
      crashOperator: () => {
        this.#killOperator();
        return () => this.#startOperator();
      },
    };
  }

  get eventCount(): number {
    return this.clock.eventCount;
  }

  onEvent(listener: (event: StampedEvent) => void): void {
    this.#listener = listener;
  }

  async start(): Promise<void> {
    await installDefinitions(this.kube);
    await enrol(this.kube, this.clock, NODE_NAME, this.#fleet.enrolment);
    await this.#factory.push(this.#registry);
    const { signal } = this.#ended;
    const handler = new AnnouncementHandler(this.#broker.localChannel());
    void runAkriAgent(
      { kube: this.#cluster.api('akri'), clock: this.clock, handler, node: NODE_NAME },
      signal,
    );
    this.#startKubelet();
    this.#startOperator();
    const powerUp = this.#random.split('power-up');
    for (const board of this.boards) this.clock.after(powerUp.next() * POWER_UP_MS, () => board.powerOn());
  }

  runUntil(done: () => boolean, deadlineMs: number): Promise<boolean> {
    return this.clock.run(done, deadlineMs);
  }

  async inject(order: FaultOrder): Promise<() => Promise<void>> {
    const heal = injectFault(this.#stage, order);
    const { fault, boards } = order;
    this.#emit({ kind: 'fault', fault, on: true, boards });
    let healed = false;
    return async () => {
      if (healed) return;
      healed = true;
      heal();
      this.#emit({ kind: 'fault', fault, on: false, boards });
    };
  }

  async stop(): Promise<void> {
    this.#killOperator();
    this.#ended.abort();
  }

  #startKubelet(): void {
    const api = this.#cluster.api('kubelet');
    const { signal } = this.#ended;
    const ports = this.#portsOf(this.#cluster.api('flash-agent'), 'agent');
    const kubelet = new Kubelet({
      api,
      clock: this.clock,
      nodeName: NODE_NAME,
      programs: agentPrograms((key, stop) => runFlashAgent(ports, key, stop, this.#deciders)),
    });
    void kubelet.run(signal);
  }

  #startOperator(): void {
    const kube = new ProcessKubeApi(this.#cluster.api(OPERATOR_USER));
    const ports = this.#portsOf(kube, `operator/${++this.#incarnation}`);
    const operator = startOperator(ports, this.#deciders);
    const forget = this.#api.holdWatches(() => kube.dropWatches());
    this.#killOperator = () => {
      forget();
      kube.kill();
      ports.channel.close();
      void operator.stop();
    };
  }

  #portsOf(kube: KubeApi, name: string): OperatorPorts {
    return {
      kube,
      registry: this.#registry,
      channel: this.#broker.localChannel(),
      clock: this.clock,
      random: this.#random.split(name),
      cache: this.#cache,
      chainVerifier: this.#chainVerifier,
    };
  }

  #emit(event: FleetEvent): void {
    this.#listener({ ...event, atMs: this.clock.nowMs });
  }
}
