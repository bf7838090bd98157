import { type CompiledSchema, compileSchema } from '../../../src/kube/crd-schema.ts';
import type { KubeCause } from '../../../src/kube/error.ts';
import { forbiddenValue, invalidValue, requiredValue } from '../../../src/kube/field-cause.ts';
import { compileJsonPath } from '../json-path.ts';
import { AGE, textAt } from '../printer.ts';
import {
  apiVersionOf,
  type PrinterColumn,
  type Resource,
  type ScalePaths,
  type ServedVersion,
} from '../resource.ts';
import { equalJson, isMembers, type Members, type StoredObject } from '../stored-object.ts';

/**
 * The resource that a CustomResourceDefinition describes; complaints about it go to `causes`, and with
 * any of them the resource is not to be served. The definition has passed its own schema.
 */
export function customResource(definition: Members, causes: KubeCause[]): Resource | undefined {
  const spec = membersOf(definition.spec);
  const names = membersOf(spec.names);
  const group = String(spec.group);
  const declared = listOf(spec.versions);
  if (membersOf(spec.conversion).strategy === 'Webhook')
    causes.push(
      forbiddenValue('spec.conversion.strategy', 'webhook conversion is not supported by this server'),
    );
  const stored = declared.filter((version) => version.storage === true);
  if (stored.length !== 1)
    causes.push(
      invalidValue(
        'spec.versions',
        declared.length,
        'must have exactly one version marked as storage version',
      ),
    );
  // What all versions have in common is complained about where older definitions had it, once for all.
  const alike = declared.every(({ subresources }) => equalJson(subresources, declared[0]?.subresources));
  const versions = declared.map((version, index) => {
    const path = `spec.versions[${index}]`;
    return servedVersion(version, path, alike ? 'spec' : path, causes);
  });
  const storage = stored[0];
  if (causes.length > 0 || storage === undefined) return undefined;
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
    versions: versions.sort(byPriority),
    storageVersion: apiVersionOf(group, String(storage.name)),
    nameRule: 'subdomain',
    hasGeneration: true,
    allowsUnconditionalUpdate: false,
    custom: true,
    selectableFields: selectable(storage),
  };
}

function servedVersion(
  version: Members,
  path: string,
  subresourcePath: string,
  causes: KubeCause[],
): ServedVersion {
  const source = membersOf(version.schema).openAPIV3Schema;
  const at = `${path}.schema.openAPIV3Schema`;
  if (!isMembers(source)) causes.push(requiredValue(at, 'schemas are required'));
  else if (source.type !== 'object')
    causes.push(invalidValue(`${at}.type`, source.type ?? '', 'must be object at the root'));
  const { apiVersion: _a, kind: _k, metadata: _m, ...properties } = membersOf(membersOf(source).properties);
  const root = isMembers(source) ? { ...source, properties } : { type: 'object' };
  const schema: CompiledSchema = { ...compileSchema(root, at, causes), embeddedResource: true };
  const subresources = membersOf(version.subresources);
  const scale = scalePaths(subresources.scale, `${subresourcePath}.subresources.scale`, causes);
  const columns = listOf(version.additionalPrinterColumns).map((column, index) =>
    printerColumn(column, `${path}.additionalPrinterColumns[${index}]`, causes),
  );
  return {
    name: String(version.name),
    served: version.served === true,
    schema,
    openApi: root,
    hasStatus: subresources.status !== undefined,
    ...(scale && { scale }),
    columns: columns.length === 0 ? [AGE] : columns,
  };
}

/** Source: apiextensions-apiserver, pkg/apis/apiextensions/validation ValidateCustomResourceDefinitionSubresources. */
function scalePaths(source: unknown, path: string, causes: KubeCause[]): ScalePaths | undefined {
  if (source === undefined) return undefined;
  const scale = membersOf(source);
  const read = (member: string, ...roots: readonly string[]): readonly string[] => {
    const text = String(scale[member] ?? '');
    const where = roots.map((root) => `.${root}`).join(' or ');
    if (text === '') causes.push(requiredValue(`${path}.${member}`));
    else if (!roots.some((root) => text.startsWith(`.${root}.`)) || !/^(\.[\w-]+)+$/.test(text))
      causes.push(invalidValue(`${path}.${member}`, text, `should be a json path under ${where}`));
    return text.split('.').slice(1);
  };
  const specReplicas = read('specReplicasPath', 'spec');
  const statusReplicas = read('statusReplicasPath', 'status');
  if (scale.labelSelectorPath === undefined) return { specReplicas, statusReplicas };
  const selector = read('labelSelectorPath', 'status', 'spec').join('.');
  return { specReplicas, statusReplicas, selectorOf: (object) => textAt(object, selector) };
}

function printerColumn(column: Members, path: string, causes: KubeCause[]): PrinterColumn {
  const jsonPath = String(column.jsonPath);
  const find = compileJsonPath(jsonPath);
  if (find === undefined)
    causes.push(invalidValue(`${path}.jsonPath`, jsonPath, 'is not a path that this server can follow'));
  const type = String(column.type);
  return {
    name: String(column.name),
    type,
    ...(typeof column.format === 'string' ? { format: column.format } : {}),
    ...(typeof column.description === 'string' ? { description: column.description } : {}),
    ...(typeof column.priority === 'number' ? { priority: column.priority } : {}),
    cell: (object) => cellOf(find?.(object)[0], type),
  };
}

/** A value as a cell; one that is not of the column's type shows as nothing. */
function cellOf(value: unknown, type: string): unknown {
  if (value === undefined || value === null) return undefined;
  if (type === 'integer' || type === 'number') return typeof value === 'number' ? value : undefined;
  if (type === 'boolean') return typeof value === 'boolean' ? value : undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function selectable(version: Members): (object: StoredObject) => Record<string, string> {
  const fields = listOf(version.selectableFields).map(({ jsonPath }) => {
    const path = String(jsonPath);
    return { name: path.replace(/^\./, ''), find: compileJsonPath(path) };
  });
  return (object) =>
    Object.fromEntries(fields.map(({ name, find }) => [name, String(find?.(object)[0] ?? '')]));
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

function membersOf(value: unknown): Members {
  return isMembers(value) ? value : {};
}

function listOf(value: unknown): readonly Members[] {
  return Array.isArray(value) ? value.filter(isMembers) : [];
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
