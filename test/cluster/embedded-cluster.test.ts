import { describe, expect, test } from 'vitest';
import { CONFIGURATION_CRD, INSTANCE_CRD } from '../../src/kube/akri.ts';
import { EVENT, NAMESPACE, POD, type Pod, SERVICE, type Service } from '../../src/kube/core.ts';
import { DEVICE_CRD } from '../../src/kube/device.ts';
import { isKubeError, KubeError } from '../../src/kube/error.ts';
import { FIRMWARE_ROLLOUT_CRD } from '../../src/kube/firmware-rollout.ts';
import { FLASH_JOB_CRD } from '../../src/kube/flash-job.ts';
import type { Kind, KubeObject, NewObject } from '../../src/kube/object.ts';
import { CONFIG_MAP, CRD } from '../contract/kube-widget.ts';
import { refusalOf } from '../contract/refusal.ts';
import { ClusterInTest } from './cluster-in-test.ts';

const configMap = (name: string, data: Readonly<Record<string, string>> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'default', name },
  data,
});

describe('determinism', () => {
  test('the same calls with the same seed give the same objects, byte for byte', async () => {
    const story = async (): Promise<string> => {
      const { api } = new ClusterInTest();
      for (const name of ['b', 'a']) await api.create(CONFIG_MAP, configMap(name, { k: name }));
      const metadata = { namespace: 'default', generateName: 'gen-' };
      await api.create(CONFIG_MAP, { ...configMap(''), metadata });
      await api.delete(CONFIG_MAP, { namespace: 'default', name: 'b' });
      return JSON.stringify([await api.list(CONFIG_MAP), await api.list(NAMESPACE)]);
    };
    expect(await story()).toBe(await story());
  });
});

