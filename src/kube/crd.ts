import type { Kind, KubeObject } from './object.ts';

/** The part of OpenAPI v3 that a structural schema may use. Source: apiextensions/v1 JSONSchemaProps. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly anyOf?: readonly Schema[];
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly Rule[];
}

/** A CEL expression over `self` (and `oldSelf`, when it is about changes) that must hold. Source: apiextensions/v1 ValidationRule. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  /** Member of the object that the complaint names instead of the object. */
  readonly fieldPath?: string;
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean';
  readonly jsonPath: string;
  readonly description?: string;
  /** Columns above 0 show with `-o wide` only. */
  readonly priority?: number;
}

/** Source: apiextensions.k8s.io/v1 CustomResourceDefinition; the members the house writes. */
export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: {
      readonly plural: string;
      readonly singular: string;
      readonly kind: string;
      readonly listKind: string;
      readonly shortNames?: readonly string[];
      readonly categories?: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly subresources?: { readonly status?: Record<string, never> };
      readonly additionalPrinterColumns?: readonly PrinterColumn[];
    }[];
  };
}

export interface CrdParts {
  readonly description: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly spec: Schema;
  /** Present: the kind has a status subresource. */
  readonly status?: Schema;
  readonly columns: readonly PrinterColumn[];
}

/** The CustomResourceDefinition of one of our kinds, one version. */
export function defineCrd<T extends KubeObject>(kind: Kind<T>, parts: CrdParts): CustomResourceDefinition {
  const [group = '', version = ''] = kind.apiVersion.split('/');
  const properties: Record<string, Schema> = {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: parts.spec,
  };
  if (parts.status !== undefined) properties.status = parts.status;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${group}` },
    spec: {
      group,
      scope: kind.namespaced ? 'Namespaced' : 'Cluster',
      names: {
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        ...(parts.shortNames && { shortNames: parts.shortNames }),
        ...(parts.categories && { categories: parts.categories }),
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: parts.description,
              properties,
              required: ['spec'],
            },
          },
          ...(parts.status && { subresources: { status: {} } }),
          additionalPrinterColumns: parts.columns,
        },
      ],
    },
  };
}

export const text = (description: string, more: Partial<Schema> = {}): Schema => ({
  type: 'string',
  description,
  ...more,
});
export const whole = (description: string, more: Partial<Schema> = {}): Schema => ({
  type: 'integer',
  description,
  ...more,
});
export const flag = (description: string): Schema => ({ type: 'boolean', description });
export const list = (description: string, items: Schema, more: Partial<Schema> = {}): Schema => ({
  type: 'array',
  description,
  items,
  ...more,
});
export const map = (description: string, values: Schema): Schema => ({
  type: 'object',
  description,
  additionalProperties: values,
});
export const record = (
  description: string,
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema => ({ type: 'object', description, properties, ...(required.length > 0 && { required }) });

export const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
export const time = (description: string): Schema => text(description, { format: 'date-time' });
/** Go durations as users write them: `90s`, `1h30m`. */
export const duration = (description: string, more: Partial<Schema> = {}): Schema =>
  text(description, { pattern: '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$', ...more });

export const conditions: Schema = list(
  'What is true of the object now.',
  record(
    'One condition. Source: metav1.Condition.',
    {
      type: text('What it is about.', { maxLength: 316 }),
      status: text('Whether it holds.', { enum: ['True', 'False', 'Unknown'] }),
      observedGeneration: whole('The generation it was decided on.'),
      lastTransitionTime: time('When the status last changed.'),
      reason: text('One word for machines.', { maxLength: 1024 }),
      message: text('A sentence for people.', { maxLength: 32768 }),
    },
    ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
  ),
  { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
);
