import type { KubeApi, Selection } from '../../src/kube/api.ts';
import { isKubeError } from '../../src/kube/error.ts';
import { type Kind, type KubeObject, keyOf, keyText } from '../../src/kube/object.ts';

/** All objects of a kind at one version. */
export interface Listed<T extends KubeObject> {
  /** By `namespace/name`. */
  readonly objects: ReadonlyMap<string, T>;
  readonly version: string;
}

/**
 * Reads a list page by page. When the server has forgotten the list before its last page, everything is asked
 * for at once: that cannot expire half-way. Rejects with KubeError.
 */
export async function listPages<T extends KubeObject>(
  kube: KubeApi,
  kind: Kind<T>,
  scope: Selection,
  pageSize: number,
): Promise<Listed<T>> {
  const objects = new Map<string, T>();
  const first = await kube.list(kind, { ...scope, limit: pageSize });
  for (let page = first; ; ) {
    for (const object of page.items) objects.set(keyText(keyOf(object)), object);
    if (!page.continue) return { objects, version: first.resourceVersion };
    try {
      page = await kube.list(kind, { ...scope, limit: pageSize, continue: page.continue });
    } catch (error) {
      if (!isKubeError(error, 'Expired', 'Gone')) throw error;
      const whole = await kube.list(kind, scope);
      return {
        objects: new Map(whole.items.map((object) => [keyText(keyOf(object)), object])),
        version: whole.resourceVersion,
      };
    }
  }
}
