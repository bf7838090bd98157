import { expect, test } from 'vitest';
import type { EmbeddedClusterOptions } from '../../sim/cluster/embedded-cluster.ts';
import { NAMESPACE } from '../../src/kube/core.ts';
import type { Kind, KubeObject } from '../../src/kube/object.ts';
import { ClusterInTest } from './cluster-in-test.ts';

const kind = (name: string, plural: string): Kind<KubeObject> => ({
  apiVersion: 'v1',
  kind: name,
  plural,
  namespaced: true,
});
const ACCOUNT = kind('ServiceAccount', 'serviceaccounts');
const CONFIG_MAP = kind('ConfigMap', 'configmaps');
const INSTALLED = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

function inTest(options: Partial<EmbeddedClusterOptions> = {}) {
  const bench = new ClusterInTest(options);
  const places = async (which: Kind<KubeObject>): Promise<(string | undefined)[]> =>
    (await bench.api.list(which)).items.map(({ metadata }) => metadata.namespace);
  return { bench, api: bench.api, places };
}

const shed = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shed' } };

test('a server with an authority puts it into every namespace, one without has none to show', async () => {
  const { api, bench, places } = inTest({ authority: 'PEM' });
  await api.create(NAMESPACE, shed);
  await bench.pass();
  expect(await places(CONFIG_MAP)).toEqual([...INSTALLED, 'shed']);
  expect(await api.get(CONFIG_MAP, { namespace: 'shed', name: 'kube-root-ca.crt' })).toMatchObject({
    data: { 'ca.crt': 'PEM' },
  });
  expect(await inTest().places(CONFIG_MAP)).toEqual([]);
});

test('what a cluster was installed with is there after its data was lost', async () => {
  const { api, bench, places } = inTest();
  await api.create(NAMESPACE, shed);
  await bench.pass();
  expect(await places(ACCOUNT)).toEqual([...INSTALLED, 'shed']);
  bench.cluster.restart('lost');
  expect(await places(ACCOUNT)).toEqual(INSTALLED);
  await api.create(NAMESPACE, shed);
  await bench.pass();
  expect(await places(ACCOUNT)).toEqual([...INSTALLED, 'shed']);
});
