import { describe, expect, test } from 'vitest';
import { POD } from '../../src/kube/core.ts';
import type { Kind, KubeObject, NewObject } from '../../src/kube/object.ts';
import {
  CRON_JOB,
  type CronJob,
  DAEMON_SET,
  type DaemonSet,
  DEPLOYMENT,
  type Deployment,
  JOB,
  type Job,
  REPLICA_SET,
} from '../../src/kube/workloads.ts';
import { type Bench, CONFIG_MAP } from './kube.ts';
import { refusalOf } from './refusal.ts';

const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };

export function newDeployment(namespace: string, name: string, spec: object = {}): NewObject<Deployment> {
  return {
    apiVersion: DEPLOYMENT.apiVersion,
    kind: DEPLOYMENT.kind,
    metadata: { namespace, name },
    spec: { selector: { matchLabels: labels }, template, ...spec },
  };
}

function newJob(namespace: string, spec: object = {}): NewObject<Job> {
  const once = { spec: { restartPolicy: 'Never' as const, containers: template.spec.containers } };
  return {
    apiVersion: JOB.apiVersion,
    kind: JOB.kind,
    metadata: { namespace, name: 'once' },
    spec: { template: once, ...spec },
  };
}

function newCronJob(namespace: string, spec: object = {}, name = 'nightly'): NewObject<CronJob> {
  return {
    apiVersion: CRON_JOB.apiVersion,
    kind: CRON_JOB.kind,
    metadata: { namespace, name },
    spec: { schedule: '0 3 * * *', jobTemplate: { spec: newJob(namespace).spec }, ...spec },
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
      const both = { maxSurge: 1, maxUnavailable: 1 };
      expect(await complaints(patch({ spec: { updateStrategy: { rollingUpdate: both } } }))).toEqual([
        'FieldValueInvalid spec.updateStrategy.rollingUpdate.maxSurge',
      ]);
    });
  });

  describe('Jobs', () => {
    test('select their own Pods, by the uid that the server gave them', async () => {
      const { metadata, spec } = await bench.api.create(JOB, newJob(await bench.namespace()));
      expect(spec).toMatchObject({
        completions: 1,
        parallelism: 1,
        backoffLimit: 6,
        completionMode: 'NonIndexed',
        suspend: false,
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid } },
      });
      expect(spec.template.metadata?.labels).toEqual({
        'batch.kubernetes.io/controller-uid': metadata.uid,
        'batch.kubernetes.io/job-name': 'once',
        'controller-uid': metadata.uid,
        'job-name': 'once',
      });
    });

    test('have a template that stays, and a parallelism that need not', async () => {
      const { metadata } = await bench.api.create(JOB, newJob(await bench.namespace()));
      const patch = (body: object): Promise<Job> => bench.api.patch(JOB, metadata, { type: 'merge', body });
      expect((await patch({ spec: { parallelism: 4 } })).spec.parallelism).toBe(4);
      expect(await complaints(patch({ spec: { completions: 4 } }))).toEqual([
        'FieldValueInvalid spec.completions',
      ]);
      const body = { spec: { template: { metadata: { labels: { extra: 'x' } } } } };
      expect(await complaints(patch(body))).toEqual(['FieldValueInvalid spec.template']);
    });

    test.each([
      [{ template }, ['FieldValueRequired spec.template.spec.restartPolicy']],
      [{ completionMode: 'Indexed', parallelism: 2 }, ['FieldValueRequired spec.completions']],
      [{ backoffLimitPerIndex: 1 }, ['FieldValueInvalid spec.backoffLimitPerIndex']],
      [
        { parallelism: -1, completions: -2 },
        ['FieldValueInvalid spec.completions', 'FieldValueInvalid spec.parallelism'],
      ],
    ])('with %j are refused by field', async (spec, wanted) => {
      const namespace = await bench.namespace();
      expect(await complaints(bench.api.create(JOB, newJob(namespace, spec)))).toEqual(wanted);
    });

    test('leave their Pods behind unless told to take them along', async () => {
      const namespace = await bench.namespace();
      const job = await bench.api.create(JOB, newJob(namespace, { suspend: true }));
      await bench.api.create(POD, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: {
          namespace,
          name: 'left',
          ownerReferences: [
            { apiVersion: 'batch/v1', kind: 'Job', name: 'once', uid: job.metadata.uid, controller: true },
          ],
        },
        spec: { restartPolicy: 'Never', ...template.spec },
      });
      await bench.api.delete(JOB, job.metadata);
      await bench.eventually(async () => {
        const { metadata } = await bench.api.get(POD, { namespace, name: 'left' });
        return metadata.ownerReferences === undefined;
      });
    });
  });

  describe('CronJobs', () => {
    const create = async (spec: object, name?: string): Promise<CronJob> =>
      bench.api.create(CRON_JOB, newCronJob(await bench.namespace(), spec, name));

    test('get the defaults that a user leaves out', async () => {
      expect((await create({})).spec).toMatchObject({
        concurrencyPolicy: 'Allow',
        suspend: false,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
      });
    });

    test.each([
      ['every day', 'expected exactly 5 fields, found 2: [every day]'],
      ['61 * * * *', 'end of range (61) above maximum (59): 61'],
      ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
      ['5-2 * * * *', 'beginning of range (5) beyond end of range (2): 5-2'],
      ['*/0 * * * *', 'step of range should be a positive number: */0'],
      ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
      ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
      ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
      ['@sometimes', 'unrecognized descriptor: @sometimes'],
      ['TZ=UTC 0 3 * * *', 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
    ])('with the schedule %j are refused in the words of the parser', async (schedule, why) => {
      expect((await refusalOf(create({ schedule }))).message).toBe(
        `CronJob.batch "nightly" is invalid: spec.schedule: Invalid value: ${JSON.stringify(schedule)}: ${why}`,
      );
    });

    test.each(['@hourly', '@every 1h30m', '*/15 8-18 * jan-mar mon-fri', '0 0 ? * 0', '59 23 31 12 6'])(
      'may have the schedule %j',
      async (schedule) => {
        expect((await create({ schedule })).spec.schedule).toBe(schedule);
      },
    );

    test('have a time zone of the database, or none', async () => {
      expect((await create({ timeZone: 'Europe/Berlin' })).spec.timeZone).toBe('Europe/Berlin');
      for (const timeZone of ['', 'local', 'Mars/Olympus', 'europe/berlin', '+01:00'])
        expect(await complaints(create({ timeZone }))).toContain('FieldValueInvalid spec.timeZone');
    });

    test('with an unknown policy, a negative deadline or a long name are refused by field', async () => {
      expect(await complaints(create({ concurrencyPolicy: 'Maybe' }))).toEqual([
        'FieldValueNotSupported spec.concurrencyPolicy',
      ]);
      expect(await complaints(create({ startingDeadlineSeconds: -1 }))).toEqual([
        'FieldValueInvalid spec.startingDeadlineSeconds',
      ]);
      expect(await complaints(create({}, 'n'.repeat(53)))).toEqual(['FieldValueInvalid metadata.name']);
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
