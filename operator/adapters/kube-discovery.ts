import type { Kind } from '../../src/kube/object.ts';

interface ApiGroupList {
  readonly groups?: readonly { readonly preferredVersion?: { readonly groupVersion?: string } }[];
}

interface ApiResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

/**
 * Every kind whose objects can be deleted together, in its preferred version, as the server's discovery
 * documents name them. Source: Kubernetes documentation, "Kubernetes API", unaggregated discovery.
 *
 * A group whose documents fail (an aggregated server that is down) is left out, as kubectl leaves it out.
 */
export async function discoverKinds(read: (path: string) => Promise<unknown>): Promise<Kind[]> {
  const { groups = [] } = (await read('/apis')) as ApiGroupList;
  const versions = groups.flatMap(({ preferredVersion }) => preferredVersion?.groupVersion ?? []);
  const places = [
    { apiVersion: 'v1', path: '/api/v1' },
    ...versions.map((version) => ({ apiVersion: version, path: `/apis/${version}` })),
  ];
  const found = await Promise.all(
    places.map(async ({ apiVersion, path }): Promise<Kind[]> => {
      const { resources = [] } = (await read(path).catch(() => ({}))) as ApiResourceList;
      return resources
        .filter(({ name, verbs }) => !name.includes('/') && verbs.includes('deletecollection'))
        .map(({ name, kind, namespaced }) => ({ apiVersion, kind, plural: name, namespaced }));
    }),
  );
  return found.flat();
}
