import { AnnouncementHandler } from '../operator/discovery/announcement-handler.ts';
import {
  AGENT_ACCOUNT_NAME,
  type AgentPlacement,
  type Deciders,
  OPERATOR_ACCOUNT,
  type OperatorPorts,
  runFlashAgent,
  startOperator,
} from '../operator/index.ts';
import { ChainVerifier } from '../src/attestation/certificate-chain.ts';
import type { DeviceChannel } from '../src/device/channel.ts';
import type { KubeApi } from '../src/kube/api.ts';
import type { ObjectKey } from '../src/kube/object.ts';
import { ContentCache } from '../src/oci/content-cache.ts';
import type { Registry } from '../src/oci/registry.ts';
import type { SignaturePolicy } from '../src/oci/signature/signature-policy.ts';
import type { Random } from '../src/random/random.ts';
import type { Clock } from '../src/time/clock.ts';
import { agentPrograms, type ProgramExit } from './agent-programs.ts';
import { AKRI_ACCOUNT } from './akri/access.ts';
import { runAkriAgent } from './akri/akri-agent.ts';
import { serviceAccountUser, type UserInfo } from './cluster/auth/user.ts';
import type { KubeletScope } from './cluster/stand-ins/kubelet.ts';
import { EdgeNode, type EdgeNodeParts } from './edge-node.ts';
import { ProcessKubeApi } from './operator-process.ts';

const OPERATOR = serviceAccountUser(OPERATOR_ACCOUNT.namespace, OPERATOR_ACCOUNT.name);
const AKRI = serviceAccountUser(AKRI_ACCOUNT.namespace, AKRI_ACCOUNT.name);
const agentIn = (namespace: string): UserInfo => serviceAccountUser(namespace, AGENT_ACCOUNT_NAME);

/** Name under which agents connect to the broker. */
const AGENT_CLIENT = 'flash-agent';

const USERS: Readonly<Record<string, readonly string[]>> = {
  operator: [OPERATOR.name],
  agent: [agentIn('default').name],
  akri: [AKRI.name],
  kubelet: ['kubelet'],
};

/** By what users a part of the cast is known to the API server; absent: the operator and its agents, which are on trial. */
export function usersOf(role?: string): readonly string[] {
  return role === undefined ? [OPERATOR.name, agentIn('default').name] : (USERS[role] ?? []);
}

/** The node on which everything runs. */
export const NODE_NAME = 'edge-1';

/** 128 + SIGKILL. */
const KILLED_EXIT_CODE = 137;

/** Where in a cluster the cast acts. */
export interface Bounds {
  /** The node that runs agents. */
  readonly node: string;
  /** Absent: every namespace. */
  readonly namespace?: string;
  readonly unscheduled?: KubeletScope['unscheduled'];
  /** Nobody else makes Pods of workloads here, and gives them nodes. */
  readonly ownsCluster?: boolean;
  readonly agentPlacement?: AgentPlacement;
}

/** A cluster that is all ours. */
export const EVERYWHERE: Bounds = { node: NODE_NAME, unscheduled: 'left', ownsCluster: true };

/** The same, as a node wants to know it. */
export function nodeBounds({
  node,
  namespace,
  unscheduled,
  ownsCluster = false,
}: Bounds): Pick<EdgeNodeParts, 'name' | 'scope' | 'ownsCluster'> {
  const scope = {
    ...(namespace !== undefined && { namespace }),
    ...(unscheduled !== undefined && { unscheduled }),
  };
  return { name: node, scope, ownsCluster };
}

/** What a world lends to those who act in it. */
export interface CastParts {
  readonly clock: Clock;
  /** Nonces come from it: where there are real devices it must be unpredictable. */
  readonly random: Random;
  readonly registry: Registry;
  /** A client of the API server that makes its requests as `user`. */
  readonly kubeOf: (user: UserInfo) => KubeApi;
  readonly bounds: Bounds;
  /** A connection to the broker of its own. */
  readonly channelOf: (clientId: string) => DeviceChannel;
  /** Who may sign firmware; undefined: nobody is asked. */
  readonly signaturePolicy: SignaturePolicy | undefined;
  /** Judgements to replace; a test breaks one on purpose. */
  readonly deciders: Partial<Deciders>;
  /** A task of the cast ended with an error: a bug, not a failure of the story. */
  readonly onBug: (error: unknown) => void;
}

interface Process {
  readonly kube: ProcessKubeApi;
  kill(): void;
}

/** What a node keeps of images that its agents fetched. */
const CACHE_BYTES = 256 * 1024 * 1024;

