import { describe, expect, test } from 'vitest';
import { isKubeError } from '../../src/kube/error.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import {
  type CrdSpec,
  type Custom,
  define,
  draftOf,
  isServed,
  kindOf,
  type NewCrd,
  newCrd,
  type StoredCrd,
  specOf,
  storedCrd,
} from './kube-crd-draft.ts';
import { CRD } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

const SCHEMA = specOf({ size: { type: 'integer' } });

export function crdLifecycleContract(bench: Bench): void {
  const fresh = (version?: object, spec?: CrdSpec): NewCrd =>
    newCrd(`${bench.unique('life')}s`, SCHEMA, version, spec);
  const versions = (...all: readonly object[]): CrdSpec => ({
    versions: all.map((one) => ({
      served: true,
      storage: false,
      schema: { openAPIV3Schema: SCHEMA },
      ...one,
    })),
  });
  const conditions = async (crd: NewCrd): Promise<Record<string, string>> => {
    const { status } = await storedCrd(bench, crd);
    const all = status?.conditions ?? [];
    return Object.fromEntries(all.map((one) => [one.type, `${one.status} ${one.reason}`]));
  };
  const change = (crd: NewCrd, body: object, subresource?: 'status'): Promise<StoredCrd> =>
    bench.api.patch(
      CRD,
      { name: crd.metadata.name ?? '' },
      { type: 'merge', body },
      subresource === undefined ? {} : { subresource },
    ) as unknown as Promise<StoredCrd>;
  const remove = (crd: NewCrd): Promise<void> => bench.api.delete(CRD, { name: crd.metadata.name ?? '' });
  const gone = (crd: NewCrd) => () =>
    storedCrd(bench, crd).then(
      () => false,
      (error) => isKubeError(error, 'NotFound'),
    );

  describe('the life of a definition', () => {
    test('its names are accepted, and it is established', async () => {
      const crd = fresh();
      await define(bench, crd);
      await bench.eventually(async () => (await conditions(crd)).Established !== undefined);
      expect(await conditions(crd)).toEqual({
        NamesAccepted: 'True NoConflicts',
        Established: 'True InitialNamesAccepted',
      });
      const { metadata, spec, status } = await storedCrd(bench, crd);
      expect(metadata.generation).toBe(1);
      expect(metadata.finalizers ?? []).toEqual([]);
      expect(status.acceptedNames).toEqual(spec.names);
      expect(status.storedVersions).toEqual(['v1']);
    });

    test('what it leaves out follows from its kind', async () => {
      const crd = fresh();
      const { plural, kind } = crd.spec.names;
      const short = { ...crd, spec: { ...crd.spec, names: { plural, kind } } } as NewCrd;
      const { spec } = (await bench.api.create(CRD, short)) as unknown as StoredCrd;
      expect(spec).toMatchObject({
        names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
        conversion: { strategy: 'None' },
      });
    });

    test('its kind is not served before, and not after', async () => {
      const crd = fresh();
      expect((await refusalOf(bench.api.list(kindOf(crd)))).reason).toBe('NotFound');
      const kind = await define(bench, crd);
      await remove(crd);
      await bench.eventually(async () => !(await isServed(bench, kind)));
      await bench.eventually(gone(crd));
    });

    test('its objects go with it, and do not come back', async () => {
      const namespace = await bench.namespace();
      const crd = fresh();
      const kind = await define(bench, crd);
      for (const name of ['a', 'b'])
        await bench.api.create(kind, draftOf(kind, namespace, name, { size: 1 }));
      await remove(crd);
      await bench.eventually(gone(crd));
      await bench.eventually(async () => !(await isServed(bench, kind)));
      await define(bench, crd);
      expect((await bench.api.list(kind)).items).toEqual([]);
    });

    test('it waits for objects that have finalizers', async () => {
      const namespace = await bench.namespace();
      const crd = fresh();
      const kind = await define(bench, crd);
      const held = draftOf(kind, namespace, 'held', {}, { finalizers: ['crd.brickproof.dev/held'] });
      await bench.api.create(kind, held);
      await remove(crd);
      await bench.eventually(async () => {
        const { metadata } = await bench.api.get(kind, { namespace, name: 'held' });
        return metadata.deletionTimestamp !== undefined;
      });
      expect((await conditions(crd)).Terminating).toMatch(/^True /);
      const refusal = await refusalOf(bench.api.create(kind, draftOf(kind, namespace, 'late', {})));
      expect(refusal).toMatchObject({ reason: 'MethodNotAllowed', code: 405 });
      const body = { metadata: { finalizers: null } };
      await bench.api.patch(kind, { namespace, name: 'held' }, { type: 'merge', body });
      await bench.eventually(gone(crd));
    });

    test('a wider schema keeps what the narrow one dropped', async () => {
      const namespace = await bench.namespace();
      const crd = fresh();
      const kind = await define(bench, crd);
      const create = (name: string): Promise<Custom> =>
        bench.api.create(kind, draftOf(kind, namespace, name, { size: 1, colour: 'red' }));
      expect((await create('narrow')).spec).toEqual({ size: 1 });
      const wide = specOf({ size: { type: 'integer' }, colour: { type: 'string' } });
      const [v1] = crd.spec.versions;
      const body = { spec: { versions: [{ ...v1, schema: { openAPIV3Schema: wide } }] } };
      expect((await change(crd, body)).metadata.generation).toBe(2);
      let tries = 0;
      await bench.eventually(async () => (await create(`wide-${++tries}`)).spec?.colour === 'red');
    });

    test('a kind without namespaces is served without them', async () => {
      const crd = fresh({}, { scope: 'Cluster' });
      const kind = await define(bench, crd);
      const { apiVersion, kind: name } = kind;
      const draft = { apiVersion, kind: name, metadata: { name: 'one' }, spec: { size: 1 } };
      await bench.api.create(kind, draft as never);
      expect((await bench.api.get(kind, { name: 'one' })).metadata.namespace).toBeUndefined();
    });
  });

  describe('versions of a definition', () => {
    test('one that is not served is not found', async () => {
      const crd = fresh({}, versions({ name: 'v1', storage: true }, { name: 'v2', served: false }));
      await define(bench, crd);
      expect((await refusalOf(bench.api.list(kindOf(crd, 'v2')))).reason).toBe('NotFound');
    });

    test('what is read is converted by its version alone, what is written gets the defaults of its version', async () => {
      const namespace = await bench.namespace();
      const openAPIV3Schema = specOf({ size: { type: 'integer', default: 7 } }, { default: {} });
      const crd = fresh(
        {},
        versions({ name: 'v1', storage: true }, { name: 'v2', schema: { openAPIV3Schema } }),
      );
      const v1 = await define(bench, crd);
      const v2 = kindOf(crd, 'v2');
      await bench.api.create(v1, draftOf(v1, namespace, 'old', {}));
      await bench.api.create(v2, draftOf(v2, namespace, 'new', {}));
      const old = await bench.api.get(v2, { namespace, name: 'old' });
      expect(old).toMatchObject({ apiVersion: v2.apiVersion, kind: v2.kind });
      expect(old.spec).toEqual({});
      expect((await bench.api.get(v1, { namespace, name: 'new' })).spec).toEqual({ size: 7 });
    });

    test('every version that was ever stored stays named until somebody says that none is left', async () => {
      const crd = fresh({}, versions({ name: 'v1', storage: true }, { name: 'v2' }));
      await define(bench, crd);
      const moved = { spec: versions({ name: 'v1' }, { name: 'v2', storage: true }) };
      expect((await change(crd, moved)).status.storedVersions).toEqual(['v1', 'v2']);
      const dropped = { spec: versions({ name: 'v2', storage: true }) };
      expect(await refusalOf(change(crd, dropped))).toMatchObject({
        reason: 'Invalid',
        causes: ['FieldValueInvalid status.storedVersions[0]'],
      });
      await change(crd, { status: { storedVersions: ['v2'] } }, 'status');
      expect((await change(crd, dropped)).status.storedVersions).toEqual(['v2']);
    });

    test.each([
      ['no version', [], ['FieldValueInvalid spec.versions', 'FieldValueInvalid status.storedVersions']],
      [
        'the same version twice',
        [{ name: 'v1', storage: true }, { name: 'v1' }],
        ['FieldValueInvalid spec.versions'],
      ],
      [
        'two stored versions',
        [
          { name: 'v1', storage: true },
          { name: 'v2', storage: true },
        ],
        ['FieldValueInvalid spec.versions', 'FieldValueInvalid status.storedVersions'],
      ],
    ])('%s is refused', async (_title, all, causes) => {
      const refusal = await refusalOf(bench.api.create(CRD, fresh({}, versions(...all))));
      expect(refusal).toMatchObject({ reason: 'Invalid', causes });
    });
  });

  describe('names of definitions', () => {
    const named = (names: object): NewCrd => {
      const crd = fresh();
      return { ...crd, spec: { ...crd.spec, names: { ...crd.spec.names, ...names } } };
    };

    test('a kind that is taken is not given twice, and is given when it is free', async () => {
      const first = fresh();
      await define(bench, first);
      const { kind } = first.spec.names;
      const second = named({ kind, listKind: `${kind}s` });
      await bench.api.create(CRD, second);
      await bench.eventually(async () => (await conditions(second)).NamesAccepted !== undefined);
      expect(await conditions(second)).toEqual({
        NamesAccepted: 'False KindConflict',
        Established: 'False NotAccepted',
      });
      expect((await refusalOf(bench.api.list(kindOf(second)))).reason).toBe('NotFound');
      await remove(first);
      await bench.eventually(() => isServed(bench, kindOf(second)));
      expect((await conditions(second)).NamesAccepted).toBe('True NoConflicts');
    });

    test.each([
      ['shortNames', (crd: NewCrd) => ({ shortNames: [crd.spec.names.singular] }), 'ShortNamesConflict'],
      ['singular', (crd: NewCrd) => ({ singular: crd.spec.names.singular }), 'SingularConflict'],
      ['listKind', (crd: NewCrd) => ({ listKind: crd.spec.names.listKind }), 'ListKindConflict'],
    ])('%s that are taken are not given twice', async (_member, names, reason) => {
      const first = fresh();
      await define(bench, first);
      const second = named(names(first));
      await bench.api.create(CRD, second);
      await bench.eventually(async () => (await conditions(second)).NamesAccepted !== undefined);
      expect(await conditions(second)).toEqual({
        NamesAccepted: `False ${reason}`,
        Established: 'False NotAccepted',
      });
    });

    test('an established definition that asks for a taken name keeps the one it has', async () => {
      const [first, second] = [fresh(), fresh()];
      await define(bench, first);
      const kind = await define(bench, second);
      await change(second, { spec: { names: { singular: first.spec.names.singular } } });
      await bench.eventually(async () => (await conditions(second)).NamesAccepted !== 'True NoConflicts');
      expect(await conditions(second)).toEqual({
        NamesAccepted: 'False SingularConflict',
        Established: 'True InitialNamesAccepted',
      });
      const { status } = await storedCrd(bench, second);
      expect(status.acceptedNames.singular).toBe(second.spec.names.singular);
      // Its storage is set up anew, which takes a real server a moment.
      await bench.eventually(() => isServed(bench, kind));
    });

    test.each([
      ['scope', { scope: 'Cluster' }, ['FieldValueInvalid spec.scope']],
      ['group', { group: 'other.dev' }, ['FieldValueInvalid spec.group']],
      ['plural', { names: { plural: 'others' } }, ['FieldValueInvalid spec.names.plural']],
      ['kind', { names: { kind: 'Other' } }, ['FieldValueInvalid spec.names.kind']],
    ])('the %s of an established definition stays', async (_member, spec, causes) => {
      const crd = fresh();
      await define(bench, crd);
      expect(await refusalOf(change(crd, { spec }))).toMatchObject({ reason: 'Invalid', code: 422, causes });
    });

    test('a group of Kubernetes itself needs an approval', async () => {
      const crd = newCrd('protecteds', SCHEMA, {}, { group: 'brickproof.k8s.io' });
      const refusal = await refusalOf(bench.api.create(CRD, crd));
      expect(refusal.causes).toEqual(['FieldValueRequired metadata.annotations[api-approved.kubernetes.io]']);
      const annotations = { 'api-approved.kubernetes.io': 'unapproved, for a test' };
      const approved = { ...crd, metadata: { ...crd.metadata, annotations } };
      await bench.api.create(CRD, approved as typeof crd & KubeObject);
    });
  });
}
