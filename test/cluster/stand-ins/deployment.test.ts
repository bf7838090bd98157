import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { SCRIPT_ANNOTATION } from '../../../sim/cluster/stand-ins/pod-script.ts';
import { NAMESPACE, POD } from '../../../src/kube/core.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { DEPLOYMENT, type Deployment, REPLICA_SET, type ReplicaSet } from '../../../src/kube/workloads.ts';
import { template, WorkloadRig } from './workload-rig.ts';

async function started(spec: Partial<Deployment['spec']> = {}): Promise<WorkloadRig> {
  const rig = new WorkloadRig();
  for (const name of ['n1', 'n2', 'n3']) await rig.node(name);
  await rig.deploy(spec);
  await rig.pass(5000);
  return rig;
}

const conditionOf = ({ status }: Deployment, wanted: string): string | undefined => {
  const found = status?.conditions?.find(({ type }) => type === wanted);
  return found && `${found.status} ${found.reason}`;
};
const setsOf = async (rig: WorkloadRig): Promise<readonly ReplicaSet[]> =>
  (await rig.api.list(REPLICA_SET, { namespace: 'default' })).items;
const sizes = async (rig: WorkloadRig): Promise<Readonly<Record<string, number>>> =>
  Object.fromEntries(
    (await setsOf(rig)).map(({ spec }) => [spec.template.spec.containers[0]?.image, spec.replicas ?? -1]),
  );

describe('a Deployment', () => {
  test('gets its Pods, spread over the nodes, and says when they are there', async () => {
    const rig = new WorkloadRig();
    for (const name of ['n1', 'n2']) await rig.node(name);
    await rig.deploy();
    await rig.pass();
    expect(conditionOf(await rig.deployment(), 'Available')).toBe('False MinimumReplicasUnavailable');
    await rig.pass(3000);
    const deployment = await rig.deployment();
    expect(deployment.status).toMatchObject({
      replicas: 4,
      updatedReplicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
      observedGeneration: deployment.metadata.generation,
    });
    expect(conditionOf(deployment, 'Available')).toBe('True MinimumReplicasAvailable');
    expect(conditionOf(deployment, 'Progressing')).toBe('True NewReplicaSetAvailable');
    expect(deployment.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '1' });
    expect(deployment.metadata.generation).toBe(1);
    const nodes = (await rig.pods()).map(({ spec }) => spec.nodeName).sort();
    expect(nodes).toEqual(['n1', 'n1', 'n2', 'n2']);
  });

  test('rolls without ever having fewer available, or more at all, than its strategy allows', async () => {
    const rig = await started({
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
    });
    await rig.change({ spec: { template: template('web:2') } });
    let rolled = 0;
    for (; rolled < 60; rolled++) {
      await rig.pass(500);
      const pods = (await rig.pods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      expect(pods.length).toBeLessThanOrEqual(5);
      const ready = pods.filter(({ status }) => status?.phase === 'Running').length;
      expect(ready).toBeGreaterThanOrEqual(3);
      if ((await rig.deployment()).status?.updatedReplicas === 4 && pods.length === 4 && ready === 4) break;
    }
    expect(rolled).toBeLessThan(60);
    expect(rolled).toBeGreaterThan(3);
    expect(await sizes(rig)).toEqual({ 'web:1': 0, 'web:2': 4 });
    expect((await rig.pods()).map(({ spec }) => spec.containers[0]?.image)).toEqual(Array(4).fill('web:2'));
  });

  test('recreates: the old ones are gone before the first new one comes', async () => {
    const rig = await started({ strategy: { type: 'Recreate' } });
    await rig.change({ spec: { template: template('web:2') } });
    for (let steps = 0; steps < 40; steps++) {
      await rig.pass(250);
      const images = new Set((await rig.pods()).map(({ spec }) => spec.containers[0]?.image));
      expect(images.size).toBeLessThanOrEqual(1);
    }
    expect(await sizes(rig)).toEqual({ 'web:1': 0, 'web:2': 4 });
    expect(conditionOf(await rig.deployment(), 'Progressing')).toBe('True NewReplicaSetAvailable');
  });

  test('goes back to a former template under its old name and a new revision', async () => {
    const rig = await started();
    const [first] = await setsOf(rig);
    await rig.change({ spec: { template: template('web:2') } });
    await rig.pass(30_000);
    await rig.change({ spec: { template: template('web:1') } });
    await rig.pass(30_000);
    expect(await sizes(rig)).toEqual({ 'web:1': 4, 'web:2': 0 });
    const again = (await setsOf(rig)).find(({ metadata }) => metadata.name === first?.metadata.name);
    expect(again?.metadata.annotations).toMatchObject({
      'deployment.kubernetes.io/revision': '3',
      'deployment.kubernetes.io/revision-history': '1',
    });
  });

  test('keeps no more former templates than it is asked to', async () => {
    const rig = await started({ revisionHistoryLimit: 1 });
    for (const image of ['web:2', 'web:3', 'web:4']) {
      await rig.change({ spec: { template: template(image) } });
      await rig.pass(30_000);
    }
    expect(await sizes(rig)).toEqual({ 'web:3': 0, 'web:4': 4 });
  });

  test('that does not get on says so when its deadline has passed, and its Pods of old stay', async () => {
    const rig = await started({ progressDeadlineSeconds: 60 });
    await rig.change({ spec: { template: template('web:bad', 'web', 'Running after 1h') } });
    await rig.pass(58_000);
    expect(conditionOf(await rig.deployment(), 'Progressing')).toBe('True ReplicaSetUpdated');
    await rig.pass(5000);
    const stuck = await rig.deployment();
    expect(conditionOf(stuck, 'Progressing')).toBe('False ProgressDeadlineExceeded');
    expect(conditionOf(stuck, 'Available')).toBe('True MinimumReplicasAvailable');
    expect(stuck.status?.availableReplicas).toBe(3);
    await rig.change({ spec: { template: template('web:3') } });
    await rig.pass(30_000);
    expect(conditionOf(await rig.deployment(), 'Progressing')).toBe('True NewReplicaSetAvailable');
  });

  test('scales by its scale, up and down, and while it is paused', async () => {
    const rig = await started();
    await rig.change({ spec: { replicas: 6 } });
    await rig.pass(5000);
    expect(await rig.pods()).toHaveLength(6);
    await rig.change({ spec: { replicas: 1, paused: true } });
    await rig.pass(5000);
    expect(await rig.pods()).toHaveLength(1);
    await rig.change({ spec: { template: template('web:2') } });
    await rig.pass(5000);
    expect(await sizes(rig)).toEqual({ 'web:1': 1 });
    expect(conditionOf(await rig.deployment(), 'Progressing')).toBe('Unknown DeploymentPaused');
    await rig.change({ spec: { paused: false } });
    await rig.pass(10_000);
    expect(await sizes(rig)).toEqual({ 'web:1': 0, 'web:2': 1 });
  });

  test('takes its ReplicaSets and Pods along', async () => {
    const rig = await started();
    await rig.api.delete(
      DEPLOYMENT,
      { namespace: 'default', name: 'web' },
      { propagationPolicy: 'Foreground' },
    );
    await rig.pass(5000);
    expect(await rig.pods()).toEqual([]);
    expect(await setsOf(rig)).toEqual([]);
    await expect(rig.deployment()).rejects.toThrow(/not found/);
  });
});