/** Those who act in every world that has no real cluster around it: Akri and a kubelet as stand-ins, and the operator itself. */
export class Cast {
  readonly #parts: CastParts;
  readonly #cache = new ContentCache(CACHE_BYTES);
  readonly #chainVerifier = new ChainVerifier();
  readonly #ended = new AbortController();
  readonly #channels = new Set<DeviceChannel>();
  /** Flash agents that run now. */
  readonly #agents = new Set<Process>();
  #operator: Process | undefined;
  #node: EdgeNode | undefined;
  #incarnations = 0;

  constructor(parts: CastParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, kubeOf, bounds } = this.#parts;
    const { node, namespace } = bounds;
    const scope = namespace === undefined ? {} : { namespace };
    const { signal } = this.#ended;
    const handler = new AnnouncementHandler(this.#channel('akri'));
    this.#watch(runAkriAgent({ kube: kubeOf(AKRI), clock, handler, node, ...scope }, signal));
    const ports = this.#portsOf(kubeOf(agentIn(namespace ?? 'default')), AGENT_CLIENT);
    const programs = agentPrograms((job, stop) => this.#runAgent(ports, job, stop));
    const { onBug } = this.#parts;
    this.#node = new EdgeNode({ clock, kubeOf, programs, onBug, ...nodeBounds(bounds) });
    this.#node.start();
    this.startOperator();
  }

  /** A new operator process; it knows nothing of the one before. */
  startOperator(): void {
    if (this.#ended.signal.aborted) return;
    const kube = new ProcessKubeApi(this.#parts.kubeOf(OPERATOR));
    const ports = this.#portsOf(kube, `operator-${++this.#incarnations}`);
    const { namespace, agentPlacement } = this.#parts.bounds;
    const operator = startOperator(ports, {
      ...this.#parts.deciders,
      ...(namespace !== undefined && { namespace }),
      ...(agentPlacement !== undefined && { agentPlacement }),
    });
    this.#operator = {
      kube,
      kill: () => {
        kube.kill();
        ports.channel.close();
        this.#channels.delete(ports.channel);
        void operator.stop();
      },
    };
  }

  /** Kills the operator between two of its steps. */
  killOperator(): void {
    this.#operator?.kill();
    this.#operator = undefined;
  }

  /** Kills every flash agent between two of its steps; their Pods fail, as Pods of killed processes do. */
  killAgents(): void {
    for (const agent of [...this.#agents]) agent.kill();
  }

  /** The node falls silent, and every flash agent dies with it; false: it is not ours to give up. */
  loseNode(): boolean {
    if (this.#node?.canBeLost !== true) return false;
    this.#node.lose();
    this.killAgents();
    return true;
  }

  recoverNode(): void {
    this.#node?.recover();
  }

  /** Ends everybody; idempotent. */
  stop(): void {
    this.killOperator();
    this.#node?.stop();
    this.#ended.abort();
    for (const channel of this.#channels) channel.close();
    this.#channels.clear();
  }

  /** One agent's process, from the start of its Pod to its end or to its death. */
  async #runAgent(shared: OperatorPorts, job: ObjectKey, stop: AbortSignal): Promise<ProgramExit> {
    const kube = new ProcessKubeApi(this.#parts.kubeOf(agentIn(job.namespace ?? 'default')));
    const killed = new AbortController();
    const death = Promise.withResolvers<ProgramExit>();
    const agent: Process = {
      kube,
      kill: () => {
        kube.kill();
        killed.abort();
        death.resolve({ code: KILLED_EXIT_CODE, message: 'killed' });
      },
    };
    this.#agents.add(agent);
    try {
      const signal = AbortSignal.any([stop, killed.signal]);
      const { deciders } = this.#parts;
      return await Promise.race([runFlashAgent({ ...shared, kube }, job, signal, deciders), death.promise]);
    } finally {
      this.#agents.delete(agent);
    }
  }

  #watch(task: Promise<void>): void {
    task.catch((error: unknown) => {
      if (!this.#ended.signal.aborted) this.#parts.onBug(error);
    });
  }

  #channel(clientId: string): DeviceChannel {
    const channel = this.#parts.channelOf(clientId);
    this.#channels.add(channel);
    return channel;
  }

  #portsOf(kube: KubeApi, name: string): OperatorPorts {
    const { clock, random, registry, signaturePolicy } = this.#parts;
    return {
      kube,
      registry,
      channel: this.#channel(name),
      clock,
      random: random.split(name),
      cache: this.#cache,
      chainVerifier: this.#chainVerifier,
      ...(signaturePolicy !== undefined && { signaturePolicy }),
    };
  }
}
