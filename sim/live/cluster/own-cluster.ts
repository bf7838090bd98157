import { ClientNodeKubeApi } from '../../../operator/adapters/kube-client-node.ts';
import type { Random } from '../../../src/random/random.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { EVERYWHERE, NODE_NAME, usersOf } from '../../cast.ts';
import type { UserInfo } from '../../cluster/auth/user.ts';
import { EmbeddedCluster } from '../../cluster/embedded-cluster.ts';
import { HttpDoor } from '../../cluster/http/http-door.ts';
import { kubeconfig } from '../../cluster/http/http-kubeconfig.ts';
import { ApiWeather } from '../../faults/api-weather.ts';
import { addNode, installDefinitions } from '../../install.ts';
import { KubeconfigFile, type LiveCluster } from './live-cluster.ts';

/**
 * Starts an embedded cluster over a socket of this machine, with weather; each of the cast has a token, so
 * that faults can tell who asks.
 *
 * Port 0 is any free one. Rejects with the system's error when it is taken.
 */
export async function openOwnCluster(clock: Clock, random: Random, port = 0): Promise<LiveCluster> {
  const weather = new ApiWeather(random.split('api-weather'));
  const { intercept, interceptWatch } = weather;
  const users = new Map<string, UserInfo>();
  const cluster = new EmbeddedCluster({
    ...{ clock, random: random.split('cluster'), intercept, interceptWatch },
    access: { users },
  });
  const door = new HttpDoor(cluster);
  const url = await door.listen(port);
  const kube = ClientNodeKubeApi.connect({ url });
  // Before anybody is told where to look: who looks at once should find our kinds.
  await installDefinitions(kube);
  await addNode(kube, clock, NODE_NAME);
  const file = new KubeconfigFile(kubeconfig(url));
  return {
    url,
    kubeconfig: file.path,
    kube,
    namespace: 'default',
    bounds: EVERYWHERE,
    api: { weather, cluster, usersOf },
    kubeOf: (user) => {
      const token = Buffer.from(random.split(`token/${user.name}`).bytes(16)).toString('hex');
      users.set(token, user);
      return ClientNodeKubeApi.connect({ url, token });
    },
    markInstalled: () => cluster.markInstalled(),
    close: async () => {
      file.remove();
      await door.close();
    },
  };
}
