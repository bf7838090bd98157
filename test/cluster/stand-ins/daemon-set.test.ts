import { describe, expect, test } from 'vitest';
import { NODE } from '../../../src/kube/core.ts';
import { CONTROLLER_REVISION, DAEMON_SET, type DaemonSet } from '../../../src/kube/workloads.ts';
import { template, WorkloadRig } from './workload-rig.ts';

const KEY = { namespace: 'default', name: 'discovery' };

async function daemonSetOf(
  spec: Partial<DaemonSet['spec']> = {},
  nodes: readonly string[] = ['n1', 'n2', 'n3'],
) {
  const rig = new WorkloadRig();
  for (const name of nodes) await rig.node(name, { kind: name === 'n3' ? 'cloud' : 'edge' });
  await rig.api.create(DAEMON_SET, {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: KEY,
    spec: { selector: { matchLabels: { app: 'web' } }, template: template('discovery:1'), ...spec },
  });
  await rig.pass(5000);
  const places = async (): Promise<readonly string[]> =>
    (await rig.pods()).map(({ spec: of }) => `${of.nodeName} ${of.containers[0]?.image}`).sort();
  const change = (body: unknown): Promise<DaemonSet> =>
    rig.api.patch(DAEMON_SET, KEY, { type: 'merge', body });
  const node = (name: string, body: unknown) => rig.api.patch(NODE, { name }, { type: 'merge', body });
  return { rig, places, change, node, set: () => rig.api.get(DAEMON_SET, KEY) };
}

describe('a DaemonSet', () => {
  test('has a Pod on every node, those that come later too', async () => {
    const { rig, places, set } = await daemonSetOf();
    expect(await places()).toEqual(['n1 discovery:1', 'n2 discovery:1', 'n3 discovery:1']);
    expect((await set()).status).toMatchObject({
      desiredNumberScheduled: 3,
      currentNumberScheduled: 3,
      numberReady: 3,
      numberAvailable: 3,
      updatedNumberScheduled: 3,
      numberMisscheduled: 0,
    });
    await rig.node('n4');
    await rig.pass(5000);
    expect(await places()).toContain('n4 discovery:1');
  });

  test('keeps to the nodes it selects', async () => {
    const { spec, metadata } = template('discovery:1');
    const { rig, places, node } = await daemonSetOf({
      template: { ...(metadata && { metadata }), spec: { ...spec, nodeSelector: { kind: 'edge' } } },
    });
    expect(await places()).toEqual(['n1 discovery:1', 'n2 discovery:1']);
    await node('n1', { metadata: { labels: { kind: 'cloud' } } });
    await node('n3', { metadata: { labels: { kind: 'edge' } } });
    await rig.pass(5000);
    expect(await places()).toEqual(['n2 discovery:1', 'n3 discovery:1']);
  });

  test('bears a node that is cordoned, and no taint that it was not told to', async () => {
    const { rig, places, node } = await daemonSetOf({}, []);
    await rig.node('n1');
    await rig.node('n2');
    await node('n1', { spec: { unschedulable: true } });
    await rig.pass(5000);
    expect(await places()).toEqual(['n1 discovery:1', 'n2 discovery:1']);
    await node('n2', { spec: { taints: [{ key: 'mine', value: 'yes', effect: 'NoExecute' }] } });
    await rig.pass(40_000);
    expect(await places()).toEqual(['n1 discovery:1']);
  });

  test('rolls one node at a time, and keeps what it was', async () => {
    const { rig, places, change, set } = await daemonSetOf();
    await change({ spec: { template: template('discovery:2') } });
    for (let steps = 0; steps < 40; steps++) {
      await rig.pass(500);
      expect((await set()).status?.numberUnavailable ?? 0).toBeLessThanOrEqual(1);
    }
    expect(await places()).toEqual(['n1 discovery:2', 'n2 discovery:2', 'n3 discovery:2']);
    const { items } = await rig.api.list(CONTROLLER_REVISION, { namespace: 'default' });
    expect(items.map(({ revision }) => revision).sort()).toEqual([1, 2]);
  });

  test('with a surge has the new Pod ready before the old one goes', async () => {
    const { rig, places, change, set } = await daemonSetOf({
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    });
    await change({ spec: { template: template('discovery:2') } });
    for (let steps = 0; steps < 40; steps++) {
      await rig.pass(500);
      expect((await set()).status?.numberUnavailable ?? 0).toBe(0);
    }
    expect(await places()).toEqual(['n1 discovery:2', 'n2 discovery:2', 'n3 discovery:2']);
  });

  test('replaces nothing by itself when it is to wait for deletion', async () => {
    const { rig, places, change } = await daemonSetOf({ updateStrategy: { type: 'OnDelete' } });
    await change({ spec: { template: template('discovery:2') } });
    await rig.pass(10_000);
    expect(await places()).toEqual(['n1 discovery:1', 'n2 discovery:1', 'n3 discovery:1']);
  });
});
