import { KubeError } from '../../../src/kube/error.ts';
import type { EmbeddedCluster } from '../embedded-cluster.ts';
import type { Served } from '../resource.ts';
import { badRequest } from '../status-errors.ts';
import type { ResourceRoute } from './route.ts';

/** What a real API server passes on to a node. Source: core/v1, the connect subresources. */
const CONNECTIONS: Readonly<Record<string, readonly string[]>> = {
  pods: ['attach', 'exec', 'log', 'portforward', 'proxy'],
  services: ['proxy'],
  nodes: ['proxy'],
};

/**
 * Throws for `kubectl logs`, `exec`, `attach`, `port-forward` and the like: no process runs in a Pod here, so there is
 * nobody to connect to. NotFound and BadRequest are a real server's, the rest is our own word.
 */
export function refuseConnection({ server }: EmbeddedCluster, served: Served, route: ResourceRoute): void {
  const { group, plural } = served.resource;
  const { namespace = '', name = '', subresource = '' } = route;
  if (group !== '' || CONNECTIONS[plural]?.includes(subresource) !== true) return;
  const object = server.get(served, { namespace, name });
  const { nodeName } = (object as { spec?: { nodeName?: string } }).spec ?? {};
  if (plural === 'pods' && !nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  throw new KubeError(
    'MethodNotAllowed',
    `${plural}/${subresource} is not served: the embedded cluster runs no process and opens no connection (asked for ${name})`,
  );
}
