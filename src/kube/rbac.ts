import type { Kind, KubeObject } from './object.ts';

/** The API group of roles and bindings. */
export const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** What may be done; rules only ever add up. Source: rbac/v1 PolicyRule. */
export interface PolicyRule {
  /** `*` is every verb. */
  readonly verbs: readonly string[];
  /** `''` is the core group, `*` every group. */
  readonly apiGroups?: readonly string[];
  /** `pods`, `pods/status`, or `*` with any part before the slash. */
  readonly resources?: readonly string[];
  /** Absent or empty: objects of any name. */
  readonly resourceNames?: readonly string[];
  /** Paths that are no resources; a `*` at the end is any ending. Only in ClusterRoles. */
  readonly nonResourceURLs?: readonly string[];
}

/** Source: rbac/v1 Subject. */
export interface Subject {
  readonly kind: 'User' | 'Group' | 'ServiceAccount';
  readonly name: string;
  /** Of ServiceAccounts only. */
  readonly namespace?: string;
  readonly apiGroup?: string;
}

/** Source: rbac/v1 RoleRef. */
export interface RoleRef {
  readonly apiGroup: string;
  readonly kind: 'Role' | 'ClusterRole';
  readonly name: string;
}

/** Source: metav1.LabelSelector. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values?: readonly string[];
  }[];
}

export interface Role extends KubeObject {
  readonly rules?: readonly PolicyRule[];
}

export interface ClusterRole extends Role {
  /** Present: the rules are those of every ClusterRole that one of the selectors fits. */
  readonly aggregationRule?: { readonly clusterRoleSelectors?: readonly LabelSelector[] };
}

export interface RoleBinding extends KubeObject {
  readonly subjects?: readonly Subject[];
  readonly roleRef: RoleRef;
}

const kindOf = <T extends KubeObject>(kind: string, namespaced: boolean): Kind<T> => ({
  apiVersion: `${RBAC_GROUP}/v1`,
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced,
});

export const ROLE: Kind<Role> = kindOf('Role', true);
export const ROLE_BINDING: Kind<RoleBinding> = kindOf('RoleBinding', true);
export const CLUSTER_ROLE: Kind<ClusterRole> = kindOf('ClusterRole', false);
export const CLUSTER_ROLE_BINDING: Kind<RoleBinding> = kindOf('ClusterRoleBinding', false);
