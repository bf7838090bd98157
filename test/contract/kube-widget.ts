import type { CustomResourceDefinition } from '../../src/kube/crd.ts';
import type { Kind, KubeObject, NewObject } from '../../src/kube/object.ts';

/** What most cases work on: a custom kind with something of everything that a schema can say. */
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
