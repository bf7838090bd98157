import type { DeleteOptions } from '../../../src/kube/api.ts';
import { deleteCollection } from '../delete-collection.ts';
import type { EmbeddedCluster } from '../embedded-cluster.ts';
import type { Verb } from '../in-process.ts';
import type { Page } from '../reads.ts';
import type { DeleteRequest, Subresource, WriteRequest } from '../requests.ts';
import type { Served } from '../resource.ts';
import { badRequest, expired, methodNotAllowed, notServed, tooLargeVersion } from '../status-errors.ts';
import { isMembers, type Members, type StoredObject } from '../stored-object.ts';
import { negotiate, patchFormat, type Shape } from './negotiation.ts';
import type { ResourceRoute } from './route.ts';
import { deletedBody } from './status-body.ts';
import { type Included, metadataOnly, tableBody } from './table-body.ts';

/** One request on a resource, its body already read as JSON. */
export interface ResourceRequest {
  readonly method: string;
  readonly route: ResourceRoute;
  readonly query: URLSearchParams;
  readonly accept: string | undefined;
  readonly contentType: string | undefined;
  readonly body: unknown;
  readonly user: string;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
}

/** Which verb a request is. Throws MethodNotAllowed. */
export function verbOf(served: Served, { method, route, query }: ResourceRequest): Verb {
  const named = route.name !== undefined;
  switch (method) {
    case 'GET':
      if (query.get('watch') === 'true' || query.get('watch') === '1') return 'watch';
      return named ? 'get' : 'list';
    case 'POST':
      if (!named || route.subresource !== undefined) return 'create';
      break;
    case 'PUT':
      if (named) return 'replace';
      break;
    case 'PATCH':
      if (named) return 'patch';
      break;
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
  }
  throw methodNotAllowed(served.resource, method.toLowerCase());
}

