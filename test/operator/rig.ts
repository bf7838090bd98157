import { AnnouncementHandler } from '../../operator/discovery/announcement-handler.ts';
import {
  type OperatorOptions,
  type OperatorPorts,
  type RunningOperator,
  runFlashAgent,
  startOperator,
} from '../../operator/index.ts';
import { runAkriAgent } from '../../sim/akri/akri-agent.ts';
import type { Board } from '../../sim/board/board.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { EmbeddedCluster } from '../../sim/cluster/embedded-cluster.ts';
import type { Intercept } from '../../sim/cluster/in-process.ts';
import { Kubelet } from '../../sim/cluster/stand-ins/kubelet.ts';
import { FirmwareFactory } from '../../sim/firmware-factory.ts';
import { firmwareKey, signaturePolicyOf } from '../../sim/firmware-keys.ts';
import { manufacture } from '../../sim/fleet.ts';
import { SimBroker } from '../../sim/network/broker.ts';
import { Link } from '../../sim/network/link.ts';
import { SimRadio } from '../../sim/network/sim-radio.ts';
import { ProcessKubeApi } from '../../sim/operator-process.ts';
import { InProcessRegistry } from '../../sim/registry/in-process.ts';
import { RegistryStore } from '../../sim/registry/store.ts';
import { ChainVerifier } from '../../src/attestation/certificate-chain.ts';
import type { ChipName } from '../../src/esp/chips.ts';
import { CONFIGURATION, CONFIGURATION_CRD, INSTANCE_CRD } from '../../src/kube/akri.ts';
import type { KubeApi } from '../../src/kube/api.ts';
import { DEVICE, DEVICE_CRD, type Device } from '../../src/kube/device.ts';
import {
  FIRMWARE_ROLLOUT,
  FIRMWARE_ROLLOUT_CRD,
  type FirmwareRollout,
} from '../../src/kube/firmware-rollout.ts';
import { FLASH_JOB, FLASH_JOB_CRD, type FlashJob } from '../../src/kube/flash-job.ts';
import { ContentCache } from '../../src/oci/content-cache.ts';
import type { Registry } from '../../src/oci/registry.ts';
import { SeededRandom } from '../../src/random/random.ts';
import type { StampedEvent } from '../../src/scenario/fleet-event.ts';
import type {
  Behaviour,
  PlannedBoard,
  PlannedFirmware,
  PlannedLink,
  PlannedSignatures,
} from '../../src/scenario/plan.ts';

const CHIPS: readonly ChipName[] = ['esp32', 'esp32s3', 'esp32c3'];
export const LINK: PlannedLink = { latencyMs: 20, jitterMs: 10, loss: 0, bandwidthBitsPerSecond: 2_000_000 };
const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

export function firmware(key: string, does: Behaviour = { kind: 'healthy' }, on = {}): PlannedFirmware {
  const [application = '', version = ''] = key.split(':');
  return {
    key,
    application,
    version,
    secureVersion: 0,
    rollback: 'esp-idf',
    bootsWithoutConfirm: 1,
    references: [`registry.local/${key}`],
    images: CHIPS.map((chip) => ({ chip, source: { kind: 'generated', sizeBytes: 40_000 } })),
    behaviours: [{ on, does }],
  };
}

export function boards(count: number, more: Partial<PlannedBoard> = {}): PlannedBoard[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `board-${String(index).padStart(5, '0')}`,
    group: 'greenhouse',
    labels: { site: 'athens' },
    chip: CHIPS[index % CHIPS.length] ?? 'esp32',
    runs: 'thermo:1.0.0',
    link: LINK,
    identity: 'genuine',
    bootloader: 'esp-idf',
    ...more,
  }));
}

export interface RigOptions {
  readonly boards: readonly PlannedBoard[];
  readonly firmware: readonly PlannedFirmware[];
  readonly operator?: OperatorOptions;
  readonly intercept?: Intercept;
  readonly seed?: number;
  readonly signatures?: PlannedSignatures;
  /** What the agents see of the registry. */
  readonly registryOf?: (registry: Registry) => Registry;
}