describe('objects', () => {
  test('what a caller does to its own object later does not reach the store', async () => {
    const { api } = new ClusterInTest({ freeze: false });
    const data: Record<string, string> = { k: 'v' };
    await api.create(CONFIG_MAP, configMap('mine', data));
    data.k = 'changed';
    expect((await api.get(CONFIG_MAP, { namespace: 'default', name: 'mine' })).data).toEqual({ k: 'v' });
  });

  test('what JSON cannot say is refused', async () => {
    const { api } = new ClusterInTest();
    const odd = { ...configMap('odd'), data: { when: new Date(0) } };
    expect((await refusalOf(api.create(CONFIG_MAP, odd as never))).reason).toBe('BadRequest');
    const never = { ...configMap('odd'), data: { n: Number.NaN } };
    expect((await refusalOf(api.create(CONFIG_MAP, never as never))).reason).toBe('BadRequest');
  });

  test('a namespaced object without a namespace is refused', async () => {
    const { api } = new ClusterInTest();
    const refusal = await refusalOf(api.create(CONFIG_MAP, { ...configMap('x'), metadata: { name: 'x' } }));
    expect(refusal.reason).toBe('BadRequest');
  });

  test('a list of everywhere is in the order of keys in etcd, in which a dash comes before a slash', async () => {
    const { api } = new ClusterInTest();
    for (const namespace of ['n', 'n-1']) {
      await api.create(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
      for (const name of ['b', 'a'])
        await api.create(CONFIG_MAP, { ...configMap(name), metadata: { namespace, name } });
    }
    const { items } = await api.list(CONFIG_MAP);
    expect(items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual([
      'n-1/a',
      'n-1/b',
      'n/a',
      'n/b',
    ]);
  });

  test('objects with one owner share what they say of it, and each says it whole', async () => {
    const { api } = new ClusterInTest();
    const owner = await api.create(CONFIG_MAP, configMap('owner'));
    const ownerReferences = () => [
      { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid },
    ];
    const owned = (name: string) =>
      api.create(CONFIG_MAP, {
        ...configMap(name),
        metadata: { namespace: 'default', name, ownerReferences: ownerReferences() },
      });
    const [one, other] = [await owned('one'), await owned('other')];
    expect(one.metadata.ownerReferences).toEqual(ownerReferences());
    expect(other.metadata.ownerReferences).toBe(one.metadata.ownerReferences);
  });

  test('unchanged parts are shared between versions of an object', async () => {
    const { api } = new ClusterInTest();
    const before = await api.create(CONFIG_MAP, configMap('big', { a: '1', b: '2' }));
    const body = { metadata: { labels: { x: 'y' } } };
    const after = await api.patch(CONFIG_MAP, { namespace: 'default', name: 'big' }, { type: 'merge', body });
    expect(after.data).toBe(before.data);
    const again = { ...structuredClone(after), metadata: { ...after.metadata, labels: { x: 'z' } } };
    expect((await api.replace(CONFIG_MAP, again)).data).toBe(before.data);
  });
});

describe('faults', () => {
  const refusing = (fault: { carriedOut?: boolean; latencyMs?: number }) => {
    let armed = true;
    return new ClusterInTest({
      intercept: (verb) => {
        if (verb !== 'create' || !armed) return undefined;
        armed = false;
        return { error: new KubeError('Unreachable', 'the line is dead'), ...fault };
      },
    });
  };
  const key = { namespace: 'default', name: 'x' };

  test('a request that is lost on the way changes nothing', async () => {
    const { api } = refusing({});
    expect((await refusalOf(api.create(CONFIG_MAP, configMap('x')))).reason).toBe('Unreachable');
    await expect(api.get(CONFIG_MAP, key)).rejects.toSatisfy((error) => isKubeError(error, 'NotFound'));
  });

  test('a request whose answer is lost has happened', async () => {
    const { api } = refusing({ carriedOut: true });
    expect((await refusalOf(api.create(CONFIG_MAP, configMap('x')))).reason).toBe('Unreachable');
    expect((await api.get(CONFIG_MAP, key)).metadata.name).toBe('x');
  });

  test('a slow request waits on the clock', async () => {
    const world = new ClusterInTest({
      intercept: (verb) => (verb === 'create' ? { latencyMs: 500 } : undefined),
    });
    const creating = world.api.create(CONFIG_MAP, configMap('x'));
    await world.pass(499);
    await expect(world.api.get(CONFIG_MAP, key)).rejects.toThrow(/not found/);
    await world.pass(1);
    expect((await creating).metadata.name).toBe('x');
  });
});

describe('built-in kinds', () => {
  const service = (name: string, spec: object = {}): NewObject<Service> => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: { ports: [{ port: 80 }], ...spec },
  });
  const addressOf = (of: Service): unknown => (of.spec as { clusterIP?: unknown }).clusterIP;

  test('a Service gets an address of its own, keeps it, and gives it back', async () => {
    const { api } = new ClusterInTest();
    const [one, two] = [await api.create(SERVICE, service('one')), await api.create(SERVICE, service('two'))];
    expect([addressOf(one), addressOf(two)]).toEqual(['10.96.0.10', '10.96.0.11']);
    expect(one.spec.ports).toEqual([{ port: 80, protocol: 'TCP', targetPort: 80 }]);
    const kept = await api.replace(SERVICE, { ...one, spec: { ports: [{ port: 81 }] } });
    expect(addressOf(kept)).toBe('10.96.0.10');
    const taken = await refusalOf(api.create(SERVICE, service('three', { clusterIP: '10.96.0.11' })));
    expect(taken.causes).toEqual(['FieldValueInvalid spec.clusterIPs[0]']);
    await api.delete(SERVICE, { namespace: 'default', name: 'two' });
    expect(addressOf(await api.create(SERVICE, service('three', { clusterIP: '10.96.0.11' })))).toBe(
      '10.96.0.11',
    );
    expect(addressOf(await api.create(SERVICE, service('headless', { clusterIP: 'None', ports: [] })))).toBe(
      'None',
    );
  });

  test('a Service that is refused takes no address', async () => {
    const { api } = new ClusterInTest();
    for (const port of [0, 70_000])
      expect((await refusalOf(api.create(SERVICE, service('bad', { ports: [{ port }] })))).reason).toBe(
        'Invalid',
      );
    expect((await refusalOf(api.create(SERVICE, service('9bad')))).causes).toEqual([
      'FieldValueInvalid metadata.name',
    ]);
    expect(addressOf(await api.create(SERVICE, service('good')))).toBe('10.96.0.10');
  });

  const pod = (name: string, more: object = {}): NewObject<Pod> => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name },
    spec: { containers: [{ name: 'main', image: 'a:1' }], ...more },
  });

  test('a Pod needs a container with an image, and its spec stays', async () => {
    const { api } = new ClusterInTest();
    expect((await refusalOf(api.create(POD, pod('none', { containers: [] })))).causes).toEqual([
      'FieldValueRequired spec.containers',
    ]);
    const imageless = pod('imageless', { containers: [{ name: 'main' }] });
    expect((await refusalOf(api.create(POD, imageless))).causes).toEqual([
      'FieldValueRequired spec.containers[0].image',
    ]);
    const made = await api.create(POD, pod('made'));
    expect(made.status?.phase).toBe('Pending');
    const renamed = { ...made, spec: { ...made.spec, containers: [{ name: 'other', image: 'a:1' }] } };
    expect((await refusalOf(api.replace(POD, renamed))).causes).toEqual(['FieldValueForbidden spec']);
    const upgraded = { ...made, spec: { ...made.spec, containers: [{ name: 'main', image: 'a:2' }] } };
    expect((await api.replace(POD, upgraded)).spec.containers[0]?.image).toBe('a:2');
  });

  test('a Pod is given to one node, once', async () => {
    const { api } = new ClusterInTest();
    await api.create(POD, pod('bound'));
    const bind = (nodeName: string) =>
      api.patch(
        POD,
        { namespace: 'default', name: 'bound' },
        { type: 'merge', body: { spec: { nodeName } } },
      );
    expect((await bind('edge-1')).spec.nodeName).toBe('edge-1');
    expect((await refusalOf(bind('edge-2'))).reason).toBe('Invalid');
    const found = await api.list(POD, { fieldSelector: 'spec.nodeName=edge-1,status.phase=Pending' });
    expect(found.items).toHaveLength(1);
  });

  test('an Event is seen under its old and its new name', async () => {
    const { api } = new ClusterInTest();
    const newer: Kind<KubeObject & { note?: string; regarding?: { name: string } }> = {
      ...EVENT,
      apiVersion: 'events.k8s.io/v1',
    };
    const involvedObject = { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'default', uid: 'u' };
    const metadata = { namespace: 'default', name: 'e' };
    const core = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata,
      type: 'Normal',
      reason: 'R',
      message: 'm',
    } as const;
    await api.create(EVENT, { ...core, involvedObject });
    const seen = await api.get(newer, metadata);
    expect(seen).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'm', regarding: { name: 'p' } });
    await api.patch(newer, metadata, { type: 'merge', body: { note: 'changed' } });
    expect((await api.get(EVENT, metadata)).message).toBe('changed');
    const found = await api.list(EVENT, { fieldSelector: 'involvedObject.name=p,involvedObject.kind=Pod' });
    expect(found.items).toHaveLength(1);
    expect(
      (
        await refusalOf(
          api.create(EVENT, {
            ...core,
            metadata: { ...metadata, name: 'f' },
            involvedObject: { ...involvedObject, namespace: 'kube-system' },
          }),
        )
      ).reason,
    ).toBe('Invalid');
  });

  test('the texts of a Secret are stored encoded', async () => {
    const { api } = new ClusterInTest();
    const secret: Kind<KubeObject & { data?: object; stringData?: object; type?: string }> = {
      apiVersion: 'v1',
      kind: 'Secret',
      plural: 'secrets',
      namespaced: true,
    };
    const metadata = { namespace: 'default', name: 's' };
    const made = await api.create(secret, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      stringData: { k: 'hi' },
    });
    expect(made).toMatchObject({ type: 'Opaque', data: { k: 'aGk=' } });
    expect(made.stringData).toBeUndefined();
  });
});

test('the definitions of the house are accepted as they are', async () => {
  const { api } = new ClusterInTest();
  for (const crd of [CONFIGURATION_CRD, INSTANCE_CRD, FLASH_JOB_CRD, DEVICE_CRD, FIRMWARE_ROLLOUT_CRD])
    await api.create(CRD, crd as unknown as NewObject<typeof crd & KubeObject>);
});
