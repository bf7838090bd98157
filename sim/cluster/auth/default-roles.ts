import type { NewObject } from '../../../src/kube/object.ts';
import {
  type ClusterRole,
  type PolicyRule,
  RBAC_GROUP,
  type RoleBinding,
  type Subject,
} from '../../../src/kube/rbac.ts';
import { AUTHENTICATED, MASTERS, UNAUTHENTICATED } from './user.ts';

/*
 * The roles that every cluster begins with, so far as this one serves what they speak of.
 * Source: kubernetes, plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go (v1.32).
 */

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];

const on = (group: string, resources: readonly string[], ...verbs: readonly string[]): PolicyRule => ({
  apiGroups: [group],
  resources,
  verbs,
});
const at = (...nonResourceURLs: readonly string[]): PolicyRule => ({ nonResourceURLs, verbs: ['get'] });

const HEALTH = ['/healthz', '/livez', '/readyz'];
const WORKLOADS = ['daemonsets', 'deployments', 'deployments/scale', 'replicasets', 'replicasets/scale'];
const AGGREGATE = `${RBAC_GROUP}/aggregate-to-`;

/** Sources of `admin`, `edit` and `view`: rules for what lives in a namespace. */
const AGGREGATED: Readonly<Record<'admin' | 'edit' | 'view', readonly PolicyRule[]>> = {
  admin: [
    on('authorization.k8s.io', ['localsubjectaccessreviews'], 'create'),
    on(RBAC_GROUP, ['roles', 'rolebindings'], ...READ, ...WRITE),
  ],
  edit: [
    on('', ['secrets'], ...READ),
    on('', ['serviceaccounts'], 'impersonate'),
    on('', ['pods'], ...WRITE),
    on('', ['configmaps', 'events', 'secrets', 'serviceaccounts', 'services'], ...WRITE),
    on('', ['serviceaccounts/token'], 'create'),
    on('apps', WORKLOADS, ...WRITE),
    on('batch', ['cronjobs', 'jobs'], ...WRITE),
    on('coordination.k8s.io', ['leases'], ...READ, ...WRITE),
  ],
  view: [
    on('', ['configmaps', 'pods', 'serviceaccounts', 'services', 'services/status'], ...READ),
    on('', ['events', 'namespaces/status', 'pods/log', 'pods/status'], ...READ),
    on('', ['namespaces'], ...READ),
    on('apps', [...WORKLOADS, 'daemonsets/status', 'deployments/status', 'replicasets/status'], ...READ),
    on('batch', ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'], ...READ),
  ],
};

const RULES: Readonly<Record<string, readonly PolicyRule[]>> = {
  'cluster-admin': [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ],
  'system:discovery': [
    at(...HEALTH, '/version', '/version/', '/openapi', '/openapi/*', '/api', '/api/*', '/apis', '/apis/*'),
  ],
  'system:basic-user': [
    on('authorization.k8s.io', ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], 'create'),
    on('authentication.k8s.io', ['selfsubjectreviews'], 'create'),
  ],
  'system:public-info-viewer': [at(...HEALTH, '/version', '/version/')],
  'system:auth-delegator': [
    on('authentication.k8s.io', ['tokenreviews'], 'create'),
    on('authorization.k8s.io', ['subjectaccessreviews'], 'create'),
  ],
  'system:service-account-issuer-discovery': [at('/.well-known/openid-configuration', '/openid/v1/jwks')],
};

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'cluster-admin': [MASTERS],
  'system:discovery': [AUTHENTICATED],
  'system:basic-user': [AUTHENTICATED],
  'system:public-info-viewer': [AUTHENTICATED, UNAUTHENTICATED],
  'system:service-account-issuer-discovery': ['system:serviceaccounts'],
};

export function defaultClusterRoles(): readonly NewObject<ClusterRole>[] {
  const sources = Object.entries(AGGREGATED).map(([name, rules]) =>
    role(`system:aggregate-to-${name}`, rules, { [`${AGGREGATE}${name}`]: 'true' }),
  );
  const nested = { admin: undefined, edit: 'admin', view: 'edit' };
  // A role comes after those that it is made of.
  const gathered = (['view', 'edit', 'admin'] as const).map((name) => {
    const into = nested[name];
    const labels = into === undefined ? {} : { [`${AGGREGATE}${into}`]: 'true' };
    const clusterRoleSelectors = [{ matchLabels: { [`${AGGREGATE}${name}`]: 'true' } }];
    return { ...role(name, [], labels), aggregationRule: { clusterRoleSelectors } };
  });
  return [...Object.entries(RULES).map(([name, rules]) => role(name, rules)), ...sources, ...gathered];
}

export function defaultClusterRoleBindings(): readonly NewObject<RoleBinding>[] {
  return Object.entries(GROUPS).map(([name, groups]) => ({
    apiVersion: `${RBAC_GROUP}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: metaOf(name),
    roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name },
    subjects: groups.map((group): Subject => ({ apiGroup: RBAC_GROUP, kind: 'Group', name: group })),
  }));
}

function role(
  name: string,
  rules: readonly PolicyRule[],
  labels: Readonly<Record<string, string>> = {},
): NewObject<ClusterRole> {
  return { apiVersion: `${RBAC_GROUP}/v1`, kind: 'ClusterRole', metadata: metaOf(name, labels), rules };
}

function metaOf(
  name: string,
  labels: Readonly<Record<string, string>> = {},
): NewObject<ClusterRole>['metadata'] {
  return {
    name,
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { [`${RBAC_GROUP}/autoupdate`]: 'true' },
  };
}
