import { afterAll, beforeAll, describe } from 'vitest';
import type { KubeApi } from '../../src/kube/api.ts';
import type { CustomResourceDefinition } from '../../src/kube/crd.ts';
import type { Kind, KubeObject, NewObject } from '../../src/kube/object.ts';
import { applyContract } from './kube-apply.ts';
import { batchContract } from './kube-batch.ts';
import { deletionContract } from './kube-deletion.ts';
import { listContract } from './kube-list.ts';
import { scaleContract } from './kube-scale.ts';
import { schemaContract } from './kube-schema.ts';
import { verbContract } from './kube-verbs.ts';
import { watchContract } from './kube-watch.ts';
import { workloadContract } from './kube-workloads.ts';

/** A server under test. */
export interface Subject {
  readonly api: KubeApi;
  /** Lets the server's own controllers take a step; called in loops that wait for them. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export interface Widget extends KubeObject {
  readonly spec: {
    readonly size: number;
    readonly colour?: string;
    readonly serial?: string;
    readonly parts?: readonly { readonly name: string; readonly count?: number }[];
    readonly tags?: readonly string[];
    readonly limits?: Readonly<Record<string, number>>;
    readonly port?: number | string;
    readonly notes?: string | null;
    readonly extra?: unknown;
  };
  readonly status?: { readonly phase?: string; readonly seen?: number };
}

export const WIDGET: Kind<Widget> = {
  apiVersion: 'contract.brickproof.dev/v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};

export const CRD: Kind<CustomResourceDefinition & KubeObject> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

export const CONFIG_MAP: Kind<KubeObject & { readonly data?: Readonly<Record<string, string>> }> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};

export const NAMESPACE: Kind = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

const openAPIV3Schema = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 1, maximum: 100 },
        colour: { type: 'string', enum: ['red', 'green', 'blue'], default: 'red' },
        serial: {
          type: 'string',
          pattern: '^[A-Z]{2}[0-9]+$',
          maxLength: 10,
          'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'serial is immutable' }],
        },
        parts: {
          type: 'array',
          maxItems: 3,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string', minLength: 1 }, count: { type: 'integer', default: 1 } },
          },
        },
        tags: { type: 'array', items: { type: 'string' }, minItems: 1, 'x-kubernetes-list-type': 'set' },
        limits: { type: 'object', additionalProperties: { type: 'number' } },
        port: { 'x-kubernetes-int-or-string': true },
        notes: { type: 'string', nullable: true },
        since: { type: 'string', format: 'date-time' },
        extra: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: {
      type: 'object',
      properties: { phase: { type: 'string' }, seen: { type: 'integer', minimum: 0 } },
    },
  },
};

export const WIDGET_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.contract.brickproof.dev' },
  spec: {
    group: 'contract.brickproof.dev',
    scope: 'Namespaced',
    names: {
      plural: 'widgets',
      singular: 'widget',
      kind: 'Widget',
      listKind: 'WidgetList',
      shortNames: ['wdg'],
    },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, subresources: { status: {} } },
    ],
  },
};

/** What the cases work with: a server that knows Widgets, and a fresh namespace on demand. */
export interface Bench {
  readonly api: KubeApi;
  namespace(): Promise<string>;
  widget(namespace: string, name: string, spec?: Partial<Widget['spec']>, metadata?: object): Promise<Widget>;
  /** Tries until `check` holds, with steps of the server between; throws after 500 tries. */
  eventually(check: () => Promise<boolean>): Promise<void>;
}

export function newWidget(
  namespace: string,
  name: string,
  spec: Partial<Widget['spec']> = {},
  metadata: object = {},
): NewObject<Widget> {
  return {
    apiVersion: WIDGET.apiVersion,
    kind: WIDGET.kind,
    metadata: { namespace, name, ...metadata },
    spec: { size: 1, ...spec },
  };
}

/** The promises of KubeApi, as cases that every implementation must pass. */
export function kubeContract(title: string, start: () => Promise<Subject>): void {
  describe(title, () => {
    let subject: Subject;
    let namespaces = 0;
    const run = `c${process.pid.toString(36)}`;

    const bench: Bench = {
      get api() {
        return subject.api;
      },
      async namespace() {
        const name = `${run}-${++namespaces}`;
        await subject.api.create(NAMESPACE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
        return name;
      },
      widget: (namespace, name, spec, metadata) =>
        subject.api.create(WIDGET, newWidget(namespace, name, spec, metadata)),
      async eventually(check) {
        for (let tries = 0; tries < 500; tries++) {
          if (await check()) return;
          await subject.settle();
        }
        throw new Error('what was waited for did not happen');
      },
    };

    beforeAll(async () => {
      subject = await start();
      const crd = WIDGET_CRD as unknown as NewObject<CustomResourceDefinition & KubeObject>;
      await subject.api.create(CRD, crd);
      await bench.eventually(() =>
        subject.api.list(WIDGET).then(
          () => true,
          () => false,
        ),
      );
    });
    afterAll(() => subject.close());

    verbContract(bench);
    listContract(bench);
    watchContract(bench);
    applyContract(bench);
    deletionContract(bench);
    schemaContract(bench);
    scaleContract(bench);
    workloadContract(bench);
    batchContract(bench);
  });
}
