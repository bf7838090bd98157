import { ageText } from '../printer.ts';
import type { PrinterColumn, Served } from '../resource.ts';
import type { Members, StoredObject } from '../stored-object.ts';

/** How much of each object a row carries: `includeObject`, by default its metadata. */
export type Included = 'None' | 'Metadata' | 'Object';

/** Objects as columns and cells. Source: meta.k8s.io/v1 Table. */
export function tableBody(
  served: Served,
  objects: readonly StoredObject[],
  metadata: Members,
  options: { readonly unixMs: number; readonly included: Included; readonly withColumns: boolean },
): Members {
  const { columns } = served.version;
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: options.withColumns ? [NAME, ...columns.map(definition)] : null,
    rows: objects.map((object) => ({
      cells: [object.metadata.name, ...columns.map((column) => cell(column, object, options.unixMs))],
      object:
        options.included === 'None' ? null : options.included === 'Object' ? object : metadataOnly(object),
    })),
  };
}

/** Source: meta.k8s.io/v1 PartialObjectMetadata. */
export function metadataOnly({ metadata }: StoredObject): Members {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
}

const NAME = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object.',
  priority: 0,
};

function definition({ name, type, format = '', description = '', priority = 0 }: PrinterColumn): Members {
  return { name, type, format, description, priority };
}

function cell(column: PrinterColumn, object: StoredObject, unixMs: number): unknown {
  const value = column.cell(object);
  if (column.isAge ?? column.type === 'date') return value === undefined ? null : ageText(value, unixMs);
  return value ?? null;
}