describe('a ReplicaSet', () => {
  test('takes in Pods that fit and are nobody’s, and lets go of those that cease to', async () => {
    const rig = new WorkloadRig();
    await rig.node('n1');
    const pod = (name: string) =>
      rig.api.create(POD, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { namespace: 'default', name, ...template('web:1').metadata },
        spec: template('web:1').spec,
      });
    await pod('stray');
    await rig.deploy({ replicas: 1 });
    await rig.pass(5000);
    // A Deployment's ReplicaSet selects by a hash that the stray does not have.
    expect((await rig.pods()).map(({ metadata }) => metadata.ownerReferences?.length ?? 0)).toContain(0);
    await rig.api.create(REPLICA_SET, {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { namespace: 'default', name: 'other' },
      spec: {
        replicas: 1,
        selector: {
          matchLabels: { app: 'web' },
          matchExpressions: [{ key: 'pod-template-hash', operator: 'DoesNotExist' }],
        },
        template: template('web:1'),
      },
    });
    await rig.pass(5000);
    const stray = { namespace: 'default', name: 'stray' };
    expect((await rig.api.get(POD, stray)).metadata.ownerReferences?.[0]?.name).toBe('other');
    await rig.api.patch(POD, stray, { type: 'merge', body: { metadata: { labels: { app: 'else' } } } });
    await rig.pass(5000);
    expect((await rig.api.get(POD, stray)).metadata.ownerReferences).toBeUndefined();
    const replacement = (await rig.pods('app=web,!pod-template-hash')).map(
      ({ metadata }) => metadata.ownerReferences?.[0]?.name,
    );
    expect(replacement).toEqual(['other']);
  });

  test('says why it has no Pods when the server will not have them', async () => {
    const rig = new WorkloadRig();
    const bad = {
      ...template('web:1'),
      spec: {
        containers: [{ name: 'main', image: 'web:1' }],
        tolerations: [{ effect: 'Sometimes' as never }],
      },
    };
    await expect(rig.deploy({ template: bad })).rejects.toThrow(
      /tolerations\[0\]\.effect: Unsupported value/,
    );
  });
});

test('the manifest of our own operator rolls out', async () => {
  const rig = new WorkloadRig();
  for (const name of ['n1', 'n2']) await rig.node(name);
  const deploy = join(import.meta.dirname, '..', '..', '..', 'operator', 'deploy');
  const documents = ['operator-access.yaml', 'operator.yaml'].flatMap((file) =>
    parseAllDocuments(readFileSync(join(deploy, file), 'utf8')).map(
      (document) => document.toJS() as KubeObject,
    ),
  );
  const byKind = (kind: string): KubeObject => documents.find((one) => one.kind === kind) as KubeObject;
  await rig.api.create(NAMESPACE, byKind('Namespace'));
  const manifest = byKind('Deployment') as Deployment;
  const annotations = { [SCRIPT_ANNOTATION]: 'Running after 3s' };
  const scripted = {
    ...manifest.spec,
    template: { ...manifest.spec.template, metadata: { ...manifest.spec.template.metadata, annotations } },
  };
  await rig.api.create(DEPLOYMENT, { ...manifest, spec: scripted });
  await rig.pass(5000);
  const deployed = await rig.api.get(DEPLOYMENT, manifest.metadata);
  expect(deployed.status).toMatchObject({ availableReplicas: 2, updatedReplicas: 2 });
  const pods = await rig.pods('app=brickproof-operator');
  expect(pods.map(({ spec }) => spec.nodeName).sort()).toEqual(['n1', 'n2']);
  expect(pods.map(({ spec }) => spec.serviceAccountName)).toEqual(Array(2).fill('brickproof-operator'));
  await rig.api.patch(DEPLOYMENT, manifest.metadata, {
    type: 'merge',
    body: {
      spec: { template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } } },
    },
  });
  await rig.pass(30_000);
  const names = new Set(pods.map(({ metadata }) => metadata.name));
  const after = await rig.pods('app=brickproof-operator');
  expect(after.filter(({ metadata }) => names.has(metadata.name))).toEqual([]);
  expect(after).toHaveLength(2);
});
