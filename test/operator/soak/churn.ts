import type { KubeApi } from '../../../src/kube/api.ts';
import { LEASE, type Lease } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import type { Random } from '../../../src/random/random.ts';
import type { Clock } from '../../../src/time/clock.ts';

/** Names that objects of a soak have; each comes and goes many times. */
const NAMES = 60;

/** Somebody who creates, changes and deletes Leases all the time. */
export class Churn {
  /** Writes that the server took. */
  writes = 0;
  readonly #kube: KubeApi;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(kube: KubeApi, clock: Clock, random: Random) {
    this.#kube = kube;
    this.#clock = clock;
    this.#random = random;
  }

  /** A write every `everyMs` or so, sometimes ten at once, until `signal` aborts. */
  async run(everyMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const burst = this.#random.next() < 0.02 ? 10 : 1;
      for (let index = 0; index < burst; index++) await this.#write();
      await this.#clock.sleep(2 * everyMs * this.#random.next(), signal).catch(() => {});
    }
  }

  async #write(): Promise<void> {
    const key = { namespace: 'default', name: `lease-${this.#random.int(NAMES)}` };
    const spec = { holderIdentity: `holder-${this.#random.int(1_000_000)}` };
    const deed = this.#random.next();
    try {
      if (deed < 0.3) await this.#kube.delete(LEASE, key);
      else if (deed < 0.7) await this.#kube.patch<Lease>(LEASE, key, { type: 'merge', body: { spec } });
      else {
        const { apiVersion, kind } = LEASE;
        await this.#kube.create<Lease>(LEASE, { apiVersion, kind, metadata: key, spec });
      }
      this.writes++;
    } catch (error) {
      // Somebody was faster, or the server is away for a moment: there is always a next write.
      if (!isKubeError(error)) throw error;
    }
  }
}
