import { VirtualClock } from '../../sim/clock.ts';
import { EmbeddedCluster, type EmbeddedClusterOptions } from '../../sim/cluster/embedded-cluster.ts';
import type { KubeApi } from '../../src/kube/api.ts';
import { SeededRandom } from '../../src/random/random.ts';

/** A cluster on a clock of its own, whose objects cannot be changed by accident. */
export class ClusterInTest {
  readonly clock = new VirtualClock();
  readonly cluster: EmbeddedCluster;
  readonly api: KubeApi;

  constructor(options: Partial<EmbeddedClusterOptions> = {}) {
    const random = SeededRandom.ofSeed(1);
    this.cluster = new EmbeddedCluster({ clock: this.clock, random, freeze: true, ...options });
    this.api = this.cluster.api();
  }

  /** Lets everything happen that is due within `durationMs`. */
  async pass(durationMs = 0): Promise<void> {
    await this.clock.run(() => false, this.clock.nowMs + durationMs);
  }
}
