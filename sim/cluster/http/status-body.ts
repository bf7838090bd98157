import type { KubeCause, KubeError } from '../../../src/kube/error.ts';
import type { Served } from '../resource.ts';
import type { Members, StoredObject } from '../stored-object.ts';

/** A refusal as clients read it. Source: metav1.Status. */
export function failureBody(error: KubeError): Members {
  const { name, group, kind, uid, causes, retryAfterSeconds, continue: token } = error.details;
  const details = {
    ...(name && { name }),
    ...(group && { group }),
    ...(kind && { kind }),
    ...(uid && { uid }),
    ...(causes && causes.length > 0 && { causes: causes.map(causeBody) }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: { ...(token && { continue: token }) },
    status: 'Failure',
    message: error.message,
    reason: error.reason,
    ...(Object.keys(details).length > 0 && { details }),
    code: error.code,
  };
}

function causeBody({ reason, message, field }: KubeCause): Members {
  return { reason, message, ...(field && { field }) };
}

/** What a deletion that is complete answers. */
export function deletedBody({ resource }: Served, { metadata }: StoredObject): Members {
  const { group, plural } = resource;
  const details = { name: metadata.name, ...(group && { group }), kind: plural, uid: metadata.uid };
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}
