import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ClientNodeKubeApi } from '../../operator/adapters/kube-client-node.ts';
import { NAMESPACE } from '../../src/kube/core.ts';
import { KUBERNETES_VERSION, type KubeApiserver, startKubeApiserver } from './kube-apiserver.ts';

let server: KubeApiserver;
beforeAll(async () => {
  server = await startKubeApiserver({ users: [{ name: 'visitor', groups: ['guests'] }] });
});
afterAll(() => server?.stop());

const kubectl = (kubeconfig: string, ...args: readonly string[]): string =>
  execFileSync('kubectl', ['--kubeconfig', kubeconfig, ...args], { encoding: 'utf8' });

test('the referee is the kube-apiserver of the pinned version', () => {
  expect(kubectl(server.kubeconfig(), 'version')).toContain(`Server Version: ${KUBERNETES_VERSION}`);
});

test('it knows its users by token and by client certificate, and gives them no more than they have', () => {
  const visitor = server.kubeconfig('visitor');
  expect(kubectl(visitor, 'auth', 'whoami')).toContain('guests');
  expect(() => kubectl(visitor, 'get', 'pods')).toThrow(/cannot list resource "pods"/);
  const root = server.certificateKubeconfig({ name: 'root', groups: ['system:masters'] });
  expect(kubectl(root, 'get', 'namespaces', '-o', 'name')).toContain('namespace/default');
});

test('what was stored outlives a restart', async () => {
  kubectl(server.kubeconfig(), 'create', 'configmap', 'kept', '--from-literal=a=1');
  await server.restart();
  expect(kubectl(server.kubeconfig(), 'get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}')).toBe('1');
});

test('our client shows the token that a kubeconfig has a program for', async () => {
  const connect = (token: string): ClientNodeKubeApi => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token },
    };
    const { apiVersion } = credential;
    const args = ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`];
    const exec = { apiVersion, command: process.execPath, args, interactiveMode: 'Never' };
    const file = server.kubeconfig();
    const config = JSON.parse(readFileSync(file, 'utf8'));
    const path = `${file}.exec-${token.length}`;
    writeFileSync(
      path,
      JSON.stringify({ ...config, users: [{ name: config.users[0].name, user: { exec } }] }),
    );
    return ClientNodeKubeApi.connect({ kubeconfig: path });
  };
  const { items } = await connect(server.token('admin')).list(NAMESPACE);
  expect(items.map(({ metadata }) => metadata.name)).toContain('default');
  await expect(connect('nobody').list(NAMESPACE)).rejects.toMatchObject({ reason: 'Unauthorized' });
});
