/** Who makes a request. Source: k8s.io/apiserver, authentication/user.Info. */
export interface UserInfo {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** Its members may do everything, whatever the roles say. */
export const MASTERS = 'system:masters';
export const AUTHENTICATED = 'system:authenticated';
export const UNAUTHENTICATED = 'system:unauthenticated';

/** Key of `extra` under which the server says by which credential somebody came. */
export const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';

/** Who shows no credentials where access is restricted. */
export const ANONYMOUS: UserInfo = { name: 'system:anonymous', groups: [UNAUTHENTICATED] };

/** Somebody whom nothing is refused: the server's own parts, and people while access is not restricted. */
export function trustedUser(name: string): UserInfo {
  return { name, groups: [MASTERS, AUTHENTICATED] };
}

const SERVICE_ACCOUNT_PREFIX = 'system:serviceaccount:';

/** The user that a ServiceAccount's tokens stand for. Source: k8s.io/apiserver, authentication/serviceaccount. */
export function serviceAccountUser(namespace: string, name: string): UserInfo {
  return {
    name: `${SERVICE_ACCOUNT_PREFIX}${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, AUTHENTICATED],
  };
}

/** The ServiceAccount that a user name means; undefined when it means none. */
export function serviceAccountOf(
  user: string,
): { readonly namespace: string; readonly name: string } | undefined {
  if (!user.startsWith(SERVICE_ACCOUNT_PREFIX)) return undefined;
  const [namespace, name, ...more] = user.slice(SERVICE_ACCOUNT_PREFIX.length).split(':');
  return namespace && name && more.length === 0 ? { namespace, name } : undefined;
}
