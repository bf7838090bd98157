import { deleteCollection } from '../delete-collection.ts';
import type { EmbeddedCluster } from '../embedded-cluster.ts';
import type { Verb } from '../in-process.ts';
import type { Page } from '../lists.ts';
import type { Subresource } from '../requests.ts';
import type { Served } from '../resource.ts';
import {
  badRequest,
  isAList,
  methodNotAllowed,
  methodNotOffered,
  notAList,
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
  const shape = negotiate(request.accept, ['object', 'table', 'metadata', 'metadata-list']);
  const look = { shape, query, unixMs: server.clock.epochMs + server.clock.nowMs };
  const one = (object: StoredObject, status = 200): Answer => {
    const own = route.subresource !== 'scale';
    return { status, body: own ? shapedOne(served, object, look) : object, warnings };
  };
  switch (verbOf(served, request)) {
    case 'get':
      checkAskedVersion(query, server.store.version);
      return one(server.get(served, place, subresourceOf(served, route)));
    case 'list': {
      const page = lists.list(served, listOptions(request), exactVersion(query, server.store.version));
      return { status: 200, body: shapedList(served, page, look), warnings };
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
      return { status: 200, body: shapedList(served, page, look), warnings };
    }
    default:
      throw methodNotAllowed(served.resource, 'watch');
  }
}

/** The list says what kind its items are; only custom ones repeat it. */
function itemsOf({ resource }: Served, { items }: Page): readonly unknown[] {
  return resource.custom ? items : items.map(({ apiVersion: _a, kind: _k, ...rest }) => rest);
}

interface Look {
  readonly shape: Shape;
  readonly unixMs: number;
  readonly query: URLSearchParams;
}

/** Throws NotAcceptable when a list was asked for. */
function shapedOne(served: Served, object: StoredObject, { shape, query, unixMs }: Look): unknown {
  if (shape === 'metadata') return metadataOnly(object);
  if (shape === 'metadata-list') throw notAList(served.resource);
  if (shape !== 'table') return object;
  const { resourceVersion } = object.metadata;
  const options = { unixMs, included: includedIn(query), withColumns: true };
  return tableBody(served, [object], { resourceVersion }, options);
}

/** Throws NotAcceptable when one object was asked for. */
function shapedList(served: Served, page: Page, { shape, query, unixMs }: Look): unknown {
  const { resource, apiVersion } = served;
  if (shape === 'metadata') throw isAList(resource);
  const metadata = listMeta(page);
  if (shape === 'table')
    return tableBody(served, page.items, metadata, {
      unixMs,
      included: includedIn(query),
      withColumns: true,
    });
  if (shape === 'metadata-list') {
    const items = page.items.map(metadataOnly);
    return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items };
  }
  // Lists of custom kinds say that they do not go on.
  const whole = resource.custom ? { continue: '', ...metadata } : metadata;
  return { kind: resource.listKind, apiVersion, metadata: whole, items: itemsOf(served, page) };
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

function listMeta({ resourceVersion, continue: token, remainingItemCount }: Page): Members {
  return {
    resourceVersion,
    ...(token && { continue: token }),
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
