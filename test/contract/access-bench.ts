import type { KubeApi } from '../../src/kube/api.ts';
import type { Kind, KubeObject } from '../../src/kube/object.ts';
import {
  type PolicyRule,
  RBAC_GROUP,
  ROLE,
  ROLE_BINDING,
  type RoleRef,
  type Subject,
} from '../../src/kube/rbac.ts';
import type { Bench } from './kube.ts';

/** Whom every server under test must know by a token; `admin` in system:masters is known beside them. */
export const ACCESS_USERS = [
  { name: 'alice', groups: ['gardeners', 'cooks'] },
  { name: 'bob', groups: ['cooks'] },
] as const;

export type AccessUser = (typeof ACCESS_USERS)[number]['name'];

/** The server as others than its administrator meet it. */
export interface Doors {
  as(user: AccessUser): KubeApi;
  tokenOf(user: AccessUser): string;
}

export type Review = KubeObject & {
  readonly spec?: object;
  readonly status?: Readonly<Record<string, unknown>>;
};

const reviewKind = (kind: string, group: string): Kind<Review> => ({
  apiVersion: `${group}/v1`,
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced: kind.startsWith('Local'),
});
export const MAY_I = reviewKind('SelfSubjectAccessReview', 'authorization.k8s.io');
export const MAY_THEY = reviewKind('SubjectAccessReview', 'authorization.k8s.io');
export const MAY_THEY_HERE = reviewKind('LocalSubjectAccessReview', 'authorization.k8s.io');
export const WHAT_MAY_I = reviewKind('SelfSubjectRulesReview', 'authorization.k8s.io');
export const WHO_AM_I = reviewKind('SelfSubjectReview', 'authentication.k8s.io');
export const WHOSE_TOKEN = reviewKind('TokenReview', 'authentication.k8s.io');

export const ACCOUNT: Kind = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

export function ask(api: KubeApi, kind: Kind<Review>, spec?: object, namespace?: string): Promise<Review> {
  const { apiVersion, kind: name } = kind;
  const metadata = namespace === undefined ? {} : { namespace };
  return api.create(kind, { apiVersion, kind: name, metadata, ...(spec && { spec }) });
}

export const user = (name: AccessUser): Subject => ({ kind: 'User', name, apiGroup: RBAC_GROUP });
export const roleRef = (kind: RoleRef['kind'], name: string): RoleRef => ({
  apiGroup: RBAC_GROUP,
  kind,
  name,
});

/** What cases about rights begin with. */
export function accessBench(bench: Bench) {
  const role = (namespace: string, name: string, ...rules: readonly PolicyRule[]): Promise<KubeObject> =>
    bench.api.create(ROLE, {
      apiVersion: ROLE.apiVersion,
      kind: ROLE.kind,
      metadata: { namespace, name },
      rules,
    });
  const bindingOf = (namespace: string, name: string, ref: RoleRef, ...subjects: readonly Subject[]) => ({
    ...{ apiVersion: ROLE_BINDING.apiVersion, kind: ROLE_BINDING.kind, metadata: { namespace, name } },
    ...{ roleRef: ref, subjects },
  });
  const may = async (api: KubeApi, resourceAttributes: object): Promise<boolean> => {
    const { status } = await ask(api, MAY_I, { resourceAttributes });
    return status?.allowed === true;
  };
  /** Gives `subjects` the rules in a fresh namespace, and waits until the server knows. */
  const granted = async (who: AccessUser, ...rules: readonly PolicyRule[]): Promise<string> => {
    const namespace = await bench.namespace();
    await role(namespace, 'granted', ...rules);
    await bench.api.create(
      ROLE_BINDING,
      bindingOf(namespace, 'granted', roleRef('Role', 'granted'), user(who)),
    );
    const [rule] = rules;
    const [group = ''] = rule?.apiGroups ?? [];
    const [resource = '', subresource = ''] = rule?.resources?.[0]?.split('/') ?? [];
    const name = rule?.resourceNames?.[0] ?? '';
    const attributes = { namespace, verb: rule?.verbs[0], group, resource, subresource, name };
    await bench.eventually(() => may(bench.doors.as(who), attributes));
    return namespace;
  };
  return { role, bindingOf, may, granted };
}
