import type { ListOptions } from '../../src/kube/api.ts';
import { isKubeError } from '../../src/kube/error.ts';
import type { ApiServer } from './api-server.ts';
import type { Lists, Page } from './lists.ts';
import type { DeleteRequest } from './requests.ts';
import type { Served } from './resource.ts';

/**
 * Deletes what a list selects, one page of it when `limit` is given, each object by itself; returns that
 * list. Whoever is gone already does not count. Throws KubeError.
 */
export function deleteCollection(
  server: ApiServer,
  lists: Lists,
  served: Served,
  { version, ...selection }: ListOptions & { readonly version?: number | undefined },
  request: DeleteRequest,
): Page {
  const page = lists.list(served, selection, version);
  for (const { metadata } of page.items) {
    try {
      server.delete(served, { namespace: metadata.namespace ?? '', name: metadata.name }, request);
    } catch (error) {
      if (!isKubeError(error, 'NotFound')) throw error;
    }
  }
  return page;
}
