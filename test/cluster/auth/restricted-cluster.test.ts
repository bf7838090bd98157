import { expect, test } from 'vitest';
import { defaultClusterRoles } from '../../../sim/cluster/auth/default-roles.ts';
import { serviceAccountUser } from '../../../sim/cluster/auth/user.ts';
import { installAccounts } from '../../../sim/install.ts';
import { POD } from '../../../src/kube/core.ts';
import { CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE_BINDING } from '../../../src/kube/rbac.ts';
import { refusalOf } from '../../contract/refusal.ts';
import { ClusterInTest } from '../cluster-in-test.ts';

const restricted = (): ClusterInTest => new ClusterInTest({ access: { rbac: true } });

test('every default role is there from the beginning, and those that gather others are full', async () => {
  const { api, clock } = restricted();
  expect(clock.eventCount).toBe(0);
  const { items } = await api.list(CLUSTER_ROLE);
  expect(items.map(({ metadata }) => metadata.name)).toEqual(
    defaultClusterRoles()
      .map(({ metadata }) => metadata.name)
      .sort(),
  );
  const rulesOf = (name: string) => items.find(({ metadata }) => metadata.name === name)?.rules ?? [];
  expect(rulesOf('view').length).toBeGreaterThan(3);
  for (const rule of rulesOf('view')) expect(rulesOf('edit')).toContainEqual(rule);
  for (const rule of rulesOf('edit')) expect(rulesOf('admin')).toContainEqual(rule);
});

test('nobody may read secrets by being a viewer', async () => {
  const { cluster, api } = restricted();
  const eve = { name: 'eve', groups: [] };
  await api.create(ROLE_BINDING, {
    ...{ apiVersion: ROLE_BINDING.apiVersion, kind: ROLE_BINDING.kind },
    metadata: { namespace: 'default', name: 'eve' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    subjects: [{ kind: 'User', name: 'eve' }],
  });
  const secrets = { ...POD, kind: 'Secret', plural: 'secrets' };
  expect((await cluster.as(eve).list(POD, { namespace: 'default' })).items).toEqual([]);
  expect((await refusalOf(cluster.as(eve).list(secrets, { namespace: 'default' }))).code).toBe(403);
});

test('a right that is taken away is gone at once', async () => {
  const { cluster, api } = restricted();
  await installAccounts(api);
  const operator = cluster.as(serviceAccountUser('brickproof', 'brickproof-operator'));
  await operator.list(POD);
  await api.delete(CLUSTER_ROLE_BINDING, { name: 'brickproof-operator' });
  expect((await refusalOf(operator.list(POD))).code).toBe(403);
});

test('a server that starts again has the roles that were there, no more and no fewer', async () => {
  const { cluster, api } = restricted();
  await api.delete(CLUSTER_ROLE, { name: 'view' });
  const names = async () => (await api.list(CLUSTER_ROLE)).items.map(({ metadata }) => metadata.name);
  const before = await names();
  cluster.restart('kept');
  expect(await names()).toEqual(before);
  cluster.restart('lost');
  expect(await names()).toContain('view');
});

test('where access is not restricted, there are no roles and everybody may do everything', async () => {
  const { cluster } = new ClusterInTest();
  const anybody = cluster.as({ name: 'anybody', groups: [] });
  expect((await anybody.list(CLUSTER_ROLE)).items).toEqual([]);
});
