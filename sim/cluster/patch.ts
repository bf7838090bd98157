import type { PatchKind } from '../../src/kube/api.ts';
import { KubeError } from '../../src/kube/error.ts';
import { unmarshalError } from './decode-errors.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import type { Served } from './resource.ts';
import { badRequest } from './status-errors.ts';
import { isMembers, type StoredObject } from './stored-object.ts';
import { strategicMergePatch } from './strategic-merge-patch.ts';

export interface Patch {
  /** `strategic` is for built-in kinds only. */
  readonly type: PatchKind | 'strategic';
  readonly body: unknown;
}

/** The object that a patch makes of `current`. Throws KubeError when the patch does not fit. */
export function patched(
  served: Served,
  current: StoredObject,
  patch: { readonly type: Exclude<Patch['type'], 'apply'>; readonly body: unknown },
): unknown {
  switch (patch.type) {
    case 'merge':
      if (!isMembers(patch.body)) throw notAnObject(patch.body, 'error decoding patch: ');
      return mergePatch(current, patch.body);
    case 'json':
      return jsonPatch(current, patch.body);
    case 'strategic':
      if (served.resource.custom)
        throw new KubeError(
          'UnsupportedMediaType',
          'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
        );
      if (!isMembers(patch.body)) throw notAnObject(patch.body, '');
      return strategicMergePatch(current, patch.body, served.version.openApi);
  }
}

function notAnObject(body: unknown, prefix: string): KubeError {
  return badRequest(`${prefix}${unmarshalError(body, 'value', 'map[string]interface {}')}`);
}
