import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
