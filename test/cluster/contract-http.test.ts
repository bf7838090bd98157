import { setTimeout as pause } from 'node:timers/promises';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { EmbeddedCluster } from '../../sim/cluster/embedded-cluster.ts';
import { HttpDoor } from '../../sim/cluster/http/http-door.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { kubeContract } from '../contract/kube.ts';
import { Wire } from '../contract/wire.ts';
import { WallClock } from './wall-clock.ts';

kubeContract('the embedded cluster over HTTP, through the official client', {}, async () => {
  const cluster = new EmbeddedCluster({
    clock: new WallClock(),
    random: SeededRandom.ofSeed(1),
    freeze: true,
  });
  const door = new HttpDoor(cluster);
  const url = await door.listen();
  const wire = new Wire({ url });
  return {
    api: ClientNodeKubeApi.connect({ url }),
    wire,
    settle: () => pause(1),
    async close() {
      wire.close();
      await door.close();
    },
  };
});
