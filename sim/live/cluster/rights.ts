import { CONFIGURATION, INSTANCE } from '../../../src/kube/akri.ts';
import type { KubeApi } from '../../../src/kube/api.ts';
import { EVENT, LEASE, NAMESPACE, NODE, POD, SERVICE, SERVICE_ACCOUNT } from '../../../src/kube/core.ts';
import { DEVICE } from '../../../src/kube/device.ts';
import { FIRMWARE_ROLLOUT } from '../../../src/kube/firmware-rollout.ts';
import { FLASH_JOB } from '../../../src/kube/flash-job.ts';
import type { Kind, KubeObject } from '../../../src/kube/object.ts';
import { DEFINITION } from '../../install.ts';

interface Right {
  readonly verb: string;
  readonly kind: Kind;
  readonly subresource?: string;
}

const rights = (kind: Kind, verbs: string, subresource?: string): Right[] =>
  verbs.split(' ').map((verb) => ({ verb, kind, ...(subresource !== undefined && { subresource }) }));

/** What a run asks of a cluster that it borrows: the operator's part, the stand-ins' part, and its own. */
const NEEDED: readonly Right[] = [
  ...rights(NAMESPACE, 'get list create delete'),
  ...rights(DEFINITION, 'get create'),
  ...rights(NODE, 'get create delete'),
  ...rights(NODE, 'patch', 'status'),
  ...rights(LEASE, 'get list create patch delete'),
  ...rights(SERVICE_ACCOUNT, 'create'),
  ...rights(POD, 'get list watch create delete'),
  ...rights(POD, 'patch', 'status'),
  ...rights(POD, 'create', 'binding'),
  ...rights(SERVICE, 'get list watch create delete'),
  ...rights(EVENT, 'create patch'),
  ...[CONFIGURATION, INSTANCE, DEVICE].flatMap((kind) => rights(kind, 'get list watch create patch delete')),
  ...rights(DEVICE, 'patch', 'status'),
  ...[FLASH_JOB, FIRMWARE_ROLLOUT].flatMap((kind) => [
    ...rights(kind, 'get list watch create patch delete'),
    ...rights(kind, 'patch update', 'status'),
    ...rights(kind, 'update', 'finalizers'),
  ]),
];

interface Review extends KubeObject {
  readonly spec: { readonly resourceAttributes: Readonly<Record<string, string>> };
  readonly status?: { readonly allowed?: boolean };
}

/** Source: authorization.k8s.io/v1 SelfSubjectAccessReview; created, answered, and never kept. */
const REVIEW: Kind<Review> = {
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  namespaced: false,
};

/** The rights that a run needs and we do not have, in words: `create, delete nodes`, `patch pods/status`. Empty: all is well. */
export async function findMissingRights(kube: KubeApi): Promise<string[]> {
  const answers = await Promise.all(NEEDED.map((right) => isAllowed(kube, right)));
  const verbs = new Map<string, string[]>();
  for (const [index, right] of NEEDED.entries()) {
    if (answers[index] === true) continue;
    const { group, resource } = attributesOf(right);
    const name = [resource, right.subresource].filter(Boolean).join('/') + (group === '' ? '' : `.${group}`);
    verbs.set(name, [...(verbs.get(name) ?? []), right.verb]);
  }
  return [...verbs].map(([name, missing]) => `${missing.join(', ')} ${name}`);
}

async function isAllowed(kube: KubeApi, right: Right): Promise<boolean> {
  const { status } = await kube.create(REVIEW, {
    ...{ apiVersion: REVIEW.apiVersion, kind: REVIEW.kind, metadata: {} },
    spec: { resourceAttributes: attributesOf(right) },
  });
  return status?.allowed === true;
}

/** Source: authorization.k8s.io/v1 ResourceAttributes; without a namespace it asks for all of them, as the run's is still to be made. */
function attributesOf({ verb, kind, subresource }: Right) {
  const group = kind.apiVersion.includes('/') ? (kind.apiVersion.split('/')[0] ?? '') : '';
  return { verb, group, resource: kind.plural, ...(subresource !== undefined && { subresource }) };
}
