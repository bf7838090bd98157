import { deleteCollection } from '../delete-collection.ts';
import type { EmbeddedCluster } from '../embedded-cluster.ts';
import type { Verb } from '../in-process.ts';
import type { Page } from '../lists.ts';
import type { Subresource } from '../requests.ts';
import type { Served } from '../resource.ts';
import {
  badRequest,
  methodNotAllowed,
  methodNotOffered,
  notFound,
  notServed,
  pageNotFound,
} from '../status-errors.ts';
import type { Members, StoredObject } from '../stored-object.ts';
import { negotiate, patchFormat, type Shape } from './negotiation.ts';
import { refuseConnection } from './pod-connections.ts';
import { checkAskedVersion, exactVersion, isTrue, pageSize } from './read-options.ts';
import { deleteRequest, writeRequest } from './request-options.ts';
import type { ResourceRequest } from './resource-request.ts';
import type { ResourceRoute } from './route.ts';
import { deletedBody } from './status-body.ts';
import { type Included, metadataOnly, tableBody } from './table-body.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
}

/**
 * Which verb a request is. Throws MethodNotAllowed, or what a real server says: it routes built-in kinds
 * by method and path, and custom kinds by their own handler, which is more lenient.
 */
export function verbOf({ resource }: Served, { method, route, query }: ResourceRequest): Verb {
  const named = route.name !== undefined;
  if (resource.answer !== undefined && (method !== 'POST' || named)) throw methodNotOffered();
  const everywhere = resource.namespaced && route.namespace === undefined;
  if (method === 'GET' || method === 'HEAD') {
    if (route.watches === true) return 'watch';
    if (named) return 'get';
    return isTrue(query, 'watch') ? 'watch' : 'list';
  }
  if (everywhere) throw resource.custom ? pageNotFound() : methodNotOffered();
  switch (method) {
    case 'POST':
      if (!named || resource.custom || route.subresource !== undefined) return 'create';
      break;
    case 'PUT':
    case 'PATCH':
      if (named) return method === 'PUT' ? 'replace' : 'patch';
      if (resource.custom) throw badRequest('name must be provided');
      break;
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
  }
  throw methodNotOffered();
}

/** Carries out everything but a watch. Throws KubeError. */
export function answerResource(cluster: EmbeddedCluster, served: Served, request: ResourceRequest): Answer {
  const { server, lists } = cluster;
  const { route, query, body } = request;
  const place = { namespace: route.namespace ?? '', name: route.name ?? '' };
  refuseConnection(cluster, served, route);
  const { deprecation } = served.version;
  const warnings: string[] = deprecation === undefined ? [] : [deprecation];
  const warn = (text: string): void => void warnings.push(text);
  const shape = negotiate(request.accept, ['object', 'table', 'metadata']);
  const one = (object: StoredObject, status = 200): Answer => {
    const { resourceVersion } = object.metadata;
    const own = route.subresource !== 'scale';
    const body = own ? shaped(cluster, served, shape, query, [object], { resourceVersion }) : undefined;
    return { status, body: body ?? object, warnings };
  };
  switch (verbOf(served, request)) {
    case 'get':
      checkAskedVersion(query, server.store.version);
      return one(server.get(served, place, subresourceOf(served, route)));
    case 'list': {
      const page = lists.list(served, listOptions(request), exactVersion(query, server.store.version));
      const metadata = listMeta(served, page);
      const list = {
        kind: served.resource.listKind,
        apiVersion: served.apiVersion,
        metadata,
        items: itemsOf(served, page),
      };
      return {
        status: 200,
        body: shaped(cluster, served, shape, query, page.items, metadata) ?? list,
        warnings,
      };
    }
    case 'create':
      if (route.name !== undefined && route.subresource !== undefined && !served.resource.custom) {
        if (route.subresource === 'binding') {
          server.bind(served, place, body, writeRequest(request, 'CreateOptions', warn));
          return { status: 201, body: SUCCESS, warnings };
        }
        const write = { user: request.user.name, asker: request.user };
        const made = server.act(served, place, route.subresource, body, write);
        return { status: 201, body: made, warnings };
      }
      return one(
        server.create(served, place.namespace, body, writeRequest(request, 'CreateOptions', warn)),
        201,
      );
    case 'replace':
      return one(server.replace(served, place, body, writeRequest(request, 'UpdateOptions', warn)));
    case 'patch': {
      const type = patchFormat(request.contentType);
      const write = writeRequest(request, 'PatchOptions', warn);
      const creates = type === 'apply' && !server.exists(served, place);
      if (creates && route.subresource === undefined)
        cluster.access.demand(request.user, {
          ...{ type: 'resource', verb: 'create', subresource: '', ...place },
          ...{ group: served.resource.group, resource: served.resource.plural },
        });
      const status = creates ? 201 : 200;
      return one(server.patch(served, place, { type, body }, write), status);
    }
    case 'delete': {
      const { object, gone } = server.delete(served, place, deleteRequest(request, warn));
      return gone && served.resource.graceSeconds === undefined
        ? { status: 200, body: deletedBody(served, object), warnings }
        : one(object);
    }
    case 'deletecollection': {
      const asked = deleteRequest(request, warn);
      const version = exactVersion(query, server.store.version);
      const page = deleteCollection(server, lists, served, { ...listOptions(request), version }, asked);
      const { resource } = served;
      const list = {
        kind: resource.listKind,
        apiVersion: served.apiVersion,
        metadata: listMeta(served, page),
        items: itemsOf(served, page),
      };
      return { status: 200, body: list, warnings };
    }
    default:
      throw methodNotAllowed(served.resource, 'watch');
  }
}

