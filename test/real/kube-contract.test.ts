import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { ACCESS_USERS } from '../contract/access-bench.ts';
import { kubeContract } from '../contract/kube.ts';
import { WIDGET } from '../contract/kube-widget.ts';
import { Wire } from '../contract/wire.ts';
import { KUBERNETES_VERSION, startKubeApiserver } from './kube-apiserver.ts';

const CONTROLLERS = [
  'garbage-collector-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'clusterrole-aggregation-controller',
];

kubeContract(`kube-apiserver ${KUBERNETES_VERSION} with etcd`, {}, async () => {
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
    // The collector looks for kinds when it starts: not before there are Widgets.
    startControllers: () => server.startControllers(...CONTROLLERS),
    async forgetPast() {
      await server.compact();
      // What it has watched itself, it remembers until it ends.
      await server.restart();
      const inMemory = { query: { resourceVersion: '0' } };
      const widgets = `/apis/${WIDGET.apiVersion}/widgets`;
      while ((await wire.send('GET', widgets, inMemory)).status === 429) await pause(40);
    },
    settle: () => pause(40),
    async close() {
      wire.close();
      await server.stop();
    },
  };
});
