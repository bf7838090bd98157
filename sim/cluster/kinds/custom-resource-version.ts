import { ANYTHING } from '../../../src/kube/crd-schema.ts';
import { defineSchema } from '../../../src/kube/crd-schema-definition.ts';
import { compileFieldPath } from '../../../src/kube/crd-schema-path.ts';
import type { KubeCause } from '../../../src/kube/error.ts';
import { duplicateValue, invalidValue, requiredValue, tooMany } from '../../../src/kube/field-cause.ts';
import { type JsonRecord, recordOf, recordsOf } from '../../../src/kube/json-record.ts';
import { compileJsonPath } from '../json-path.ts';
import { AGE, textAt } from '../printer.ts';
import type { PrinterColumn, ScalePaths, ServedVersion } from '../resource.ts';
import type { StoredObject } from '../stored-object.ts';

/** Where complaints about the parts of a version point: those that all versions share stand above them. */
export interface VersionPaths {
  readonly schema: string;
  readonly subresources: string;
  readonly columns: string;
  readonly selectableFields: string;
}

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const SELECTABLE_MAX = 8;

/**
 * One version of a custom resource, made ready; complaints go to `causes`.
 * Source: apiextensions-apiserver v0.32, pkg/apis/apiextensions/validation.
 */
export function servedVersion(version: JsonRecord, paths: VersionPaths, causes: KubeCause[]): ServedVersion {
  const source = recordOf(recordOf(version.schema).openAPIV3Schema);
  const subresources = recordOf(version.subresources);
  const hasStatus = subresources.status !== undefined;
  const before = causes.length;
  const schema =
    Object.keys(source).length === 0
      ? undefined
      : defineSchema(source, `${paths.schema}.openAPIV3Schema`, hasStatus, causes);
  const scale = scalePaths(subresources.scale, `${paths.subresources}.scale`, causes);
  const columns = recordsOf(version.additionalPrinterColumns).map((column, index) =>
    printerColumn(column, `${paths.columns}[${index}]`, causes),
  );
  const selectable = recordsOf(version.selectableFields);
  if (causes.length === before) checkSelectable(selectable, source, paths.selectableFields, causes);
  return {
    name: String(version.name),
    served: version.served === true,
    schema: schema ?? ANYTHING,
    openApi: withoutTypeMeta(source),
    hasStatus,
    ...(scale && { scale }),
    columns: columns.length === 0 ? [AGE] : columns,
  };
}

/** What `kubectl explain` adds by itself. */
function withoutTypeMeta(source: JsonRecord): JsonRecord {
  const { apiVersion: _a, kind: _k, metadata: _m, ...properties } = recordOf(source.properties);
  return { type: 'object', ...source, properties };
}

function scalePaths(source: unknown, path: string, causes: KubeCause[]): ScalePaths | undefined {
  if (source === undefined) return undefined;
  const scale = recordOf(source);
  const read = (member: string, ...roots: readonly string[]): readonly string[] => {
    const text = String(scale[member] ?? '');
    const where =
      roots.length > 1 ? `either ${roots.map((root) => `.${root}`).join(' or ')}` : `.${roots[0]}`;
    if (text === '') causes.push(requiredValue(`${path}.${member}`));
    else if (!roots.some((root) => text.startsWith(`.${root}.`)) || !/^(\.[\w-]+)+$/.test(text))
      causes.push(invalidValue(`${path}.${member}`, text, `should be a json path under ${where}`));
    return text.split('.').slice(1);
  };
  const specReplicas = read('specReplicasPath', 'spec');
  const statusReplicas = read('statusReplicasPath', 'status');
  if (scale.labelSelectorPath === undefined) return { specReplicas, statusReplicas };
  const selector = read('labelSelectorPath', 'spec', 'status').join('.');
  return { specReplicas, statusReplicas, selectorOf: (object) => textAt(object, selector) };
}

function printerColumn(column: JsonRecord, path: string, causes: KubeCause[]): PrinterColumn {
  const { name, type, format, jsonPath } = column;
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  if (name === undefined || name === '') causes.push(requiredValue(`${path}.name`));
  if (type === undefined || type === '') causes.push(requiredValue(`${path}.type`, types));
  else if (!COLUMN_TYPES.includes(String(type))) causes.push(invalidValue(`${path}.type`, type, types));
  if (format !== undefined && !COLUMN_FORMATS.includes(String(format)))
    causes.push(invalidValue(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`));
  const text = String(jsonPath ?? '');
  const at = `${path}.JSONPath`;
  if (text === '') causes.push(requiredValue(at));
  else if (!text.startsWith('.'))
    causes.push(invalidValue(at, text, 'must be a simple json path starting with .'));
  // A path that cannot be followed shows nothing, as on a real server.
  const find = compileJsonPath(text);
  return {
    name: String(name),
    type: String(type),
    ...(typeof format === 'string' && { format }),
    ...(typeof column.description === 'string' && { description: column.description }),
    ...(typeof column.priority === 'number' && { priority: column.priority }),
    cell: (object) => cellOf(find?.(object)[0], String(type)),
  };
}

/** A value as a cell; one that is not of the column's type shows as nothing. */
function cellOf(value: unknown, type: string): unknown {
  if (value === undefined || value === null) return undefined;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : undefined;
    case 'number':
      return typeof value === 'number' ? value : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'date':
      return typeof value === 'string' ? value : undefined;
    default:
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
}

/** Only single values of simple types can be selected by. */
function checkSelectable(
  fields: readonly JsonRecord[],
  source: JsonRecord,
  path: string,
  causes: KubeCause[],
): void {
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of fields.entries()) {
    const at = `${path}[${index}].jsonPath`;
    const text = String(jsonPath ?? '');
    if (text === '') causes.push(requiredValue(at));
    if (text === '') continue;
    const found = text.includes('[') ? undefined : compileFieldPath(source, text);
    if (found === undefined) {
      const why = text.includes('[') ? 'array notation is not allowed' : 'does not refer to a valid field';
      causes.push(invalidValue(at, text, `is an invalid path: ${why}`));
      continue;
    }
    if (found.names[0] === 'metadata')
      causes.push(invalidValue(at, text, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(String(found.schema.type)))
      causes.push(
        invalidValue(
          at,
          text,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      );
    if (seen.has(found.text)) causes.push(duplicateValue(at, text));
    seen.add(found.text);
  }
  if (seen.size > SELECTABLE_MAX) causes.push(tooMany(path, seen.size, SELECTABLE_MAX));
}

/** The values that field selectors may name. */
export function selectableFields(version: JsonRecord): (object: StoredObject) => Record<string, string> {
  const fields = recordsOf(version.selectableFields).map(({ jsonPath }) => {
    const path = String(jsonPath);
    return { name: path.replace(/^\./, ''), find: compileJsonPath(path) };
  });
  return (object) =>
    Object.fromEntries(fields.map(({ name, find }) => [name, String(find?.(object)[0] ?? '')]));
}
