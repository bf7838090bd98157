import { INSTANCE } from '../src/kube/akri.ts';
import { EVENT, LEASE, POD, SERVICE } from '../src/kube/core.ts';
import { DEVICE } from '../src/kube/device.ts';
import { FIRMWARE_ROLLOUT } from '../src/kube/firmware-rollout.ts';
import { FLASH_JOB } from '../src/kube/flash-job.ts';
import type { Kind, KubeObject, NewObject } from '../src/kube/object.ts';
import { type PolicyRule, RBAC_GROUP, type RoleBinding, type RoleRef } from '../src/kube/rbac.ts';

/** A ServiceAccount by where it is. */
export interface Account {
  readonly namespace: string;
  readonly name: string;
}

export const OPERATOR_ACCOUNT: Account = { namespace: 'brickproof', name: 'brickproof-operator' };

/** Name of the account under which agents run, in the namespace of their FlashJob. */
export const AGENT_ACCOUNT_NAME = 'brickproof-flash-agent';

/** In the whole cluster, because devices and jobs may be in any namespace. */
const OPERATOR_RULES: readonly PolicyRule[] = [
  allow(INSTANCE, 'list', 'watch'),
  allow(DEVICE, 'list', 'watch', 'create', 'patch'),
  allow([DEVICE, 'status'], 'patch'),
  allow(FIRMWARE_ROLLOUT, 'list', 'watch'),
  allow([FIRMWARE_ROLLOUT, 'status'], 'update'),
  // Owner references that block deletion ask for this where the admission plugin is on.
  allow([FIRMWARE_ROLLOUT, 'finalizers'], 'update'),
  allow(FLASH_JOB, 'list', 'watch', 'create', 'patch'),
  allow([FLASH_JOB, 'status'], 'update'),
  allow([FLASH_JOB, 'finalizers'], 'update'),
  allow(POD, 'get', 'list', 'watch', 'create', 'delete'),
  allow(SERVICE, 'get', 'list', 'watch', 'create', 'delete'),
  allow(EVENT, 'create', 'patch'),
];

/** In its own namespace only: the Lease that says who works. */
const ELECTION_RULES: readonly PolicyRule[] = [allow(LEASE, 'get', 'create', 'update')];

const AGENT_RULES: readonly PolicyRule[] = [
  allow(DEVICE, 'get'),
  allow([DEVICE, 'status'], 'patch'),
  allow(FLASH_JOB, 'get', 'list', 'watch'),
  allow([FLASH_JOB, 'status'], 'patch'),
];

/** The operator's namespace, its account, and no more rights than it uses; in the order to create them. */
export const OPERATOR_ACCESS: readonly NewObject<KubeObject>[] = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: OPERATOR_ACCOUNT.namespace } },
  serviceAccount(OPERATOR_ACCOUNT),
  ...grant('ClusterRole', OPERATOR_ACCOUNT, OPERATOR_RULES),
  ...grant('Role', OPERATOR_ACCOUNT, ELECTION_RULES),
];

/** The agents' account and rights in a namespace that has FlashJobs; in the order to create them. */
export function agentAccess(namespace: string): readonly NewObject<KubeObject>[] {
  const account = { namespace, name: AGENT_ACCOUNT_NAME };
  return [serviceAccount(account), ...grant('Role', account, AGENT_RULES)];
}

/** A role and its binding, both named after the account that they are for. */
export function grant(
  kind: RoleRef['kind'],
  account: Account,
  rules: readonly PolicyRule[],
): readonly NewObject<KubeObject>[] {
  const { name, namespace } = account;
  const apiVersion = `${RBAC_GROUP}/v1`;
  const metadata = kind === 'Role' ? { name, namespace } : { name };
  const role = { apiVersion, kind, metadata, rules };
  const binding: NewObject<RoleBinding> = {
    ...{ apiVersion, kind: `${kind}Binding`, metadata },
    roleRef: { apiGroup: RBAC_GROUP, kind, name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  };
  return [role, binding];
}

export function serviceAccount(account: Account): NewObject<KubeObject> {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...account } };
}

/** `verbs` on the objects of a kind, or on one of its subresources. */
export function allow(on: Kind | readonly [Kind, string], ...verbs: readonly string[]): PolicyRule {
  const [kind, subresource] = 'plural' in on ? [on, ''] : on;
  const slash = kind.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : kind.apiVersion.slice(0, slash);
  const resource = subresource === '' ? kind.plural : `${kind.plural}/${subresource}`;
  return { apiGroups: [group], resources: [resource], verbs };
}