/** Carries out everything but a watch. Throws KubeError. */
export function answerResource(cluster: EmbeddedCluster, served: Served, request: ResourceRequest): Answer {
  const { server, lists } = cluster;
  const { route, query, body } = request;
  const place = { namespace: route.namespace ?? '', name: route.name ?? '' };
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  const write = writeRequest(request, warn);
  const shape = negotiate(request.accept, ['object', 'table', 'metadata']);
  const one = (object: StoredObject, status = 200): Answer => {
    const { resourceVersion } = object.metadata;
    const own = route.subresource !== 'scale';
    const body = own ? shaped(cluster, served, shape, query, [object], { resourceVersion }) : undefined;
    return { status, body: body ?? object, warnings };
  };
  switch (verbOf(served, request)) {
    case 'get':
      return one(server.get(served, place, subresourceOf(route)));
    case 'list': {
      checkListVersion(query, server.store.version);
      const page = lists.list(served, listOptions(request));
      const metadata = listMeta(page);
      const list = {
        kind: served.resource.listKind,
        apiVersion: served.apiVersion,
        metadata,
        items: page.items,
      };
      return {
        status: 200,
        body: shaped(cluster, served, shape, query, page.items, metadata) ?? list,
        warnings,
      };
    }
    case 'create':
      if (route.name === undefined) return one(server.create(served, place.namespace, body, write), 201);
      if (route.subresource !== 'binding') throw methodNotAllowed(served.resource, 'create');
      server.bind(served, place, body, write);
      return { status: 201, body: SUCCESS, warnings };
    case 'replace':
      return one(server.replace(served, place, body, write));
    case 'patch': {
      const type = patchFormat(request.contentType);
      const status = type === 'apply' && !server.exists(served, place) ? 201 : 200;
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
      const page = deleteCollection(server, lists, served, listOptions(request), asked);
      const { resource } = served;
      const list = {
        kind: resource.listKind,
        apiVersion: served.apiVersion,
        metadata: listMeta(page),
        items: page.items,
      };
      return { status: 200, body: list, warnings };
    }
    default:
      throw methodNotAllowed(served.resource, 'watch');
  }
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

export function includedIn(query: URLSearchParams): Included {
  const included = query.get('includeObject');
  return included === 'None' || included === 'Object' ? included : 'Metadata';
}

const SUBRESOURCES: readonly string[] = ['status', 'scale', 'binding'] satisfies readonly Subresource[];

/** Throws NotFound for one that nothing here has. */
function subresourceOf({ subresource }: ResourceRoute): Subresource | undefined {
  if (subresource !== undefined && !SUBRESOURCES.includes(subresource)) throw notServed();
  return subresource as Subresource | undefined;
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
  const limit = wholeNumber(request.query, 'limit');
  const token = request.query.get('continue');
  return { ...selection(request), ...(limit !== undefined && { limit }), ...(token && { continue: token }) };
}

/**
 * Lists show the present, which is never older than any version a client has seen. Throws Expired when
 * exactly a past version is asked for, Timeout when one that is yet to come.
 * Source: Kubernetes API concepts, "Semantics for get and list".
 */
function checkListVersion(query: URLSearchParams, current: number): void {
  const asked = wholeNumber(query, 'resourceVersion');
  if (asked === undefined || query.get('continue')) return;
  if (asked > current) throw tooLargeVersion(asked, current);
  if (query.get('resourceVersionMatch') === 'Exact' && asked !== current) throw expired(asked, current);
}

/** Throws BadRequest when the parameter is there and not a whole number. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^\d+$/.test(text)) throw badRequest(`${name} must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}

function writeRequest({ query, route, user }: ResourceRequest, warn: (text: string) => void): WriteRequest {
  const fieldManager = query.get('fieldManager');
  const fieldValidation = query.get('fieldValidation') ?? 'Warn';
  const subresource = subresourceOf(route);
  if (fieldValidation !== 'Strict' && fieldValidation !== 'Warn' && fieldValidation !== 'Ignore')
    throw badRequest(
      `fieldValidation must be Strict, Warn or Ignore, not ${JSON.stringify(fieldValidation)}`,
    );
  return {
    user,
    warn,
    fieldValidation,
    dryRun: isDryRun(query.getAll('dryRun')),
    force: query.get('force') === 'true',
    ...(fieldManager && { fieldManager }),
    ...(subresource !== undefined && { subresource }),
  };
}

function isDryRun(values: readonly unknown[]): boolean {
  if (values.some((value) => value !== 'All')) throw badRequest('dryRun must be All');
  return values.length > 0;
}

/** Options come in the body, in the query, or both. */
function deleteRequest({ query, body, user }: ResourceRequest, warn: (text: string) => void): DeleteRequest {
  const options = isMembers(body) ? body : {};
  const policy =
    options.propagationPolicy ?? query.get('propagationPolicy') ?? legacyPolicy(options.orphanDependents);
  const grace = options.gracePeriodSeconds ?? wholeNumber(query, 'gracePeriodSeconds');
  const { uid, resourceVersion } = isMembers(options.preconditions) ? options.preconditions : {};
  if (policy !== undefined && policy !== 'Background' && policy !== 'Foreground' && policy !== 'Orphan')
    throw badRequest(
      `propagationPolicy must be Background, Foreground or Orphan, not ${JSON.stringify(policy)}`,
    );
  const preconditions: NonNullable<DeleteOptions['preconditions']> = {
    ...(typeof uid === 'string' && { uid }),
    ...(typeof resourceVersion === 'string' && { resourceVersion }),
  };
  const inBody = Array.isArray(options.dryRun) ? options.dryRun : [];
  return {
    user,
    warn,
    preconditions,
    dryRun: isDryRun([...query.getAll('dryRun'), ...inBody]),
    ...(policy !== undefined && { propagationPolicy: policy }),
    ...(typeof grace === 'number' && { gracePeriodSeconds: grace }),
  };
}

function legacyPolicy(orphanDependents: unknown): string | undefined {
  return orphanDependents === true ? 'Orphan' : orphanDependents === false ? 'Background' : undefined;
}
