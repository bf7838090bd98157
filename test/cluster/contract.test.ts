import { VirtualClock } from '../../sim/clock.ts';
import { EmbeddedCluster } from '../../sim/cluster/embedded-cluster.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { kubeContract } from '../contract/kube.ts';

kubeContract('the embedded cluster in process', async () => {
  const clock = new VirtualClock();
  const cluster = new EmbeddedCluster({ clock, random: SeededRandom.ofSeed(1), freeze: true });
  return {
    api: cluster.api(),
    settle: async () => void (await clock.run(() => false, clock.nowMs + 1)),
    close: async () => {},
  };
});
