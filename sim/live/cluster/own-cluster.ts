import { ClientNodeKubeApi } from '../../../operator/adapters/kube-client-node.ts';
import type { Random } from '../../../src/random/random.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { CAST_USERS, EVERYWHERE, NODE_NAME, usersOf } from '../../cast.ts';
import { EmbeddedCluster } from '../../cluster/embedded-cluster.ts';
import { HttpDoor } from '../../cluster/http/http-door.ts';
import { kubeconfig } from '../../cluster/http/http-kubeconfig.ts';
import { ApiWeather } from '../../faults/api-weather.ts';
import { addNode, installDefinitions } from '../../install.ts';
import { KubeconfigFile, type LiveCluster } from './live-cluster.ts';

/**
 * Starts an embedded cluster over sockets of this machine, with weather; each of the cast has a door of
 * its own, so that faults can tell who asks.
 *
 * `port` is of the door for everybody else, 0 any free one. Rejects with the system's error when it is taken.
 */
export async function openOwnCluster(clock: Clock, random: Random, port = 0): Promise<LiveCluster> {
  const weather = new ApiWeather(random.split('api-weather'));
  const { intercept, interceptWatch } = weather;
  const cluster = new EmbeddedCluster({ clock, random: random.split('cluster'), intercept, interceptWatch });
  const door = new HttpDoor(cluster);
  const url = await door.listen(port);
  const doors = [door];
  const urls = new Map<string, string>();
  for (const user of CAST_USERS) {
    const own = new HttpDoor(cluster, user);
    doors.push(own);
    urls.set(user, await own.listen());
  }
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
    kubeOf: (user) => ClientNodeKubeApi.connect({ url: urls.get(user) ?? url }),
    markInstalled: () => cluster.markInstalled(),
    close: async () => {
      file.remove();
      for (const one of doors) await one.close();
    },
  };
}
