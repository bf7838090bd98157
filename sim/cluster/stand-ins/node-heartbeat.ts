import type { KubeApi } from '../../../src/kube/api.ts';
import { LEASE, NODE, type Node } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { type Clock, microTimestamp, timestamp } from '../../../src/time/clock.ts';

import { isNodeReady } from './node-fit.ts';
import { markReachable, markUnreachable } from './node-marks.ts';

/** Where Leases of nodes live. Source: Kubernetes documentation, "Leases". */
export const LEASE_NAMESPACE = 'kube-node-lease';
/** Source: kubelet configuration v1beta1, a quarter of nodeLeaseDurationSeconds. */
const RENEW_EVERY_MS = 10_000;

/**
 * Stands in for a node's word that it is alive: a Node with a Ready condition, and its Lease.
 *
 * Writes when something changes, not on a beat, unless told to: a heartbeat every ten seconds would be the
 * loudest thing in a simulation and say nothing. Whoever wants a dead node calls `lose`.
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

  /** What the node controller writes when a Lease runs out. */
  async lose(): Promise<void> {
    await markUnreachable(this.#api, this.#clock, this.#nodeName);
  }

  /**
   * Renews the Lease every ten seconds until `signal` is aborted: for clusters where somebody judges nodes
   * by it (NodeLifecycle). A node that was given up is ready again with the first beat.
   */
  async beat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const node = await this.#api.get(NODE, { name: this.#nodeName }).catch(() => undefined);
      if (node !== undefined && !isNodeReady(node)) await this.recover().catch(() => {});
      else await this.#renew().catch(() => {});
      await this.#clock.sleep(RENEW_EVERY_MS, signal).catch(() => {});
    }
  }

  async recover(): Promise<void> {
    await this.#renew();
    await this.#declare('True', 'KubeletReady', 'the kubelet stand-in is running');
  }

  async #renew(): Promise<void> {
    const key = { namespace: LEASE_NAMESPACE, name: this.#nodeName };
    const body = { spec: { renewTime: microTimestamp(this.#clock) } };
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
    const body = { status: { conditions: [ready], nodeInfo } };
    const key = { name: this.#nodeName };
    const node = await this.#api.patch<Node>(NODE, key, { type: 'merge', body }, { subresource: 'status' });
    await markReachable(this.#api, node);
  }

  async #createOnce(create: () => Promise<unknown>): Promise<void> {
    try {
      await create();
    } catch (error) {
      if (!isKubeError(error, 'AlreadyExists')) throw error;
    }
  }
}
