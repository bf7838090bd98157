import { KubeError } from '../../../src/kube/error.ts';
import type { ResourceAccess } from '../auth/access.ts';
import type { ClusterAccess } from '../auth/cluster-access.ts';
import {
  ANONYMOUS,
  AUTHENTICATED,
  serviceAccountOf,
  serviceAccountUser,
  UNAUTHENTICATED,
  type UserInfo,
} from '../auth/user.ts';

const EXTRA_PREFIX = 'impersonate-extra-';

/** Headers with every value they were sent with, by their names in lower case. */
type Headers = NodeJS.Dict<readonly string[]>;

/**
 * The user whom a request wants to be made as, or `user` when it wants none. Throws Forbidden when `user`
 * may not impersonate one of name, groups, uid and extra.
 * Source: k8s.io/apiserver, endpoints/filters/impersonation.go (v0.32).
 */
export function impersonated(access: ClusterAccess, user: UserInfo, headers: Headers): UserInfo {
  const name = headers['impersonate-user']?.[0] ?? '';
  const groups = headers['impersonate-group'] ?? [];
  const uid = headers['impersonate-uid']?.[0] ?? '';
  const extra = extraIn(headers);
  if (name === '') {
    if (groups.length === 0 && uid === '' && extra.length === 0) return user;
    throw new KubeError('InternalError', 'requested groups, uid or extra without impersonating a user');
  }
  const demand = (resource: string, object: string, more: Partial<ResourceAccess> = {}): void =>
    access.demand(user, {
      ...{ type: 'resource', verb: 'impersonate', group: '', subresource: '', namespace: '' },
      ...{ resource, name: object, ...more },
    });
  const account = serviceAccountOf(name);
  if (account === undefined) demand('users', name);
  else demand('serviceaccounts', account.name, { namespace: account.namespace });
  for (const group of groups) demand('groups', group);
  const group = 'authentication.k8s.io';
  for (const { key, value } of extra) demand('userextras', value, { group, subresource: key });
  if (uid !== '') demand('uids', uid, { group });

  const given =
    groups.length > 0 || account === undefined
      ? groups
      : serviceAccountUser(account.namespace, account.name).groups;
  const values = Object.groupBy(extra, ({ key }) => key);
  return {
    name,
    ...(uid && { uid }),
    groups: withCommonGroup(name, given),
    ...(extra.length > 0 && {
      extra: Object.fromEntries(
        Object.entries(values).map(([key, list = []]) => [key, list.map(({ value }) => value)]),
      ),
    }),
  };
}

function withCommonGroup(name: string, groups: readonly string[]): readonly string[] {
  const isThere = groups.includes(UNAUTHENTICATED);
  if (name === ANONYMOUS.name) return isThere ? groups : [...groups, UNAUTHENTICATED];
  return isThere || groups.includes(AUTHENTICATED) ? groups : [...groups, AUTHENTICATED];
}

function extraIn(headers: Headers): readonly { readonly key: string; readonly value: string }[] {
  return Object.entries(headers).flatMap(([header, values = []]) =>
    header.startsWith(EXTRA_PREFIX)
      ? values.map((value) => ({ key: decoded(header.slice(EXTRA_PREFIX.length)), value }))
      : [],
  );
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
