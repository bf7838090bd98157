import { ClientNodeKubeApi } from '../../../operator/adapters/kube-client-node.ts';
import type { Random } from '../../../src/random/random.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { EVERYWHERE, NODE_NAME } from '../../cast.ts';
import { EmbeddedCluster } from '../../cluster/embedded-cluster.ts';
import { HttpDoor } from '../../cluster/http/http-door.ts';
import { kubeconfig } from '../../cluster/http/http-kubeconfig.ts';
import { addNode, installDefinitions } from '../../install.ts';
import { KubeconfigFile, type LiveCluster } from './live-cluster.ts';

/** Starts an embedded cluster on loopback; port 0 is any free one. Rejects with the system's error when the port is taken. */
export async function openOwnCluster(clock: Clock, random: Random, port = 0): Promise<LiveCluster> {
  const cluster = new EmbeddedCluster({ clock, random });
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
    kubeOf: () => ClientNodeKubeApi.connect({ url }),
    close: async () => {
      file.remove();
      await door.close();
    },
  };
}
