import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { ACCESS_USERS } from '../contract/access-bench.ts';
import { kubeContract } from '../contract/kube.ts';
import { Wire } from '../contract/wire.ts';
import { KUBERNETES_VERSION, startKubeApiserver } from './kube-apiserver.ts';

const noControllers = 'no controller runs beside this server';

kubeContract(
  `kube-apiserver ${KUBERNETES_VERSION} with etcd`,
  {
    'garbage collection': noControllers,
    'namespace deletion': noControllers,
    'role aggregation': noControllers,
  },
  async () => {
    const server = await startKubeApiserver({ users: ACCESS_USERS });
    const { url, caFile } = server;
    const wire = new Wire({ url, token: server.token('admin'), ca: readFileSync(caFile, 'utf8') });
    return {
      api: ClientNodeKubeApi.connect({ kubeconfig: server.kubeconfig() }),
      doors: {
        as: (user) => ClientNodeKubeApi.connect({ kubeconfig: server.kubeconfig(user) }),
        tokenOf: (user) => server.token(user),
      },
      wire,
      settle: () => pause(10),
      async close() {
        wire.close();
        await server.stop();
      },
    };
  },
);
