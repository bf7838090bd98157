import type { CustomResourceDefinition } from '../../src/kube/crd.ts';
import type { Kind, KubeObject, NewObject } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { CRD } from './kube-widget.ts';

export type NewCrd = NewObject<CustomResourceDefinition & KubeObject>;

/** A definition as the server answers it. */
export interface StoredCrd extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: {
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
    }[];
    readonly acceptedNames: Readonly<Record<string, unknown>>;
    readonly storedVersions: readonly string[];
  };
}

/** An object of a kind that a case defined. */
export interface Custom extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** What of a definition a case says itself. */
export type CrdSpec = Readonly<Record<string, unknown>> & { readonly group?: string };

const GROUP = 'crd.brickproof.dev';

/** Definition of a namespaced kind of one version, `v1`; `version` and `spec` replace what they name. */
export function newCrd(
  plural: string,
  openAPIV3Schema: unknown,
  version: object = {},
  spec: CrdSpec = {},
): NewCrd {
  const singular = plural.replace(/s$/, '');
  const kind = singular.charAt(0).toUpperCase() + singular.slice(1).replaceAll('-', '');
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${spec.group ?? GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { plural, singular, kind, listKind: `${kind}List` },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, ...version }],
      ...spec,
    },
  } as unknown as NewCrd;
}

/** The kind that a definition defines, through one of its versions. */
export function kindOf({ spec }: NewCrd, version = 'v1'): Kind<Custom> {
  const { kind, plural } = spec.names;
  const namespaced = spec.scope === 'Namespaced';
  return { apiVersion: `${spec.group}/${version}`, kind, plural, namespaced };
}

/** Schema of an object whose spec has these fields. */
export function specOf(properties: object, more: object = {}): object {
  return { type: 'object', properties: { spec: { type: 'object', properties, ...more } } };
}

/** A rule of a schema, to be spread into it. */
export function rule(text: string, more: object = {}): object {
  return { 'x-kubernetes-validations': [{ rule: text, ...more }] };
}

/** Creates the definition and waits until its kind is served. */
export async function define(bench: Bench, crd: NewCrd): Promise<Kind<Custom>> {
  await bench.api.create(CRD, crd);
  const kind = kindOf(crd, crd.spec.versions.find(({ served }) => served)?.name);
  await bench.eventually(() => isServed(bench, kind));
  return kind;
}

export function isServed(bench: Bench, kind: Kind): Promise<boolean> {
  return bench.api.list(kind).then(
    () => true,
    () => false,
  );
}

export async function storedCrd(bench: Bench, { metadata }: NewCrd): Promise<StoredCrd> {
  return (await bench.api.get(CRD, { name: metadata.name ?? '' })) as unknown as StoredCrd;
}

/** A new object of the kind. */
export function draftOf(
  { apiVersion, kind }: Kind<Custom>,
  namespace: string,
  name: string,
  spec: unknown,
  metadata: object = {},
): NewObject<Custom> {
  return { apiVersion, kind, metadata: { namespace, name, ...metadata }, spec } as NewObject<Custom>;
}
