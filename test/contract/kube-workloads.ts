import { describe, expect, test } from 'vitest';
import type { Kind, KubeObject, NewObject } from '../../src/kube/object.ts';
import {
  DAEMON_SET,
  type DaemonSet,
  DEPLOYMENT,
  type Deployment,
  REPLICA_SET,
} from '../../src/kube/workloads.ts';
import type { Bench } from './kube.ts';
import { CONFIG_MAP } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

const labels = { app: 'web' };
export const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };

export function newDeployment(namespace: string, name: string, spec: object = {}): NewObject<Deployment> {
  return {
    apiVersion: DEPLOYMENT.apiVersion,
    kind: DEPLOYMENT.kind,
    metadata: { namespace, name },
    spec: { selector: { matchLabels: labels }, template, ...spec },
  };
}

const SECRET: Kind<KubeObject & { readonly data?: object; readonly type?: string }> = {
  apiVersion: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  namespaced: true,
};

export function workloadContract(bench: Bench): void {
  /** `reason field` of each complaint, sorted. */
  const complaints = async (refused: Promise<unknown>): Promise<readonly string[]> =>
    (await refusalOf(refused)).causes;

  describe('Deployments', () => {
    const create = async (spec: object = {}): Promise<Deployment> =>
      bench.api.create(DEPLOYMENT, newDeployment(await bench.namespace(), 'web', spec));

    test('get the defaults that a user leaves out', async () => {
      const { metadata, spec } = await create();
      expect(metadata.generation).toBe(1);
      expect(spec).toMatchObject({
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      });
      expect(spec.template.spec).toMatchObject({
        restartPolicy: 'Always',
        dnsPolicy: 'ClusterFirst',
        schedulerName: 'default-scheduler',
        terminationGracePeriodSeconds: 30,
        securityContext: {},
        containers: [
          {
            name: 'main',
            image: 'web:1',
            imagePullPolicy: 'IfNotPresent',
            resources: {},
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
          },
        ],
      });
    });

    test('need a selector that fits their template', async () => {
      expect(await complaints(create({ selector: { matchLabels: { app: 'other' } } }))).toEqual([
        'FieldValueInvalid spec.template.metadata.labels',
      ]);
      const refusal = await refusalOf(create({ selector: { matchLabels: { app: 'other' } } }));
      expect(refusal.message).toBe(
        'Deployment.apps "web" is invalid: spec.template.metadata.labels: Invalid value: map[string]string{"app":"web"}: `selector` does not match template `labels`',
      );
    });

    test('keep their selector', async () => {
      const { metadata } = await create();
      const relabelled = {
        spec: {
          selector: { matchLabels: { app: 'new' } },
          template: { metadata: { labels: { app: 'new' } } },
        },
      };
      const patch = bench.api.patch(DEPLOYMENT, metadata, { type: 'merge', body: relabelled });
      expect((await refusalOf(patch)).message).toBe(
        'Deployment.apps "web" is invalid: spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app":"new"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable',
      );
    });

    test.each([
      [{ replicas: -1 }, ['FieldValueInvalid spec.replicas']],
      [{ strategy: { type: 'Sudden' } }, ['FieldValueNotSupported spec.strategy']],
      [
        { strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } },
        ['FieldValueForbidden spec.strategy.rollingUpdate'],
      ],
      [
        { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
        ['FieldValueInvalid spec.strategy.rollingUpdate.maxUnavailable'],
      ],
      [
        { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: '101%' } } },
        ['FieldValueInvalid spec.strategy.rollingUpdate.maxUnavailable'],
      ],
      [
        { progressDeadlineSeconds: 5, minReadySeconds: 5 },
        ['FieldValueInvalid spec.progressDeadlineSeconds'],
      ],
      [
        { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
        ['FieldValueNotSupported spec.template.spec.restartPolicy'],
      ],
    ])('with %j are refused by field', async (spec, wanted) => {
      expect(await complaints(create(spec))).toEqual(wanted);
    });

    test('count changes of spec and annotations, and none of labels and status', async () => {
      const { metadata } = await create();
      const patch = (body: object, subresource?: 'status'): Promise<Deployment> =>
        bench.api.patch(
          DEPLOYMENT,
          metadata,
          { type: 'merge', body },
          { ...(subresource && { subresource }) },
        );
      expect((await patch({ metadata: { labels: { a: 'b' } } })).metadata.generation).toBe(1);
      expect((await patch({ metadata: { annotations: { a: 'b' } } })).metadata.generation).toBe(2);
      expect((await patch({ spec: { paused: true } })).metadata.generation).toBe(3);
    });
  });

  describe('ReplicaSets and DaemonSets', () => {
    test('a ReplicaSet wants one Pod unless told otherwise, and needs a selector', async () => {
      const namespace = await bench.namespace();
      const { spec } = newDeployment(namespace, 'web');
      const named = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { namespace, name: 'web' } };
      expect((await bench.api.create(REPLICA_SET, { ...named, spec })).spec.replicas).toBe(1);
      const bare = { ...named, spec: { template } as never };
      expect(await complaints(bench.api.create(REPLICA_SET, bare))).toContain(
        'FieldValueRequired spec.selector',
      );
    });

    test('a DaemonSet rolls one node at a time, and counts its templates', async () => {
      const namespace = await bench.namespace();
      const key = { namespace, name: 'web' };
      const { spec } = newDeployment(namespace, 'web');
      const made = await bench.api.create(DAEMON_SET, {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: key,
        spec,
      });
      expect(made.spec.updateStrategy).toEqual({
        type: 'RollingUpdate',
        rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
      });
      const count = ({ metadata }: DaemonSet): string | undefined =>
        metadata.annotations?.['deprecated.daemonset.template.generation'];
      expect(count(made)).toBe('1');
      const patch = (body: object): Promise<DaemonSet> =>
        bench.api.patch(DAEMON_SET, key, { type: 'merge', body });
      expect(count(await patch({ spec: { minReadySeconds: 3 } }))).toBe('1');
      const next = await patch({ spec: { template: { metadata: { annotations: { a: 'b' } } } } });
      expect(count(next)).toBe('2');
      expect(next.metadata.generation).toBe(3);
      const updateStrategy = { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } };
      const refused = bench.api.create(DAEMON_SET, {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { namespace, name: 'both' },
        spec: { ...spec, updateStrategy },
      });
      expect(await complaints(refused)).toEqual([
        'FieldValueInvalid spec.updateStrategy.rollingUpdate.maxSurge',
      ]);
    });
  });

  describe('deletecollection', () => {
    const maps = async (): Promise<string> => {
      const namespace = await bench.namespace();
      for (const [name, tier] of [
        ['a', 'front'],
        ['b', 'front'],
        ['c', 'back'],
      ] as const)
        await bench.api.create(CONFIG_MAP, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { namespace, name, labels: { tier } },
        });
      return namespace;
    };
    const left = async (namespace: string): Promise<readonly string[]> =>
      (await bench.api.list(CONFIG_MAP, { namespace })).items
        .map(({ metadata }) => metadata.name)
        .filter((name) => name.length === 1);

    test('takes what the labels select', async () => {
      const namespace = await maps();
      await bench.api.deleteCollection(CONFIG_MAP, { namespace, labelSelector: 'tier=front' });
      expect(await left(namespace)).toEqual(['c']);
    });

    test('takes what the fields select', async () => {
      const namespace = await maps();
      await bench.api.deleteCollection(CONFIG_MAP, { namespace, fieldSelector: 'metadata.name!=b' });
      expect(await left(namespace)).toEqual(['b']);
    });

    test('marks what a finalizer holds, and takes the rest', async () => {
      const namespace = await maps();
      const hold = { metadata: { finalizers: ['contract.brickproof.dev/hold'] } };
      await bench.api.patch(CONFIG_MAP, { namespace, name: 'a' }, { type: 'merge', body: hold });
      await bench.api.deleteCollection(CONFIG_MAP, { namespace });
      expect(await left(namespace)).toEqual(['a']);
      const body = { metadata: { finalizers: null } };
      await bench.api.patch(CONFIG_MAP, { namespace, name: 'a' }, { type: 'merge', body });
      await bench.eventually(async () => (await left(namespace)).length === 0);
    });

    test('does nothing about a selector that it cannot read', async () => {
      const namespace = await maps();
      const refused = bench.api.deleteCollection(CONFIG_MAP, { namespace, labelSelector: 'a in' });
      expect(await refusalOf(refused)).toMatchObject({ reason: 'BadRequest' });
      expect(await left(namespace)).toHaveLength(3);
    });
  });

  describe('ConfigMaps and Secrets', () => {
    test('what is immutable stays', async () => {
      const namespace = await bench.namespace();
      const key = { namespace, name: 'fixed' };
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: key, data: { a: '1' }, immutable: true };
      await bench.api.create(CONFIG_MAP, map as NewObject<KubeObject>);
      const patch = (body: object) => bench.api.patch(CONFIG_MAP, key, { type: 'merge', body });
      expect(await complaints(patch({ data: { a: '2' } }))).toEqual(['FieldValueForbidden data']);
      expect(await complaints(patch({ immutable: false }))).toEqual(['FieldValueForbidden immutable']);
      expect((await patch({ metadata: { labels: { fine: 'yes' } } })).metadata.labels).toEqual({
        fine: 'yes',
      });
    });

    test('keys are names of files', async () => {
      const metadata = { namespace: await bench.namespace(), name: 'keys' };
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'a b': '1' } };
      expect(await complaints(bench.api.create(CONFIG_MAP, map as NewObject<KubeObject>))).toEqual([
        'FieldValueInvalid data[a b]',
      ]);
    });

    test('a Secret has what its type asks for, and keeps its type', async () => {
      const namespace = await bench.namespace();
      const secret = (type: string, stringData: object): NewObject<KubeObject> =>
        ({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { namespace, name: 's' },
          type,
          stringData,
        }) as NewObject<KubeObject>;
      expect(
        await complaints(bench.api.create(SECRET, secret('kubernetes.io/tls', { 'tls.crt': 'c' }))),
      ).toEqual(['FieldValueRequired data[tls.key]']);
      const made = await bench.api.create(
        SECRET,
        secret('kubernetes.io/ssh-auth', { 'ssh-privatekey': 'k' }),
      );
      expect(made).toMatchObject({ data: { 'ssh-privatekey': 'aw==' } });
      const retyped = bench.api.patch(
        SECRET,
        { namespace, name: 's' },
        { type: 'merge', body: { type: 'x' } },
      );
      expect(await complaints(retyped)).toEqual(['FieldValueInvalid type']);
    });
  });
}
