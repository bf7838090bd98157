import { ISSUER } from '../auth/service-account-tokens.ts';
import type { Catalog } from '../catalog.ts';
import type { EmbeddedCluster } from '../embedded-cluster.ts';
import { Discovery } from './discovery.ts';
import type { Document } from './document.ts';
import { negotiate } from './negotiation.ts';
import { openApiRoot, openApiVersion } from './open-api.ts';
import { openApiV2 } from './open-api-v2.ts';
import type { ResourceRoute, Route } from './route.ts';

/** The Kubernetes version whose behaviour this server follows. */
const VERSION = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0+brickproof',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: '',
};

/** What the server says about itself. Throws KubeError. */
export function documentAt(
  { access, server }: EmbeddedCluster,
  route: Exclude<Route, ResourceRoute>,
  accept: string | undefined,
): Document {
  const { catalog } = server;
  const discovery = new Discovery(catalog);
  switch (route.type) {
    case 'root':
      return json({ paths: rootPaths(catalog) });
    case 'version':
      return json(VERSION);
    case 'health':
      return { body: 'ok', contentType: 'text/plain; charset=utf-8' };
    case 'api':
      return discoveryAt(discovery, 'api', accept);
    case 'groups':
      return discoveryAt(discovery, 'apis', accept);
    case 'group':
      return json(discovery.group(route.group));
    case 'group-version':
      return json(discovery.resources(route.apiVersion));
    case 'issuer':
      return json({
        issuer: ISSUER,
        jwks_uri: `${ISSUER}/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      });
    case 'token-keys':
      return { body: JSON.stringify(access.tokens.keySet()), contentType: 'application/jwk-set+json' };
    case 'openapi-v2':
      return openApiV2(VERSION.gitVersion, accept);
    case 'openapi':
      return json(openApiRoot(catalog));
    case 'openapi-version':
      return json(openApiVersion(catalog, route.apiVersion));
  }
}

/** Source: apiserver, server/routes/index.go. */
function rootPaths(catalog: Catalog): readonly string[] {
  const versions = catalog.allServed().map(({ apiVersion }) => apiVersion);
  const groups = versions.flatMap((one) =>
    one.includes('/') ? [`/apis/${one}`, `/apis/${one.split('/')[0]}`] : [`/api/${one}`],
  );
  const others = ['/api', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'];
  const identity = ['/.well-known/openid-configuration', '/openid/v1/jwks'];
  return [...new Set([...others, ...identity, ...groups])].toSorted();
}

function discoveryAt(discovery: Discovery, root: 'api' | 'apis', accept: string | undefined): Document {
  const shape = negotiate(accept, ['discovery-v2', 'discovery-v2beta1', 'object']);
  if (shape === 'object') return json(root === 'api' ? discovery.coreVersions() : discovery.groups());
  const version = shape === 'discovery-v2' ? 'v2' : 'v2beta1';
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  return { body: discovery.aggregated(root, version), contentType };
}

function json(body: unknown): Document {
  return { body, contentType: 'application/json' };
}
