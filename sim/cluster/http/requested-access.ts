import type { Access } from '../auth/access.ts';
import { splitApiVersion } from '../resource.ts';
import { selectedName } from '../selector.ts';
import { isTrue } from './read-options.ts';
import type { Route } from './route.ts';

const RULE_VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/**
 * What a request wants to do, as rules speak of it; whether there is such a resource does not matter here,
 * so that who may not ask does not learn. Source: k8s.io/apiserver, endpoints/request/requestinfo.go.
 */
export function requestedAccess(method: string, url: URL, route: Route | undefined): Access {
  if (route?.type !== 'resource') return { type: 'path', verb: method.toLowerCase(), path: url.pathname };
  const { apiVersion, plural, subresource = '', watches = false } = route;
  const isNamespace = apiVersion === 'v1' && plural === 'namespaces';
  const namespace = isNamespace ? route.name : route.namespace;
  const verb = watches ? 'watch' : (RULE_VERBS[method] ?? method.toLowerCase());
  return {
    type: 'resource',
    group: splitApiVersion(apiVersion).group,
    resource: plural,
    subresource,
    namespace: namespace ?? '',
    ...(route.name === undefined ? onCollection(verb, url) : { verb, name: route.name }),
  };
}

/** Who selects one object by its name needs no right to the others. */
function onCollection(verb: string, { searchParams }: URL): { readonly verb: string; readonly name: string } {
  if (verb === 'delete') return { verb: 'deletecollection', name: '' };
  if (verb !== 'get' && verb !== 'watch') return { verb, name: '' };
  const name = selectedName(searchParams.get('fieldSelector') ?? undefined) ?? '';
  return { verb: verb === 'watch' || isTrue(searchParams, 'watch') ? 'watch' : 'list', name };
}
