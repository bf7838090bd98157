import type { KubeApi } from '../../../src/kube/api.ts';
import { LEASE, NODE, type Node } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { type Clock, microTimestamp, timestamp } from '../../../src/time/clock.ts';

/** Where Leases of nodes live. Source: Kubernetes documentation, "Leases". */
const LEASE_NAMESPACE = 'kube-node-lease';

/**
 * Stands in for a node's word that it is alive: a Node with a Ready condition, and its Lease.
 *
 * Writes when something changes, not on a beat: a heartbeat every ten seconds would be the loudest thing
 * in a simulation and say nothing. Whoever wants a dead node calls `lose`.
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
  async start(labels: Readonly<Record<string, string>> = {}): Promise<void> {
    const name = this.#nodeName;
    const metadata = { name, labels: { 'kubernetes.io/hostname': name, ...labels } };
    await this.#createOnce(() => this.#api.create(NODE, { apiVersion: 'v1', kind: 'Node', metadata }));
    const now = microTimestamp(this.#clock);
    const spec = { holderIdentity: name, leaseDurationSeconds: 40, acquireTime: now, renewTime: now };
    const leaseMeta = { namespace: LEASE_NAMESPACE, name };
    const lease = { apiVersion: LEASE.apiVersion, kind: LEASE.kind, metadata: leaseMeta, spec };
    await this.#createOnce(() => this.#api.create(LEASE, lease));
    await this.#declare('True', 'KubeletReady', 'the kubelet stand-in is running');
  }

  /** The node falls silent: what the node controller writes when a Lease runs out. */
  async lose(): Promise<void> {
    await this.#declare('Unknown', 'NodeStatusUnknown', 'Kubelet stopped posting node status.');
  }

  async recover(): Promise<void> {
    const body = { spec: { renewTime: microTimestamp(this.#clock) } };
    await this.#api.patch(
      LEASE,
      { namespace: LEASE_NAMESPACE, name: this.#nodeName },
      { type: 'merge', body },
    );
    await this.#declare('True', 'KubeletReady', 'the kubelet stand-in is running');
  }

  async #declare(status: 'True' | 'Unknown', reason: string, message: string): Promise<void> {
    const now = timestamp(this.#clock);
    const ready = { type: 'Ready', status, reason, message, lastHeartbeatTime: now, lastTransitionTime: now };
    const nodeInfo = {
      kubeletVersion: 'v1.32.0+brickproof',
      operatingSystem: 'linux',
      architecture: 'amd64',
    };
    const body = { status: { conditions: [ready], nodeInfo } };
    const key = { name: this.#nodeName };
    await this.#api.patch<Node>(NODE, key, { type: 'merge', body }, { subresource: 'status' });
  }

  async #createOnce(create: () => Promise<unknown>): Promise<void> {
    try {
      await create();
    } catch (error) {
      if (!isKubeError(error, 'AlreadyExists')) throw error;
    }
  }
}
