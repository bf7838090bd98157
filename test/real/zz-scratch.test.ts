import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { kubeContract } from '../contract/kube.ts';

kubeContract('a real kube-apiserver', async () => {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'x', server: 'https://127.0.0.1:46443', skipTLSVerify: true },
    { name: 'x', token: 'admintoken' },
  );
  return { api: new ClientNodeKubeApi(config), settle: () => pause(10), close: async () => {} };
});
