import type { CompiledSchema } from '../../src/kube/crd-schema.ts';
import type { KubeCause } from '../../src/kube/error.ts';
import type { UserInfo } from './auth/user.ts';
import type { WriteRequest } from './requests.ts';
import type { Draft, Members, StoredObject } from './stored-object.ts';

/** One column of `kubectl get`. Source: apiextensions/v1 CustomResourceColumnDefinition. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  /** The cell is a time, shown as the time since then. */
  readonly isAge?: boolean;
  /** 0 is shown always, more only with `-o wide`. */
  readonly priority?: number;
  /** The cell of one object; undefined prints as nothing. */
  readonly cell: (object: StoredObject) => unknown;
}

/** Where the numbers of the scale subresource are in an object. Source: apiextensions/v1 CustomResourceSubresourceScale. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** The Pods that are counted, as a selector's text. */
  readonly selectorOf?: (object: StoredObject) => string;
}

/** How one version of a resource looks to clients. */
export interface ServedVersion {
  readonly name: string;
  readonly served: boolean;
  readonly schema: CompiledSchema;
  /** What OpenAPI and `kubectl explain` show. */
  readonly openApi: Members;
  readonly hasStatus: boolean;
  /** Absent: the version has no scale subresource. */
  readonly scale?: ScalePaths;
  readonly columns: readonly PrinterColumn[];
  /** What every answer of a deprecated version warns of. */
  readonly deprecation?: string;
}

/** Which names a kind accepts. Source: apimachinery api/validation. */
export type NameRule = 'subdomain' | 'label' | 'label-1035' | 'path-segment';

/** What a POST to a subresource of an object does, such as making a token for a ServiceAccount. */
export interface SubresourceAction {
  /** The kind of the body and of the answer. */
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  /** Throws KubeError. */
  readonly create: (object: StoredObject, body: unknown, request: WriteRequest) => Members;
}

/** What a kind of object is to the server: its names, its versions, and its own rules. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** Highest priority first, as discovery lists them. */
  readonly versions: readonly ServedVersion[];
  /** The version objects are kept in. */
  readonly storageVersion: string;
  readonly nameRule: NameRule;
  /** Counts changes of everything but metadata and status. */
  readonly hasGeneration: boolean;
  /** Counts changes of annotations, too. */
  readonly generationCountsAnnotations?: boolean;
  /** Whether a PUT may leave out `metadata.resourceVersion`. */
  readonly allowsUnconditionalUpdate: boolean;
  /** Custom resources take no strategic merge patch. */
  readonly custom: boolean;
  /** Field selector values beyond `metadata.name` and `metadata.namespace`. */
  readonly selectableFields?: (object: StoredObject) => Readonly<Record<string, string>>;
  /** Drops what only this kind knows to be unknown; `unknown` receives the paths. */
  readonly tidy?: (object: Members, unknown: string[] | undefined) => Members;
  /** Fills in what a client may leave out, as its own words; runs first. */
  readonly fillIn?: (draft: Draft) => void;
  /** Fills in what the server decides; runs before validation. */
  readonly prepare?: (draft: Draft, previous: StoredObject | undefined) => void;
  /** What schemas cannot say. */
  readonly validate?: (object: Draft, previous: StoredObject | undefined) => readonly KubeCause[];
  /** Takes for a new object what no other may have; runs after everything else has been accepted. */
  readonly allocate?: (draft: Draft) => readonly KubeCause[];
  /** Gives it back when the object is gone. */
  readonly release?: (object: StoredObject) => void;
  /** Seconds between a deletion's mark and its completion by whoever runs the object; 0 is at once. */
  readonly graceSeconds?: (object: StoredObject) => number;
  /** A deletion that names no policy leaves dependents behind. */
  readonly orphansByDefault?: boolean;
  /** A write of the status may carry annotations, too. */
  readonly statusTakesAnnotations?: boolean;
  /** True while something other than finalizers keeps a marked object. */
  readonly holdsDeletion?: (object: StoredObject) => boolean;
  /** Present: objects of this kind are questions. A create fills in the answer and nothing is kept. */
  readonly answer?: (question: Draft, asker: UserInfo) => void;
  /** What may be created below an object, by the name of the subresource. */
  readonly actions?: Readonly<Record<string, SubresourceAction>>;
  /** Another resource whose objects these are, shown under a second name (events.k8s.io shows core Events). */
  readonly storedAs?: Resource;
  /** Reads an object of another served version into the storage version, and back. */
  readonly fromVersion?: (version: string, object: Members) => Members;
  readonly toVersion?: (version: string, object: StoredObject) => StoredObject;
}

/** A resource seen through one of its versions. */
export interface Served {
  readonly resource: Resource;
  readonly version: ServedVersion;
  /** `group/version`, or the version alone for the core group. */
  readonly apiVersion: string;
}

/** `plural.group`, as messages name a resource; the plural alone in the core group. */
export function resourceName(resource: Resource): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

/** `Kind.group`, as messages about invalid objects name it. */
export function kindName(resource: Resource): string {
  return resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
}

export function apiVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** Splits `group/version`; the core group is the empty text. */
export function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** A stored object as a client of `served` sees it: the same object whenever the version is the stored one. */
export function seenThrough(served: Served, object: StoredObject): StoredObject {
  if (object.apiVersion === served.apiVersion) return object;
  const { toVersion } = served.resource;
  return toVersion === undefined
    ? { ...object, apiVersion: served.apiVersion }
    : toVersion(served.version.name, object);
}

/** A resource through the version it is stored in, which needs no conversion. */
export function storageView(resource: Resource): Served {
  const apiVersion = resource.storageVersion;
  const { version: name } = splitApiVersion(apiVersion);
  const version = resource.versions.find((one) => one.name === name);
  if (version === undefined) throw new Error(`${resource.plural} has no version ${name}`);
  return { resource, version, apiVersion };
}