/** Real boards, broker, cluster and registry of the simulated world around the operator, without the scenario engine. */
export class Rig {
  readonly clock = new VirtualClock();
  readonly kube: KubeApi;
  readonly boards: readonly Board[];
  readonly links = new Map<string, Link>();
  readonly events: StampedEvent[] = [];
  readonly ports: OperatorPorts;
  readonly #options: RigOptions;
  readonly #ended = new AbortController();
  readonly #fleet: ReturnType<typeof manufacture>;
  readonly #factory: FirmwareFactory;
  readonly #registry: InProcessRegistry;
  readonly #broker: SimBroker;
  readonly #cluster: EmbeddedCluster;
  operator: RunningOperator | undefined;
  /** Kills the operator's process: nothing it asked for comes back. */
  crashOperator: () => void = () => {};
  /** Kills the flash agent that was started last. */
  crashAgent: () => void = () => {};

  constructor(options: RigOptions) {
    this.#options = options;
    const random = SeededRandom.ofSeed(options.seed ?? 1);
    const { clock } = this;
    this.#cluster = new EmbeddedCluster({
      clock,
      random: random.split('cluster'),
      historyLimit: 100_000,
      ...(options.intercept && { intercept: options.intercept }),
    });
    this.kube = this.#cluster.api();
    this.#broker = new SimBroker(clock);
    this.#registry = new InProcessRegistry(new RegistryStore(), { hosts: ['registry.local'], clock });
    this.#factory = new FirmwareFactory(options.firmware);
    this.#fleet = manufacture({ boards: options.boards } as Parameters<typeof manufacture>[0], {
      clock,
      random: random.split('fleet'),
      factory: this.#factory,
      radioOf: ({ name, link }) => {
        const made = new Link(clock, random.split(`link/${name}`), {
          ...link,
          bandwidthBitsPerSecond: link.bandwidthBitsPerSecond ?? 0,
        });
        this.links.set(name, made);
        return new SimRadio(this.#broker, made, clock, random.split(`radio/${name}`));
      },
      onEvent: (event) => this.events.push({ ...event, atMs: clock.nowMs }),
    });
    this.boards = this.#fleet.boards;
    const policy = options.signatures && signaturePolicyOf({ seed: 1, signatures: options.signatures });
    this.ports = {
      kube: this.#cluster.api('brickproof-operator'),
      registry: options.registryOf?.(this.#registry) ?? this.#registry,
      channel: this.#broker.localChannel(),
      clock,
      random: random.split('operator'),
      cache: new ContentCache(64 * 1024 * 1024),
      chainVerifier: new ChainVerifier(),
      ...(policy !== undefined && { signaturePolicy: policy }),
    };
  }

  async start(): Promise<void> {
    for (const crd of [CONFIGURATION_CRD, INSTANCE_CRD, FLASH_JOB_CRD, DEVICE_CRD, FIRMWARE_ROLLOUT_CRD])
      await this.kube.create(CRD, crd as never);
    for (const device of this.#fleet.enrolment) await this.kube.create(DEVICE, device);
    await this.#factory.push(this.#registry, (name) => firmwareKey(1, name));
    for (const application of ['thermo', 'classifier'])
      await this.kube.create(CONFIGURATION, {
        apiVersion: CONFIGURATION.apiVersion,
        kind: CONFIGURATION.kind,
        metadata: { name: application, namespace: 'default' },
        spec: {
          discoveryHandler: { name: 'brickproof', discoveryDetails: `applicationType: ${application}` },
        },
      });
    const { clock, ports } = this;
    const { signal } = this.#ended;
    const handler = new AnnouncementHandler(this.#broker.localChannel());
    void runAkriAgent({ kube: this.#cluster.api('akri'), clock, handler, node: 'edge-1' }, signal);
    const kubelet = new Kubelet({
      api: this.#cluster.api('kubelet'),
      clock,
      nodeName: 'edge-1',
      programs: () => async (pod, podSignal) => {
        const env = new Map(pod.spec.containers[0]?.env?.map(({ name, value }) => [name, value ?? '']));
        const key = {
          namespace: env.get('FLASHJOB_NAMESPACE') ?? '',
          name: env.get('FLASHJOB_NAME') ?? '',
        };
        const kube = new ProcessKubeApi(this.#cluster.api('flash-agent'));
        const dead = new Promise<{ exitCode: number }>((settle) => {
          this.crashAgent = () => {
            kube.kill();
            stop.abort();
            settle({ exitCode: 137 });
          };
        });
        const stop = new AbortController();
        podSignal.addEventListener('abort', () => stop.abort());
        const agent = runFlashAgent({ ...ports, kube }, key, stop.signal, this.#options.operator);
        const ended = agent.then(({ code, message }) => ({ exitCode: code, message }));
        return Promise.race([dead, ended]);
      },
    });
    void kubelet.run(signal);
    this.startOperator();
    const powerUp = SeededRandom.ofSeed(2).split('power-up');
    for (const board of this.boards) clock.after(powerUp.next() * 5_000, () => board.powerOn());
  }

  startOperator(): void {
    const kube = new ProcessKubeApi(this.#cluster.api('brickproof-operator'));
    const channel = this.#broker.localChannel();
    const operator = startOperator({ ...this.ports, kube, channel }, this.#options.operator);
    this.operator = operator;
    this.crashOperator = () => {
      kube.kill();
      channel.close();
      void operator.stop();
      this.operator = undefined;
    };
  }

  async stop(): Promise<void> {
    await this.operator?.stop();
    this.#ended.abort();
    await this.pass(0);
  }

  async pass(durationMs: number): Promise<void> {
    await this.clock.run(() => false, this.clock.nowMs + durationMs);
  }

  /** Lets time pass until `done` holds; fails the test by throwing when it does not within `withinMs`. */
  async until(what: string, done: () => Promise<boolean>, withinMs: number): Promise<void> {
    const deadlineMs = this.clock.nowMs + withinMs;
    while (!(await done())) {
      if (this.clock.nowMs >= deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
      await this.pass(1_000);
    }
  }

  board(name: string): Board {
    const board = this.boards.find((candidate) => candidate.name === name);
    if (board === undefined) throw new Error(`no board ${name}`);
    return board;
  }

  device(name: string): Promise<Device> {
    return this.kube.get(DEVICE, { namespace: 'default', name: this.board(name).deviceId });
  }

  job(name: string): Promise<FlashJob> {
    return this.kube.get(FLASH_JOB, { namespace: 'default', name });
  }

  rollout(name: string): Promise<FirmwareRollout> {
    return this.kube.get(FIRMWARE_ROLLOUT, { namespace: 'default', name });
  }

  async allAttested(): Promise<boolean> {
    const { items } = await this.kube.list(DEVICE);
    return items.every(({ status }) => status?.conditions?.some(isAttested) === true);
  }

  async createJob(name: string, spec: FlashJob['spec']): Promise<void> {
    await this.kube.create(FLASH_JOB, {
      apiVersion: FLASH_JOB.apiVersion,
      kind: FLASH_JOB.kind,
      metadata: { namespace: 'default', name },
      spec,
    });
  }

  async createRollout(name: string, spec: FirmwareRollout['spec']): Promise<void> {
    await this.kube.create(FIRMWARE_ROLLOUT, {
      apiVersion: FIRMWARE_ROLLOUT.apiVersion,
      kind: FIRMWARE_ROLLOUT.kind,
      metadata: { namespace: 'default', name },
      spec,
    });
  }
}

const isAttested = ({ type, status }: { readonly type: string; readonly status: string }): boolean =>
  type === 'Attested' && status === 'True';
