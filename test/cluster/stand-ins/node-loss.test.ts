import { describe, expect, test } from 'vitest';
import { NODE, POD } from '../../../src/kube/core.ts';
import { WorkloadRig } from './workload-rig.ts';

async function deployed(): Promise<WorkloadRig> {
  const rig = new WorkloadRig();
  await rig.node('n1');
  await rig.node('n2');
  await rig.deploy({ replicas: 2 });
  await rig.pass(5000);
  return rig;
}

const ready = async (rig: WorkloadRig, name: string): Promise<string | undefined> => {
  const { status } = await rig.api.get(NODE, { name });
  return ((status?.conditions ?? []) as readonly { type: string; status: string }[]).find(
    ({ type }) => type === 'Ready',
  )?.status;
};
const living = async (rig: WorkloadRig): Promise<readonly (string | undefined)[]> =>
  (await rig.pods())
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ spec }) => spec.nodeName);

describe('a node that is lost', () => {
  test('is given up after forty seconds, and its Pods are replaced after five minutes more', async () => {
    const rig = await deployed();
    expect((await living(rig)).toSorted()).toEqual(['n1', 'n2']);
    await rig.pass(60_000);
    rig.lose('n1');
    await rig.pass(29_000);
    expect(await ready(rig, 'n1')).toBe('True');
    await rig.pass(12_000);
    expect(await ready(rig, 'n1')).toBe('Unknown');
    const { spec } = await rig.api.get(NODE, { name: 'n1' });
    expect(spec?.taints?.map(({ key, effect }) => `${key}:${effect}`)).toEqual([
      'node.kubernetes.io/unreachable:NoSchedule',
      'node.kubernetes.io/unreachable:NoExecute',
    ]);
    await rig.pass(280_000);
    expect((await living(rig)).toSorted()).toEqual(['n1', 'n2']);
    await rig.pass(25_000);
    expect(await living(rig)).toEqual(['n2', 'n2']);
    expect(await rig.pods()).toHaveLength(3);
  });

  test('that comes back lets its marked Pods go, and takes new ones', async () => {
    const rig = await deployed();
    rig.lose('n1');
    await rig.pass(400_000);
    await rig.find('n1');
    await rig.pass(11_000);
    expect(await ready(rig, 'n1')).toBe('True');
    expect((await rig.api.get(NODE, { name: 'n1' })).spec?.taints).toBeUndefined();
    expect(await rig.pods()).toHaveLength(2);
    await rig.change({ spec: { replicas: 4 } });
    await rig.pass(5000);
    expect((await living(rig)).toSorted()).toEqual(['n1', 'n1', 'n2', 'n2']);
  });

  test('that comes back in time keeps its Pods, started again', async () => {
    const rig = await deployed();
    rig.lose('n1');
    await rig.pass(120_000);
    await rig.find('n1');
    await rig.pass(400_000);
    expect((await living(rig)).toSorted()).toEqual(['n1', 'n2']);
    const [restarted] = (await rig.pods()).filter(({ spec }) => spec.nodeName === 'n1');
    expect(restarted?.status?.containerStatuses).toMatchObject([{ restartCount: 1, ready: true }]);
  });

  test('whose object is deleted takes its Pods along', async () => {
    const rig = await deployed();
    rig.lose('n1');
    await rig.pass(60_000);
    await rig.api.delete(NODE, { name: 'n1' });
    await rig.pass(5000);
    expect((await rig.pods()).map(({ spec }) => spec.nodeName)).toEqual(['n2', 'n2']);
  });
});

describe('a Pod without a node', () => {
  test('waits for one that it fits, and says why', async () => {
    const rig = new WorkloadRig();
    const create = (name: string, spec: object) =>
      rig.api.create(POD, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace: 'default', name },
        spec: { containers: [{ name: 'main', image: 'x:1' }], ...spec },
      });
    const why = async (name: string): Promise<string | undefined> => {
      const { status } = await rig.api.get(POD, { namespace: 'default', name });
      const found = status?.conditions?.find(({ type }) => type === 'PodScheduled');
      return found?.status === 'True' ? 'scheduled' : `${found?.reason}: ${found?.message}`;
    };
    await create('early', {});
    await rig.pass();
    expect(await why('early')).toBe('Unschedulable: no nodes available to schedule pods');
    await rig.node('n1');
    await rig.pass();
    expect(await why('early')).toBe('scheduled');
    await rig.node('n2', { disk: 'ssd' });
    await rig.api.patch(NODE, { name: 'n2' }, { type: 'merge', body: { spec: { unschedulable: true } } });
    await create('choosy', { nodeSelector: { disk: 'ssd' } });
    await rig.pass();
    expect(await why('choosy')).toBe(
      "Unschedulable: 0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable.",
    );
    await rig.api.patch(NODE, { name: 'n2' }, { type: 'merge', body: { spec: { unschedulable: null } } });
    await rig.pass();
    expect(await why('choosy')).toBe('scheduled');
  });
});
