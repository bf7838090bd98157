import { expect, test } from 'vitest';
import { LoadBalancer } from '../../../sim/cluster/stand-ins/load-balancer.ts';
import { SERVICE, type Service } from '../../../src/kube/core.ts';
import { ClusterInTest } from '../cluster-in-test.ts';

test('Services of type LoadBalancer share a pool: one waits until another gives its address back', async () => {
  const world = new ClusterInTest();
  const addresses = ['192.0.2.1', '192.0.2.2'];
  void new LoadBalancer({ ...world, addresses }).run(new AbortController().signal);
  const create = (name: string, type: 'LoadBalancer' | 'ClusterIP'): Promise<Service> =>
    world.api.create(SERVICE, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'default', name },
      spec: { type, ports: [{ port: 4433 }] },
    });
  const ingress = async (name: string): Promise<unknown> => {
    const service = await world.api.get(SERVICE, { namespace: 'default', name });
    return (service as unknown as { status: { loadBalancer: { ingress?: unknown } } }).status.loadBalancer
      .ingress;
  };
  await create('inner', 'ClusterIP');
  for (const name of ['a', 'b', 'c']) await create(name, 'LoadBalancer');
  await world.pass();
  expect([await ingress('a'), await ingress('b'), await ingress('c'), await ingress('inner')]).toEqual([
    [{ ip: '192.0.2.1' }],
    [{ ip: '192.0.2.2' }],
    undefined,
    undefined,
  ]);
  await world.api.delete(SERVICE, { namespace: 'default', name: 'a' });
  await world.pass();
  expect(await ingress('c')).toEqual([{ ip: '192.0.2.1' }]);
});