/** The list says what kind its items are; only custom ones repeat it. */
function itemsOf({ resource }: Served, { items }: Page): readonly unknown[] {
  return resource.custom ? items : items.map(({ apiVersion: _a, kind: _k, ...rest }) => rest);
}

function shaped(
  cluster: EmbeddedCluster,
  served: Served,
  shape: Shape,
  query: URLSearchParams,
  objects: readonly StoredObject[],
  metadata: Members,
): Members | undefined {
  const { clock } = cluster.server;
  const unixMs = clock.epochMs + clock.nowMs;
  if (shape === 'table')
    return tableBody(served, objects, metadata, { unixMs, included: includedIn(query), withColumns: true });
  if (shape !== 'metadata') return undefined;
  const [only] = objects;
  if (
    only !== undefined &&
    objects.length === 1 &&
    metadata.resourceVersion === only.metadata.resourceVersion
  )
    return metadataOnly(only);
  const items = objects.map(metadataOnly);
  return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items };
}

/** Throws BadRequest. */
export function includedIn(query: URLSearchParams): Included {
  const included = query.get('includeObject') ?? '';
  if (included === 'None' || included === 'Object') return included;
  if (included === '' || included === 'Metadata') return 'Metadata';
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(included)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

/** Throws NotFound for one that the kind does not have. Source: apiextensions-apiserver, customresource_handler.go: to it, an unknown subresource is an object that is not there. */
function subresourceOf({ resource, version }: Served, route: ResourceRoute): Subresource | undefined {
  const { subresource, name = '' } = route;
  if (subresource === undefined || subresource === 'scale') return subresource;
  if (subresource === 'status' && version.hasStatus) return subresource;
  throw resource.custom ? notFound(resource, name) : notServed();
}

/** Source: metav1.Status. */
const SUCCESS: Members = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/** Lists of custom kinds say that they do not go on. */
function listMeta(
  { resource }: Served,
  { resourceVersion, continue: token = '', remainingItemCount }: Page,
): Members {
  return {
    resourceVersion,
    ...((token !== '' || resource.custom) && { continue: token }),
    ...(remainingItemCount && { remainingItemCount }),
  };
}

/** The selectors of a list or watch; a name in the path selects that one object. */
export function selection({ route, query }: ResourceRequest): {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
} {
  const [labels, fields] = [query.get('labelSelector'), query.get('fieldSelector')];
  const byName = route.name === undefined ? [] : [`metadata.name=${route.name}`];
  const fieldSelector = [...(fields ? [fields] : []), ...byName].join(',');
  return {
    ...(route.namespace !== undefined && { namespace: route.namespace }),
    ...(labels && { labelSelector: labels }),
    ...(fieldSelector && { fieldSelector }),
  };
}

function listOptions(request: ResourceRequest): Parameters<EmbeddedCluster['lists']['list']>[1] {
  const limit = pageSize(request.query);
  const token = request.query.get('continue');
  return { ...selection(request), ...(limit !== undefined && { limit }), ...(token && { continue: token }) };
}
