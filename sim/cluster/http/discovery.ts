import type { Catalog } from '../catalog.ts';
import {
  apiVersionOf,
  type Resource,
  type Served,
  type ServedVersion,
  splitApiVersion,
} from '../resource.ts';
import { notServed } from '../status-errors.ts';
import type { Members } from '../stored-object.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
/** In the order of the real server, whose custom kinds are served by another part of it. */
const CUSTOM_VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const STATUS_VERBS = ['get', 'patch', 'update'];

/** What is served where, in the older form of one document per group version. Source: metav1 APIGroupList, APIResourceList. */
export class Discovery {
  readonly #catalog: Catalog;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  coreVersions(): Members {
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  }

  groups(): Members {
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: this.#groupNames().map((name) => this.#group(name)),
    };
  }

  /** Throws NotFound. */
  group(name: string): Members {
    if (!this.#groupNames().includes(name)) throw notServed();
    return { kind: 'APIGroup', apiVersion: 'v1', ...this.#group(name) };
  }

  /** Throws NotFound. */
  resources(apiVersion: string): Members {
    const served = this.#catalog.allServed().filter((one) => one.apiVersion === apiVersion);
    if (served.length === 0) throw notServed();
    return {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: apiVersion,
      resources: served.flatMap(legacyEntries),
    };
  }

  /** Everything below `/api` or `/apis` at once. Source: apidiscovery.k8s.io APIGroupDiscoveryList. */
  aggregated(root: 'api' | 'apis', version: 'v2' | 'v2beta1'): Members {
    const names = root === 'api' ? [''] : this.#groupNames();
    return {
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${version}`,
      metadata: {},
      items: names.map((name) => ({
        ...(name === '' ? { metadata: {} } : { metadata: { name } }),
        versions: this.#versionsOf(name).map((one) => ({
          version: one,
          freshness: 'Current',
          resources: this.#servedIn(apiVersionOf(name, one)).map(aggregatedEntry),
        })),
      })),
    };
  }

  #groupNames(): string[] {
    return [...new Set(this.#catalog.all().map(({ group }) => group))].filter((group) => group !== '').sort();
  }

  #servedIn(apiVersion: string): Served[] {
    return this.#catalog.allServed().filter((one) => one.apiVersion === apiVersion);
  }

  #versionsOf(group: string): string[] {
    const served = this.#catalog.allServed().filter(({ resource }) => resource.group === group);
    return [...new Set(served.map(({ version }) => version.name))];
  }

  #group(name: string): Members {
    const versions = this.#versionsOf(name).map((version) => ({
      groupVersion: apiVersionOf(name, version),
      version,
    }));
    return { name, versions, preferredVersion: versions[0] };
  }
}

function legacyEntries({ resource, version }: Served): Members[] {
  const entry = {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: verbsOf(resource),
    ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
    ...(resource.categories.length > 0 && { categories: resource.categories }),
  };
  const { namespaced, kind } = entry;
  const sides = subresourcesOf(resource, version).map(({ subresource, of, verbs }) => ({
    name: `${resource.plural}/${subresource}`,
    singularName: '',
    namespaced,
    ...(of ?? { kind }),
    verbs,
  }));
  return [entry, ...sides];
}

interface Side {
  readonly subresource: string;
  /** What its objects are, when they are not those of the resource itself. */
  readonly of?: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly string[];
}

function subresourcesOf(resource: Resource, version: ServedVersion): readonly Side[] {
  const isPod = resource.kind === 'Pod' && resource.group === '';
  const binding = {
    subresource: 'binding',
    of: { group: '', version: 'v1', kind: 'Binding' },
    verbs: ['create'],
  };
  const scale = {
    subresource: 'scale',
    of: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    verbs: STATUS_VERBS,
  };
  const scales = version.scale === undefined ? [] : [scale];
  const status = version.hasStatus ? [{ subresource: 'status', verbs: STATUS_VERBS }] : [];
  return [
    ...(isPod ? [binding] : []),
    ...(resource.custom ? [...status, ...scales] : [...scales, ...status]),
    ...Object.entries(resource.actions ?? {}).map(([subresource, { kind }]) => ({
      subresource,
      of: kind,
      verbs: ['create'],
    })),
  ];
}

function aggregatedEntry({ resource, version, apiVersion }: Served): Members {
  const responseKind = kindIn(resource, version, apiVersion);
  const sides = subresourcesOf(resource, version);
  return {
    resource: resource.plural,
    responseKind,
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: verbsOf(resource),
    ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
    ...(resource.categories.length > 0 && { categories: resource.categories }),
    ...(sides.length > 0 && {
      subresources: sides.map(({ subresource, of, verbs }) => ({
        subresource,
        responseKind: of ?? responseKind,
        verbs,
      })),
    }),
  };
}

/** Questions are only asked. */
function verbsOf({ answer, custom }: Resource): readonly string[] {
  if (answer !== undefined) return ['create'];
  return custom ? CUSTOM_VERBS : VERBS;
}

function kindIn(resource: Resource, version: ServedVersion, apiVersion: string): Members {
  return { group: splitApiVersion(apiVersion).group, version: version.name, kind: resource.kind };
}
