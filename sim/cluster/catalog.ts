import type { Kind } from '../../src/kube/object.ts';
import { apiVersionOf, type Resource, type Served } from './resource.ts';
import { notServed } from './status-errors.ts';

/** Which resources the server has, by the names that clients use. */
export class Catalog {
  readonly #resources = new Map<string, Resource>();
  readonly #served = new Map<string, Served>();
  #byKind = new WeakMap<Kind, Served>();
  #revision = 0;

  /** Rises with every change; caches made from the catalog compare it. */
  get revision(): number {
    return this.#revision;
  }

  /** Adds a resource, or replaces the one with the same group and plural name. */
  add(resource: Resource): void {
    this.remove(resource);
    this.#resources.set(groupPlural(resource.group, resource.plural), resource);
    for (const version of resource.versions) {
      if (!version.served) continue;
      const apiVersion = apiVersionOf(resource.group, version.name);
      this.#served.set(`${apiVersion}/${resource.plural}`, { resource, version, apiVersion });
    }
  }

  remove(resource: Pick<Resource, 'group' | 'plural'>): void {
    this.#revision++;
    this.#byKind = new WeakMap();
    this.#resources.delete(groupPlural(resource.group, resource.plural));
    for (const [path, served] of this.#served)
      if (served.resource.group === resource.group && served.resource.plural === resource.plural)
        this.#served.delete(path);
  }

  find(group: string, plural: string): Resource | undefined {
    return this.#resources.get(groupPlural(group, plural));
  }

  /** The served version at `apiVersion` and `plural`; undefined when nobody serves it. */
  served(apiVersion: string, plural: string): Served | undefined {
    return this.#served.get(`${apiVersion}/${plural}`);
  }

  servedByKind(apiVersion: string, kind: string): Served | undefined {
    for (const served of this.#served.values())
      if (served.apiVersion === apiVersion && served.resource.kind === kind) return served;
    return undefined;
  }

  knows(kind: Kind): boolean {
    return this.#byKind.has(kind) || this.served(kind.apiVersion, kind.plural) !== undefined;
  }

  /** Throws NotFound as a server does for an unknown path. */
  ofKind(kind: Kind): Served {
    const known = this.#byKind.get(kind);
    if (known !== undefined) return known;
    const served = this.served(kind.apiVersion, kind.plural);
    if (served === undefined) throw notServed();
    this.#byKind.set(kind, served);
    return served;
  }

  all(): readonly Resource[] {
    return [...this.#resources.values()];
  }

  allServed(): readonly Served[] {
    return [...this.#served.values()];
  }
}

function groupPlural(group: string, plural: string): string {
  return `${group}/${plural}`;
}
