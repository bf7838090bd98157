import { setTimeout as pause } from 'node:timers/promises';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { EmbeddedCluster } from '../../sim/cluster/embedded-cluster.ts';
import { HttpDoor } from '../../sim/cluster/http/http-door.ts';
import { SeededRandom } from '../../src/random/random.ts';
import { kubeContract } from '../contract/kube.ts';
import { Wire } from '../contract/wire.ts';
import { embeddedUsers } from './embedded-users.ts';
import { WallClock } from './wall-clock.ts';

kubeContract('the embedded cluster over HTTP, through the official client', {}, async () => {
  const { users, tokenOf } = embeddedUsers();
  const cluster = new EmbeddedCluster({
    access: { rbac: true, users },
    clock: new WallClock(),
    random: SeededRandom.ofSeed(1),
    freeze: true,
    tracksWriters: true,
  });
  const door = new HttpDoor(cluster);
  const url = await door.listen();
  const token = tokenOf('admin');
  const wire = new Wire({ url, token });
  return {
    api: ClientNodeKubeApi.connect({ url, token }),
    doors: { as: (name) => ClientNodeKubeApi.connect({ url, token: tokenOf(name) }), tokenOf },
    wire,
    forgetPast: async () => cluster.compact(),
    settle: () => pause(1),
    async close() {
      wire.close();
      await door.close();
    },
  };
});
