import { beforeAll, describe, expect, test } from 'vitest';
import type { CustomResourceDefinition } from '../../src/kube/crd.ts';
import type { Kind, KubeObject, NewObject } from '../../src/kube/object.ts';
import { DEPLOYMENT, type Deployment, scaleOf } from '../../src/kube/workloads.ts';
import type { Bench } from './kube.ts';
import { CONFIG_MAP, CRD } from './kube-widget.ts';
import { newDeployment } from './kube-workloads.ts';
import { refusalOf } from './refusal.ts';

interface Gadget extends KubeObject {
  readonly spec: { readonly count?: number };
  readonly status?: { readonly count?: number; readonly selector?: string };
}

const GADGET: Kind<Gadget> = {
  apiVersion: 'contract.brickproof.dev/v1',
  kind: 'Gadget',
  plural: 'gadgets',
  namespaced: true,
};

const gadgetCrd = (scale: object): unknown => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.contract.brickproof.dev' },
  spec: {
    group: 'contract.brickproof.dev',
    scope: 'Namespaced',
    names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', listKind: 'GadgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {}, scale },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { count: { type: 'integer' } } },
              status: {
                type: 'object',
                properties: { count: { type: 'integer' }, selector: { type: 'string' } },
              },
            },
          },
        },
      },
    ],
  },
});

export function scaleContract(bench: Bench): void {
  const scaleKind = scaleOf(DEPLOYMENT);
  const deployed = async (): Promise<Deployment> =>
    bench.api.create(DEPLOYMENT, newDeployment(await bench.namespace(), 'web', { replicas: 3 }));

  describe('scale', () => {
    test('shows how many are wanted, how many are there, and which they are', async () => {
      const { metadata } = await deployed();
      const scale = await bench.api.get(scaleKind, metadata);
      expect(scale).toMatchObject({ apiVersion: 'autoscaling/v1', kind: 'Scale' });
      expect(scale.metadata).toMatchObject({ name: 'web', uid: metadata.uid });
      expect(scale.spec).toEqual({ replicas: 3 });
      expect(scale.status).toMatchObject({ replicas: 0, selector: 'app=web' });
    });

    test('a replaced scale is a new number in the object, and a new generation', async () => {
      const { metadata } = await deployed();
      const scale = await bench.api.get(scaleKind, metadata);
      const written = await bench.api.replace(scaleKind, { ...scale, spec: { replicas: 5 } });
      expect(written.spec.replicas).toBe(5);
      const after = await bench.api.get(DEPLOYMENT, metadata);
      expect(after.spec.replicas).toBe(5);
      expect(after.metadata.generation).toBe(2);
      expect(after.metadata.resourceVersion).toBe(written.metadata.resourceVersion);
    });

    test('a patch of the scale changes the number and nothing else', async () => {
      const before = await deployed();
      const patch = { type: 'merge', body: { spec: { replicas: 0 } } } as const;
      expect((await bench.api.patch(scaleKind, before.metadata, patch)).spec.replicas ?? 0).toBe(0);
      const after = await bench.api.get(DEPLOYMENT, before.metadata);
      expect(after.spec).toEqual({ ...before.spec, replicas: 0 });
    });

    test('a scale that is out of date is refused', async () => {
      const { metadata } = await deployed();
      const scale = await bench.api.get(scaleKind, metadata);
      await bench.api.replace(scaleKind, { ...scale, spec: { replicas: 5 } });
      const late = bench.api.replace(scaleKind, { ...scale, spec: { replicas: 6 } });
      expect(await refusalOf(late)).toMatchObject({ reason: 'Conflict', code: 409 });
    });

    test('fewer than none is refused, with the field', async () => {
      const { metadata } = await deployed();
      const patch = { type: 'merge', body: { spec: { replicas: -1 } } } as const;
      const refusal = await refusalOf(bench.api.patch(scaleKind, metadata, patch));
      expect(refusal).toMatchObject({ reason: 'Invalid', code: 422 });
      expect(refusal.causes).toEqual(['FieldValueInvalid spec.replicas']);
    });

    test('what is not there has no scale, and some kinds have none', async () => {
      const { metadata } = await deployed();
      const { namespace = '' } = metadata;
      const missing = bench.api.get(scaleKind, { namespace, name: 'never' });
      expect(await refusalOf(missing)).toMatchObject({ reason: 'NotFound' });
      await bench.api.create(CONFIG_MAP, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace, name: 'web' },
      });
      expect(await refusalOf(bench.api.get(scaleOf(CONFIG_MAP), metadata))).toMatchObject({ code: 404 });
    });
  });

  describe('the scale of a custom resource', () => {
    const create = (definition: unknown) =>
      bench.api.create(CRD, definition as NewObject<CustomResourceDefinition & KubeObject>);

    beforeAll(async () => {
      await create(
        gadgetCrd({
          specReplicasPath: '.spec.count',
          statusReplicasPath: '.status.count',
          labelSelectorPath: '.status.selector',
        }),
      );
      await bench.eventually(() =>
        bench.api.list(GADGET).then(
          () => true,
          () => false,
        ),
      );
    });
    const gadget = async (spec: Gadget['spec']): Promise<Gadget> => {
      const metadata = { namespace: await bench.namespace(), name: 'g' };
      return bench.api.create(GADGET, { apiVersion: GADGET.apiVersion, kind: 'Gadget', metadata, spec });
    };

    test('is where its definition says', async () => {
      const { metadata } = await gadget({ count: 2 });
      const body = { status: { count: 1, selector: 'gadget=g' } };
      await bench.api.patch(GADGET, metadata, { type: 'merge', body }, { subresource: 'status' });
      const scale = await bench.api.get(scaleOf(GADGET), metadata);
      expect(scale.spec).toEqual({ replicas: 2 });
      expect(scale.status).toEqual({ replicas: 1, selector: 'gadget=g' });
      await bench.api.patch(scaleOf(GADGET), metadata, { type: 'merge', body: { spec: { replicas: 4 } } });
      expect((await bench.api.get(GADGET, metadata)).spec).toEqual({ count: 4 });
    });

    test('without a number cannot be shown', async () => {
      const { metadata } = await gadget({});
      const refusal = await refusalOf(bench.api.get(scaleOf(GADGET), metadata));
      expect(refusal).toMatchObject({ reason: 'InternalError', code: 500 });
    });

    test('cannot be declared outside spec and status', async () => {
      const wrong = gadgetCrd({ specReplicasPath: '.status.count', statusReplicasPath: 'spec' }) as {
        metadata: object;
        spec: { names: object };
      };
      const renamed = {
        ...wrong,
        metadata: { name: 'gizmos.contract.brickproof.dev' },
        spec: { ...wrong.spec, names: { plural: 'gizmos', kind: 'Gizmo', listKind: 'GizmoList' } },
      };
      const refusal = await refusalOf(create(renamed));
      // With one version a server complains where older definitions had it.
      const path = 'spec.subresources.scale';
      expect(refusal.causes).toEqual([
        `FieldValueInvalid ${path}.specReplicasPath`,
        `FieldValueInvalid ${path}.statusReplicasPath`,
      ]);
    });
  });
}
