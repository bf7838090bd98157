import { compileSchema } from '../../../src/kube/crd-schema.ts';
import type { KubeCause } from '../../../src/kube/error.ts';
import { joinCauses } from '../../../src/kube/field-cause.ts';
import { apiVersionOf, type PrinterColumn, type Resource, type ScalePaths } from '../resource.ts';
import type { Schema } from './schema.ts';

/** Built-in kinds show everything as text, ages and numbers included. Source: kubernetes, printers/internalversion. */
function asText(column: PrinterColumn): PrinterColumn {
  return { ...column, type: 'string', isAge: column.type === 'date' };
}

/** What differs from kind to kind; the rest follows from the name. */
export interface BuiltIn extends Partial<Omit<Resource, 'group' | 'kind' | 'plural' | 'versions'>> {
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly plural: string;
  readonly description: string;
  /** Top-level members beside apiVersion, kind and metadata. */
  readonly members: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly columns?: readonly PrinterColumn[];
  readonly hasStatus?: boolean;
  readonly scale?: ScalePaths;
}

/** Makes a resource of a kind that every cluster has. Throws on a schema that does not compile: our own mistake. */
export function builtIn(definition: BuiltIn): Resource {
  const {
    group = '',
    version = 'v1',
    kind,
    plural,
    description,
    members,
    required = [],
    ...rest
  } = definition;
  const { columns = [], hasStatus = false, scale, ...rules } = rest;
  const source = { type: 'object', properties: members, required, description };
  const causes: KubeCause[] = [];
  const schema = { ...compileSchema(source, kind, causes), embeddedResource: true };
  if (causes.length > 0) throw new Error(`schema of ${kind}: ${joinCauses(causes)}`);
  return {
    listKind: `${kind}List`,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    storageVersion: apiVersionOf(group, version),
    nameRule: 'subdomain',
    hasGeneration: false,
    allowsUnconditionalUpdate: true,
    custom: false,
    ...rules,
    group,
    kind,
    plural,
    versions: [
      {
        name: version,
        served: true,
        schema,
        openApi: source,
        hasStatus,
        columns: columns.map(asText),
        ...(scale && { scale }),
      },
    ],
  };
}
