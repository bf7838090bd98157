import { expect, test } from 'vitest';
import { EVENT, NAMESPACE } from '../../../src/kube/core.ts';
import { DEPLOYMENT } from '../../../src/kube/workloads.ts';
import { WorkloadRig } from './workload-rig.ts';

/** `kind reason message` of every Event, the hash in names left out; each once. */
async function told(rig: WorkloadRig): Promise<readonly string[]> {
  const { items } = await rig.api.list(EVENT);
  const lines = items.map(({ involvedObject: { kind }, reason, message }) =>
    `${kind} ${reason} ${message}`.replaceAll(/web-[-\w]+/g, 'web-…'),
  );
  return lines.toSorted();
}

test('a Deployment and its ReplicaSets tell of every Pod, those of one instant too', async () => {
  const rig = new WorkloadRig();
  await rig.node('n1');
  await rig.deploy({ replicas: 3 });
  await rig.pass(5000);
  const created = 'ReplicaSet SuccessfulCreate Created pod: web-…';
  expect(await told(rig)).toEqual([
    'Deployment ScalingReplicaSet Scaled up replica set web-… from 0 to 3',
    ...[created, created, created],
  ]);
  const key = { namespace: 'default', name: 'web' };
  await rig.api.patch(DEPLOYMENT, key, { type: 'merge', body: { spec: { replicas: 1 } } });
  await rig.pass(5000);
  const later = await told(rig);
  expect(later).toContain('Deployment ScalingReplicaSet Scaled down replica set web-… from 3 to 1');
  expect(later.filter((line) => line.includes('SuccessfulDelete'))).toHaveLength(2);
});

test('a namespace that goes takes nobody down who wants to tell of it', async () => {
  const rig = new WorkloadRig();
  await rig.node('n1');
  await rig.api.create(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shed' } });
  const { apiVersion, kind } = DEPLOYMENT;
  const { spec } = await rig.deploy();
  await rig.api.create(DEPLOYMENT, { apiVersion, kind, metadata: { namespace: 'shed', name: 'web' }, spec });
  await rig.api.delete(NAMESPACE, { name: 'shed' });
  await rig.pass(5000);
  expect((await rig.deployment()).status?.availableReplicas).toBe(4);
});
