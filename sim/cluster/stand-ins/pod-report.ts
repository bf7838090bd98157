import type { KubeApi } from '../../../src/kube/api.ts';
import { POD, type Pod } from '../../../src/kube/core.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { writePersistently } from './persistent-write.ts';
import type { Status } from './pod-status.ts';

/** What a kubelet has to say about one Pod, said until the server has heard it. */
export class PodReport {
  readonly #host: { readonly api: KubeApi; readonly clock: Clock };
  readonly #pod: Pod;
  readonly #signal: AbortSignal;

  /** Nothing is written once `signal` is aborted. */
  constructor(host: { readonly api: KubeApi; readonly clock: Clock }, pod: Pod, signal: AbortSignal) {
    this.#host = host;
    this.#pod = pod;
    this.#signal = signal;
  }

  async write(status: Status): Promise<void> {
    const { api, clock } = this.#host;
    const { namespace = '', name, uid } = this.#pod.metadata;
    const body = { metadata: { uid }, status };
    const write = (): Promise<Pod> =>
      api.patch(POD, { namespace, name }, { type: 'merge', body }, { subresource: 'status' });
    await writePersistently(write, clock, this.#signal);
  }

  /** The Pod has stopped: its object may go. */
  async release(): Promise<void> {
    const { api, clock } = this.#host;
    const { namespace = '', name, uid } = this.#pod.metadata;
    const options = { preconditions: { uid }, gracePeriodSeconds: 0 };
    await writePersistently(() => api.delete(POD, { namespace, name }, options), clock, this.#signal);
  }
}
