import type { KubeApi } from '../../../src/kube/api.ts';
import { HOSTNAME_LABEL, LEASE, NODE, type Node, type Taint } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { type Clock, microTimestamp, timestamp } from '../../../src/time/clock.ts';
import { isNodeReady } from './node-fit.ts';
import { markReachable, markUnreachable } from './node-marks.ts';

/** Where Leases of nodes live. Source: Kubernetes documentation, "Leases". */
export const LEASE_NAMESPACE = 'kube-node-lease';
/** Source: kubelet's defaults, nodeLeaseDurationSeconds and its renewal every quarter. */
export const LEASE_SECONDS = 40;
const RENEWAL_MS = 10_000;

export interface NodeTraits {
  readonly labels?: Readonly<Record<string, string>>;
  /** Keep away every Pod that does not tolerate them. */
  readonly taints?: readonly Taint[];
  /** What a scheduler may place there; absent: nobody asks. Source: core/v1 ResourceList. */
  readonly capacity?: Readonly<Record<string, string>>;
}

/**
 * Stands in for a node's word that it is alive: a Node with a Ready condition, and its Lease.
 *
 * Writes when something changes, not on a beat: a heartbeat every ten seconds would be the loudest thing
 * in a simulation and say nothing. Where a node controller listens, real or NodeLifecycle, `beat` is
 * called. Whoever wants a dead node calls `lose`.
 */
export class NodeHeartbeat {
  readonly #api: KubeApi;
  readonly #clock: Clock;
  readonly #nodeName: string;

  constructor(api: KubeApi, clock: Clock, nodeName: string) {
    this.#api = api;
    this.#clock = clock;
    this.#nodeName = nodeName;
  }

  /** Registers the node, ready; one that is there already becomes ready again. Rejects with KubeError. */
  async start({ labels = {}, taints, capacity }: NodeTraits = {}): Promise<void> {
    const name = this.#nodeName;
    const metadata = { name, labels: { [HOSTNAME_LABEL]: name, ...labels } };
    const node = {
      ...{ apiVersion: 'v1', kind: 'Node', metadata },
      ...(taints !== undefined && { spec: { taints } }),
    };
    await this.#createOnce(() => this.#api.create(NODE, node));
    const now = microTimestamp(this.#clock);
    const holder = { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS };
    const spec = { ...holder, acquireTime: now, renewTime: now };
    const leaseMeta = { namespace: LEASE_NAMESPACE, name };
    const lease = { apiVersion: LEASE.apiVersion, kind: LEASE.kind, metadata: leaseMeta, spec };
    await this.#createOnce(() => this.#api.create(LEASE, lease));
    if (capacity !== undefined) await this.#writeStatus({ capacity, allocatable: capacity });
    await this.#declare('True', 'KubeletReady', 'the kubelet stand-in is running');
  }

  /** Takes the node and its Lease away. */
  async retire(): Promise<void> {
    const name = this.#nodeName;
    await this.#api.delete(NODE, { name }).catch(unlessGone);
    await this.#api.delete(LEASE, { namespace: LEASE_NAMESPACE, name }).catch(unlessGone);
  }

  /** The node falls silent: what the node controller writes when a Lease runs out. */
  async lose(): Promise<void> {
    await markUnreachable(this.#api, this.#clock, this.#nodeName);
  }

  /**
   * Renews the Lease every ten seconds until `signal` aborts; settles then. A node that was given up is
   * ready again with the next beat; a beat that fails is left to the one after it.
   */
  async beat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#renewOrRecover().catch(ignoreRefusal);
      await this.#clock.sleep(RENEWAL_MS, signal).catch(() => {});
    }
  }

  async #renewOrRecover(): Promise<void> {
    const node = await this.#api.get(NODE, { name: this.#nodeName });
    await (isNodeReady(node) ? this.#renew() : this.recover());
  }

  async recover(): Promise<void> {
    await this.#renew();
    await this.#declare('True', 'KubeletReady', 'the kubelet stand-in is running');
  }

  async #renew(): Promise<void> {
    const body = { spec: { renewTime: microTimestamp(this.#clock) } };
    const key = { namespace: LEASE_NAMESPACE, name: this.#nodeName };
    await this.#api.patch(LEASE, key, { type: 'merge', body });
  }

  async #declare(status: 'True', reason: string, message: string): Promise<void> {
    const now = timestamp(this.#clock);
    const ready = { type: 'Ready', status, reason, message, lastHeartbeatTime: now, lastTransitionTime: now };
    const nodeInfo = {
      kubeletVersion: 'v1.32.0+brickproof',
      operatingSystem: 'linux',
      architecture: 'amd64',
    };
    await markReachable(this.#api, await this.#writeStatus({ conditions: [ready], nodeInfo }));
  }

  #writeStatus(status: object): Promise<Node> {
    const patch = { type: 'merge' as const, body: { status } };
    return this.#api.patch<Node>(NODE, { name: this.#nodeName }, patch, { subresource: 'status' });
  }

  async #createOnce(create: () => Promise<unknown>): Promise<void> {
    try {
      await create();
    } catch (error) {
      if (!isKubeError(error, 'AlreadyExists')) throw error;
    }
  }
}

function ignoreRefusal(error: unknown): void {
  if (!isKubeError(error)) throw error;
}

function unlessGone(error: unknown): void {
  if (!isKubeError(error, 'NotFound')) throw error;
}
