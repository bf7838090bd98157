/** What a URL path asks for. */
export type Route =
  | { readonly type: DocumentName }
  | { readonly type: 'group'; readonly group: string }
  | { readonly type: 'group-version' | 'openapi-version'; readonly apiVersion: string }
  | ResourceRoute;

type DocumentName =
  | 'root'
  | 'version'
  | 'health'
  | 'api'
  | 'groups'
  | 'openapi-v2'
  | 'openapi'
  | 'issuer'
  | 'token-keys';

export interface ResourceRoute {
  readonly type: 'resource';
  readonly apiVersion: string;
  /** Undefined: cluster-scoped, or all namespaces. */
  readonly namespace: string | undefined;
  readonly plural: string;
  /** Undefined: the collection. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** The path itself asks for a watch, as clients did before there was a parameter for it. */
  readonly watches?: true;
}

/** Reads a path below the server's root; undefined when it leads nowhere. Source: Kubernetes API concepts, "Resource URIs". */
export function parseRoute(path: string): Route | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodePart);
  const [first, ...rest] = parts;
  switch (first) {
    case undefined:
      return { type: 'root' };
    case 'version':
      return { type: 'version' };
    case 'healthz':
    case 'livez':
    case 'readyz':
      return { type: 'health' };
    case 'openapi':
      return openApiRoute(rest);
    case '.well-known':
      return rest.join('/') === 'openid-configuration' ? { type: 'issuer' } : undefined;
    case 'openid':
      return rest.join('/') === 'v1/jwks' ? { type: 'token-keys' } : undefined;
    case 'api':
      return rest.length === 0 ? { type: 'api' } : versionRoute(rest[0] ?? '', rest.slice(1));
    case 'apis': {
      const [group, version, ...more] = rest;
      if (group === undefined) return { type: 'groups' };
      return version === undefined ? { type: 'group', group } : versionRoute(`${group}/${version}`, more);
    }
    default:
      return undefined;
  }
}

function openApiRoute([version, root, ...rest]: readonly string[]): Route | undefined {
  if (version === 'v2' && root === undefined) return { type: 'openapi-v2' };
  if (version !== 'v3') return undefined;
  if (root === undefined) return { type: 'openapi' };
  return root === 'api' || root === 'apis'
    ? { type: 'openapi-version', apiVersion: rest.join('/') }
    : undefined;
}

function versionRoute(apiVersion: string, parts: readonly string[]): Route | undefined {
  if (parts.length === 0) return { type: 'group-version', apiVersion };
  if (parts[0] === 'watch' && parts.length > 1) {
    const route = versionRoute(apiVersion, parts.slice(1));
    return route?.type === 'resource' ? { ...route, watches: true } : undefined;
  }
  const scoped = parts[0] === 'namespaces' && parts.length > 2 && !isNamespaceSubresource(parts);
  const namespace = scoped ? parts[1] : undefined;
  const [plural = '', name, subresource, ...more] = scoped ? parts.slice(2) : parts;
  return more.length > 0 ? undefined : { type: 'resource', apiVersion, namespace, plural, name, subresource };
}

/** `/namespaces/x/status` is about the Namespace x, not about a resource called status. */
function isNamespaceSubresource(parts: readonly string[]): boolean {
  return parts.length === 3 && (parts[2] === 'status' || parts[2] === 'finalize');
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
