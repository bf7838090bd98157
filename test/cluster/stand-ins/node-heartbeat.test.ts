import { expect, test } from 'vitest';
import { NodeHeartbeat } from '../../../sim/cluster/stand-ins/node-heartbeat.ts';
import { LEASE, NODE } from '../../../src/kube/core.ts';
import { ClusterInTest } from '../cluster-in-test.ts';

test('a node is ready, falls silent and comes back, and nothing is written in between', async () => {
  const world = new ClusterInTest();
  const heartbeat = new NodeHeartbeat(world.api, world.clock, 'edge-1');
  const ready = async (): Promise<unknown> => {
    const { status } = await world.api.get(NODE, { name: 'edge-1' });
    return (status?.conditions as readonly { status: string }[] | undefined)?.[0]?.status;
  };
  await heartbeat.start({ labels: { zone: 'shed' } });
  expect(await ready()).toBe('True');
  const lease = await world.api.get(LEASE, { namespace: 'kube-node-lease', name: 'edge-1' });
  expect(lease.spec).toMatchObject({ holderIdentity: 'edge-1', renewTime: '2026-01-01T00:00:00.000000Z' });
  const version = world.cluster.server.store.version;
  await world.pass(3_600_000);
  expect(world.cluster.server.store.version).toBe(version);
  await heartbeat.lose();
  expect(await ready()).toBe('Unknown');
  await heartbeat.recover();
  expect(await ready()).toBe('True');
  await heartbeat.start();
  expect(await ready()).toBe('True');
});
