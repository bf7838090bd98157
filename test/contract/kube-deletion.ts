import { describe, expect, test } from 'vitest';
import { isKubeError } from '../../src/kube/error.ts';
import type { Kind, KubeObject, ObjectKey } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { CONFIG_MAP, NAMESPACE, WIDGET, type Widget } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

export function deletionContract(bench: Bench): void {
  const isThere = (kind: Kind, key: ObjectKey): Promise<boolean> =>
    bench.api.get(kind, key).then(
      () => true,
      (error) => {
        if (isKubeError(error, 'NotFound')) return false;
        throw error;
      },
    );
  const isGone = async (kind: Kind, key: ObjectKey): Promise<boolean> => !(await isThere(kind, key));
  const ownedBy = (owner: KubeObject, blockOwnerDeletion = false): object => ({
    ownerReferences: [
      {
        apiVersion: owner.apiVersion,
        kind: owner.kind,
        name: owner.metadata.name,
        uid: owner.metadata.uid,
        blockOwnerDeletion,
      },
    ],
  });
  const owned = (namespace: string, name: string, metadata: object): Promise<KubeObject> =>
    bench.api.create(CONFIG_MAP, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name, ...metadata },
    });
  const dropFinalizers = (key: ObjectKey): Promise<Widget> =>
    bench.api.patch(WIDGET, key, { type: 'merge', body: { metadata: { finalizers: null } } });

  describe('delete', () => {
    test('without finalizers the object is gone at once', async () => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'plain');
      await bench.api.delete(WIDGET, { namespace, name: 'plain' });
      expect(await isThere(WIDGET, { namespace, name: 'plain' })).toBe(false);
    });

    test('what is not there is not found', async () => {
      const namespace = await bench.namespace();
      expect(await refusalOf(bench.api.delete(WIDGET, { namespace, name: 'never' }))).toMatchObject({
        reason: 'NotFound',
      });
    });

    test('a finalizer keeps the object, marked, until it is taken away', async () => {
      const namespace = await bench.namespace();
      const key = { namespace, name: 'held' };
      await bench.widget(namespace, 'held', {}, { finalizers: ['contract.brickproof.dev/hold'] });
      await bench.api.delete(WIDGET, key);
      const marked = await bench.api.get(WIDGET, key);
      expect(marked.metadata.deletionTimestamp).toMatch(/Z$/);
      expect(marked.metadata.generation).toBe(2);
      const released = await dropFinalizers(key);
      expect(released.metadata.name).toBe('held');
      expect(await isThere(WIDGET, key)).toBe(false);
    });

    test('of two finalizers the last one decides', async () => {
      const namespace = await bench.namespace();
      const key = { namespace, name: 'twice' };
      await bench.widget(namespace, 'twice', {}, { finalizers: ['x.dev/one', 'x.dev/two'] });
      await bench.api.delete(WIDGET, key);
      await bench.api.patch(WIDGET, key, {
        type: 'merge',
        body: { metadata: { finalizers: ['x.dev/two'] } },
      });
      expect(await isThere(WIDGET, key)).toBe(true);
      await dropFinalizers(key);
      expect(await isThere(WIDGET, key)).toBe(false);
    });

    test('a marked object takes no new finalizers, but other changes', async () => {
      const namespace = await bench.namespace();
      const key = { namespace, name: 'late' };
      await bench.widget(namespace, 'late', {}, { finalizers: ['x.dev/one'] });
      await bench.api.delete(WIDGET, key);
      const more = { metadata: { finalizers: ['x.dev/one', 'x.dev/two'] } };
      expect(await refusalOf(bench.api.patch(WIDGET, key, { type: 'merge', body: more }))).toMatchObject({
        reason: 'Invalid',
        causes: ['FieldValueForbidden metadata.finalizers'],
      });
      const after = await bench.api.patch(WIDGET, key, { type: 'merge', body: { spec: { size: 7 } } });
      expect(after.spec.size).toBe(7);
      expect(after.metadata.deletionTimestamp).toBeDefined();
    });

    test('a mark cannot be taken back', async () => {
      const namespace = await bench.namespace();
      const key = { namespace, name: 'doomed' };
      await bench.widget(namespace, 'doomed', {}, { finalizers: ['x.dev/one'] });
      await bench.api.delete(WIDGET, key);
      const body = { metadata: { deletionTimestamp: null } };
      const after = await bench.api.patch(WIDGET, key, { type: 'merge', body });
      expect(after.metadata.deletionTimestamp).toBeDefined();
    });

    test('a name that is being deleted is still taken', async () => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'leaving', {}, { finalizers: ['x.dev/one'] });
      await bench.api.delete(WIDGET, { namespace, name: 'leaving' });
      const refusal = await refusalOf(bench.widget(namespace, 'leaving'));
      expect(refusal.reason).toBe('AlreadyExists');
      expect(refusal.message).toMatch(/^object is being deleted: /);
    });

    test('a new object of an old name is another object', async () => {
      const namespace = await bench.namespace();
      const first = await bench.widget(namespace, 'phoenix');
      await bench.api.delete(WIDGET, { namespace, name: 'phoenix' });
      const second = await bench.widget(namespace, 'phoenix');
      expect(second.metadata.uid).not.toBe(first.metadata.uid);
    });

    test('preconditions protect what is not meant', async () => {
      const namespace = await bench.namespace();
      const key = { namespace, name: 'meant' };
      const { metadata } = await bench.widget(namespace, 'meant');
      const wrongUid = { preconditions: { uid: '00000000-0000-4000-8000-000000000000' } };
      expect((await refusalOf(bench.api.delete(WIDGET, key, wrongUid))).reason).toBe('Conflict');
      const wrongVersion = { preconditions: { resourceVersion: '1' } };
      expect((await refusalOf(bench.api.delete(WIDGET, key, wrongVersion))).reason).toBe('Conflict');
      const { uid, resourceVersion } = metadata;
      await bench.api.delete(WIDGET, key, { preconditions: { uid, resourceVersion } });
      expect(await isThere(WIDGET, key)).toBe(false);
    });
  });

  bench.needing('garbage collection', 'owners', () => {
    test('in the background the owner goes first, its dependents follow', async () => {
      const namespace = await bench.namespace();
      const owner = await bench.widget(namespace, 'owner');
      await owned(namespace, 'child', ownedBy(owner));
      await bench.api.delete(WIDGET, { namespace, name: 'owner' }, { propagationPolicy: 'Background' });
      expect(await isThere(WIDGET, { namespace, name: 'owner' })).toBe(false);
      await bench.eventually(() => isGone(CONFIG_MAP, { namespace, name: 'child' }));
    });

    test('dependents of dependents follow, too', async () => {
      const namespace = await bench.namespace();
      const owner = await bench.widget(namespace, 'owner');
      const child = await owned(namespace, 'child', ownedBy(owner));
      await owned(namespace, 'grandchild', ownedBy(child));
      await bench.api.delete(WIDGET, { namespace, name: 'owner' });
      await bench.eventually(() => isGone(CONFIG_MAP, { namespace, name: 'grandchild' }));
    });

    test('in the foreground the owner waits for dependents that block it', async () => {
      const namespace = await bench.namespace();
      const owner = await bench.widget(namespace, 'owner');
      await owned(namespace, 'child', { ...ownedBy(owner, true), finalizers: ['x.dev/hold'] });
      await bench.api.delete(WIDGET, { namespace, name: 'owner' }, { propagationPolicy: 'Foreground' });
      const childKey = { namespace, name: 'child' };
      await bench.eventually(
        async () => (await bench.api.get(CONFIG_MAP, childKey)).metadata.deletionTimestamp !== undefined,
      );
      const waiting = await bench.api.get(WIDGET, { namespace, name: 'owner' });
      expect(waiting.metadata.finalizers).toEqual(['foregroundDeletion']);
      const release = { type: 'merge', body: { metadata: { finalizers: null } } } as const;
      await bench.api.patch(CONFIG_MAP, childKey, release);
      await bench.eventually(() => isGone(WIDGET, { namespace, name: 'owner' }));
    });

    test('orphans stay, without their owner', async () => {
      const namespace = await bench.namespace();
      const owner = await bench.widget(namespace, 'owner');
      await owned(namespace, 'child', ownedBy(owner));
      await bench.api.delete(WIDGET, { namespace, name: 'owner' }, { propagationPolicy: 'Orphan' });
      await bench.eventually(() => isGone(WIDGET, { namespace, name: 'owner' }));
      const child = await bench.api.get(CONFIG_MAP, { namespace, name: 'child' });
      expect(child.metadata.ownerReferences).toBeUndefined();
    });

    test('with one of two owners left, the object stays and forgets the other', async () => {
      const namespace = await bench.namespace();
      const [one, two] = [await bench.widget(namespace, 'one'), await bench.widget(namespace, 'two')];
      const ownerReferences = [one, two].map(({ apiVersion, kind, metadata: { name, uid } }) => ({
        apiVersion,
        kind,
        name,
        uid,
      }));
      await owned(namespace, 'child', { ownerReferences });
      await bench.api.delete(WIDGET, { namespace, name: 'one' });
      const key = { namespace, name: 'child' };
      await bench.eventually(
        async () => (await bench.api.get(CONFIG_MAP, key)).metadata.ownerReferences?.length === 1,
      );
      expect((await bench.api.get(CONFIG_MAP, key)).metadata.ownerReferences?.[0]?.name).toBe('two');
    });

    test('an object born of an owner that is gone goes as well', async () => {
      const namespace = await bench.namespace();
      const owner = await bench.widget(namespace, 'ghost');
      await bench.api.delete(WIDGET, { namespace, name: 'ghost' });
      await owned(namespace, 'late', ownedBy(owner));
      await bench.eventually(() => isGone(CONFIG_MAP, { namespace, name: 'late' }));
    });
  });

  bench.needing('namespace deletion', 'namespaces', () => {
    test('a namespace takes everything in it along', async () => {
      const namespace = await bench.namespace();
      await bench.widget(namespace, 'inside');
      await owned(namespace, 'too', {});
      await bench.api.delete(NAMESPACE, { name: namespace });
      await bench.eventually(() => isGone(NAMESPACE, { name: namespace }));
      expect(await isThere(WIDGET, { namespace, name: 'inside' })).toBe(false);
      expect(await isThere(CONFIG_MAP, { namespace, name: 'too' })).toBe(false);
    });

    test('nothing new gets into a namespace that is going', async () => {
      const namespace = await bench.namespace();
      const key = { namespace, name: 'stubborn' };
      await bench.widget(namespace, 'stubborn', {}, { finalizers: ['x.dev/hold'] });
      await bench.api.delete(NAMESPACE, { name: namespace });
      expect(await refusalOf(bench.widget(namespace, 'late'))).toMatchObject({
        reason: 'Forbidden',
        code: 403,
      });
      await bench.eventually(
        async () => (await bench.api.get(WIDGET, key)).metadata.deletionTimestamp !== undefined,
      );
      await dropFinalizers(key);
      await bench.eventually(() => isGone(NAMESPACE, { name: namespace }));
    });
  });
}
