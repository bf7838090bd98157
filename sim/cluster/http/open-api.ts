import type { Catalog } from '../catalog.ts';
import { type Served, splitApiVersion } from '../resource.ts';
import { notServed } from '../status-errors.ts';
import { isMembers, type Members } from '../stored-object.ts';

/** Where the document of each group version is. Source: OpenAPI v3 discovery of a Kubernetes server. */
export function openApiRoot(catalog: Catalog): Members {
  const versions = [...new Set(catalog.allServed().map(({ apiVersion }) => apiVersion))].sort();
  const paths = versions.map((apiVersion) => {
    const path = `${rootOf(apiVersion)}/${apiVersion}`;
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${catalog.revision}` }];
  });
  return { paths: Object.fromEntries(paths) };
}

/**
 * The OpenAPI v3 document of one group version: the schemas that `kubectl explain` shows, and as much of
 * the paths as tells kubectl that the server itself checks fields and which patches it takes.
 * Throws NotFound.
 */
export function openApiVersion(catalog: Catalog, apiVersion: string): Members {
  const served = catalog.allServed().filter((one) => one.apiVersion === apiVersion);
  if (served.length === 0) throw notServed();
  return {
    openapi: '3.0.0',
    info: { title: 'brickproof embedded cluster', version: 'v1.32.0' },
    paths: Object.fromEntries(served.map((one) => [objectPath(one), operations(one)])),
    components: {
      schemas: {
        [OBJECT_META]: META_SCHEMA,
        ...Object.fromEntries(served.map((one) => [schemaName(one), schemaOf(one)])),
      },
    },
  };
}

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

const textMap = { type: 'object', additionalProperties: { type: 'string' } };
const META_SCHEMA: Members = {
  description: 'What every object has: its names, labels, owners and versions.',
  type: 'object',
  properties: {
    name: { type: 'string', description: 'Unique among the objects of its kind in its namespace.' },
    generateName: { type: 'string', description: 'Beginning of a name that the server completes.' },
    namespace: { type: 'string', description: 'Where the name is unique.' },
    uid: { type: 'string', description: 'Unique in space and time; given by the server.' },
    resourceVersion: { type: 'string', description: 'Changes with every write.' },
    generation: { type: 'integer', format: 'int64', description: 'Counts changes of the desired state.' },
    creationTimestamp: { type: 'string', format: 'date-time' },
    deletionTimestamp: { type: 'string', format: 'date-time' },
    deletionGracePeriodSeconds: { type: 'integer', format: 'int64' },
    labels: { ...textMap, description: 'Keys and values to select objects by.' },
    annotations: { ...textMap, description: 'Keys and values that nobody selects by.' },
    finalizers: {
      type: 'array',
      items: { type: 'string' },
      'x-kubernetes-list-type': 'set',
      'x-kubernetes-patch-strategy': 'merge',
    },
    ownerReferences: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['uid'],
      'x-kubernetes-patch-merge-key': 'uid',
      'x-kubernetes-patch-strategy': 'merge',
      items: {
        type: 'object',
        required: ['apiVersion', 'kind', 'name', 'uid'],
        properties: {
          apiVersion: { type: 'string' },
          kind: { type: 'string' },
          name: { type: 'string' },
          uid: { type: 'string' },
          controller: { type: 'boolean' },
          blockOwnerDeletion: { type: 'boolean' },
        },
      },
    },
    managedFields: { type: 'array', items: { type: 'object' } },
  },
};

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? 'apis' : 'api';
}

function schemaName({ resource, version, apiVersion }: Served): string {
  const { group } = splitApiVersion(apiVersion);
  const reversed = group === '' ? 'io.k8s.api.core' : group.split('.').reverse().join('.');
  return `${reversed}.${version.name}.${resource.kind}`;
}

function schemaOf(served: Served): Members {
  const { openApi } = served.version;
  const properties = isMembers(openApi.properties) ? openApi.properties : {};
  return {
    ...openApi,
    properties: {
      apiVersion: { type: 'string', description: 'The version of the schema of this object.' },
      kind: { type: 'string', description: 'The kind of this object.' },
      metadata: {
        description: 'Standard metadata.',
        allOf: [{ $ref: `#/components/schemas/${OBJECT_META}` }],
        default: {},
      },
      ...properties,
    },
    'x-kubernetes-group-version-kind': [kindOf(served)],
  };
}

function kindOf({ resource, version, apiVersion }: Served): Members {
  return { group: splitApiVersion(apiVersion).group, kind: resource.kind, version: version.name };
}

function objectPath({ resource, apiVersion }: Served): string {
  const scope = resource.namespaced ? '/namespaces/{namespace}' : '';
  return `/${rootOf(apiVersion)}/${apiVersion}${scope}/${resource.plural}/{name}`;
}

function operations(served: Served): Members {
  const content = { schema: { $ref: `#/components/schemas/${schemaName(served)}` } };
  const query = (name: string): Members => ({
    name,
    in: 'query',
    schema: { type: 'string', uniqueItems: true },
  });
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation'].map(query);
  const responses = { 200: { description: 'OK', content: { 'application/json': content } } };
  const operation = (action: string, more: Members = {}): Members => ({
    responses,
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kindOf(served),
    ...more,
  });
  const patches = [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/apply-patch+yaml',
    ...(served.resource.custom ? [] : ['application/strategic-merge-patch+json']),
  ];
  const patchBody = Object.fromEntries(patches.map((type) => [type, { schema: { type: 'object' } }]));
  return {
    get: operation('get'),
    put: operation('put', { parameters, requestBody: { content: { 'application/json': content } } }),
    patch: operation('patch', {
      parameters: [...parameters, query('force')],
      requestBody: { content: patchBody },
    }),
    delete: operation('delete', { parameters: [query('dryRun')] }),
  };
}
