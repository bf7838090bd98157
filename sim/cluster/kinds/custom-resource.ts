import type { KubeCause } from '../../../src/kube/error.ts';
import { equalJson } from '../../../src/kube/json-equal.ts';
import { type JsonRecord, recordOf, recordsOf } from '../../../src/kube/json-record.ts';
import { apiVersionOf, type Resource, type ServedVersion } from '../resource.ts';
import { selectableFields, servedVersion, type VersionPaths } from './custom-resource-version.ts';

/**
 * The resource that a CustomResourceDefinition describes; complaints about it go to `causes`, and with
 * any of them the resource is not to be served. Its names are those that were accepted.
 */
export function customResource(definition: JsonRecord, causes: KubeCause[]): Resource | undefined {
  const spec = recordOf(definition.spec);
  const { acceptedNames } = recordOf(definition.status);
  const names = recordOf(acceptedNames ?? spec.names);
  const group = String(spec.group);
  const declared = recordsOf(spec.versions);
  const paths = pathsOf(declared);
  const found: KubeCause[] = [];
  const versions = declared.map((version, index) => {
    const own: KubeCause[] = [];
    const served = servedVersion(version, paths(index), own);
    // What all versions share is complained about with the first.
    found.push(...own.filter(({ field }) => index === 0 || field.startsWith('spec.versions[')));
    return served;
  });
  const storage = declared.find((version) => version.storage === true);
  causes.push(...found);
  if (found.length > 0 || storage === undefined) return undefined;
  const kind = String(names.kind);
  return {
    group,
    kind,
    listKind: String(names.listKind ?? `${kind}List`),
    plural: String(names.plural),
    singular: String(names.singular ?? kind.toLowerCase()),
    shortNames: textsOf(names.shortNames),
    categories: textsOf(names.categories),
    namespaced: spec.scope === 'Namespaced',
    versions: withDeprecations(versions.sort(byPriority), declared, group, kind),
    storageVersion: apiVersionOf(group, String(storage.name)),
    nameRule: 'subdomain',
    hasGeneration: true,
    allowsUnconditionalUpdate: false,
    custom: true,
    selectableFields: selectableFields(storage),
  };
}

/** A version that is deprecated names the newest one that is as stable and is not, unless it has its own words. */
function withDeprecations(
  versions: readonly ServedVersion[],
  declared: readonly JsonRecord[],
  group: string,
  kind: string,
): readonly ServedVersion[] {
  const deprecated = new Map(
    declared.filter((one) => one.deprecated === true).map((one) => [one.name, one.deprecationWarning]),
  );
  const full = (name: string): string => `${apiVersionOf(group, name)} ${kind}`;
  return versions.map((version) => {
    const { name } = version;
    if (!deprecated.has(name)) return version;
    const better = versions.find(
      (other) =>
        other.served && !deprecated.has(other.name) && (rank(other.name)[0] ?? 0) >= (rank(name)[0] ?? 0),
    );
    const advice = better === undefined ? '' : `; use ${full(better.name)}`;
    return {
      ...version,
      deprecation: String(deprecated.get(name) ?? `${full(name)} is deprecated${advice}`),
    };
  });
}

/** Where older definitions had what all versions share: complaints still point there. */
function pathsOf(versions: readonly JsonRecord[]): (index: number) => VersionPaths {
  const alike = (member: string): boolean =>
    versions.every((version) => equalJson(version[member], versions[0]?.[member]));
  const path = (member: string, above: string) => {
    const shared = alike(member);
    return (index: number): string => (shared ? `spec.${above}` : `spec.versions[${index}].${member}`);
  };
  const schema = path('schema', 'validation');
  const subresources = path('subresources', 'subresources');
  const columns = path('additionalPrinterColumns', 'additionalPrinterColumns');
  const fields = path('selectableFields', 'selectableFields');
  return (index) => ({
    schema: schema(index),
    subresources: subresources(index),
    columns: columns(index),
    selectableFields: fields(index),
  });
}

/**
 * Newest first: stable before beta before alpha, then by number; other names come last, by alphabet.
 * Source: Kubernetes documentation, "Version priority".
 */
function byPriority(left: ServedVersion, right: ServedVersion): number {
  const [a, b] = [rank(left.name), rank(right.name)];
  for (let index = 0; index < a.length; index++) {
    const difference = (b[index] ?? 0) - (a[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.name < right.name ? -1 : 1;
}

function rank(name: string): readonly number[] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(name);
  if (match === null) return [0, 0, 0];
  const stability = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return [stability, Number(match[1]), Number(match[3] ?? 0)];
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
