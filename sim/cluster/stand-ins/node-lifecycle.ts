import { LEASE, type Lease, NODE } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { clockMsOf, type Timer } from '../../../src/time/clock.ts';
import { isNodeReady } from './node-fit.ts';
import { LEASE_NAMESPACE } from './node-heartbeat.ts';
import { markUnreachable } from './node-marks.ts';
import { followObjects } from './object-feed.ts';
import type { ControllerHost } from './reconcile-loop.ts';

/** How long a node may be silent. Source: kube-controller-manager, --node-monitor-grace-period (v1.32). */
export const SILENCE_MS_MAX = 40_000;

/** Stands in for the node lifecycle controller: gives up nodes whose Lease is not renewed. For nodes that beat. */
export class NodeLifecycle {
  readonly #host: ControllerHost;
  readonly #deadlines = new Map<string, Timer>();

  constructor(host: ControllerHost) {
    this.#host = host;
  }

  /** Works until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { api, clock } = this.#host;
    await followObjects(api, LEASE, { namespace: LEASE_NAMESPACE }, clock, signal, {
      present: (lease) => this.#look(lease),
      gone: ({ metadata: { name } }) => this.#deadlines.get(name)?.cancel(),
    });
    for (const deadline of this.#deadlines.values()) deadline.cancel();
  }

  #look({ metadata: { name }, spec }: Lease): void {
    const { clock } = this.#host;
    this.#deadlines.get(name)?.cancel();
    const heardMs = clockMsOf(clock, spec.renewTime ?? '') ?? clock.nowMs;
    const leftMs = Math.max(0, heardMs + SILENCE_MS_MAX - clock.nowMs);
    this.#deadlines.set(
      name,
      clock.after(leftMs, () => void this.#giveUp(name)),
    );
  }

  async #giveUp(name: string): Promise<void> {
    const { api, clock } = this.#host;
    try {
      if (isNodeReady(await api.get(NODE, { name }))) await markUnreachable(api, clock, name);
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return;
      if (!isKubeError(error)) throw error;
      this.#deadlines.set(
        name,
        clock.after(1000, () => void this.#giveUp(name)),
      );
    }
  }
}
