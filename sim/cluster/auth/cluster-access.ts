import { CLUSTER_ROLE, CLUSTER_ROLE_BINDING, type PolicyRule } from '../../../src/kube/rbac.ts';
import type { ApiServer } from '../api-server.ts';
import { RoleAggregation } from '../controllers/role-aggregation.ts';
import { INSTALLER } from '../requests.ts';
import type { Served } from '../resource.ts';
import { type Access, accessForbidden, type Decision } from './access.ts';
import { defaultClusterRoleBindings, defaultClusterRoles } from './default-roles.ts';
import { refuseEscalation } from './escalation.ts';
import { Rbac } from './rbac.ts';
import { ISSUER, type ServiceAccountTokens, type TokenVerdict } from './service-account-tokens.ts';
import { ANONYMOUS, trustedUser, type UserInfo } from './user.ts';

export interface AccessOptions {
  /** Roles decide who may do what; otherwise everybody may do everything. Default false. */
  readonly rbac?: boolean;
  /** Users by their bearer tokens, beside those of ServiceAccounts. */
  readonly users?: ReadonlyMap<string, UserInfo>;
  /** Hears every decision on a request. */
  readonly onDecision?: (user: UserInfo, access: Access, allowed: boolean) => void;
}

const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Who somebody is, and what they may do. */
export class ClusterAccess {
  readonly tokens: ServiceAccountTokens;
  readonly #server: ApiServer;
  readonly #rbac: Rbac | undefined;
  readonly #aggregation: RoleAggregation | undefined;
  readonly #options: AccessOptions;

  constructor(server: ApiServer, tokens: ServiceAccountTokens, options: AccessOptions) {
    this.#server = server;
    this.tokens = tokens;
    this.#options = options;
    if (options.rbac !== true) return;
    const rbac = new Rbac(server);
    this.#rbac = rbac;
    server.addWriteCheck((write) => refuseEscalation(rbac, write));
    this.#aggregation = new RoleAggregation(server);
  }

  /** With RBAC, puts the roles and bindings that every cluster begins with into the store. */
  installDefaults(): void {
    if (!this.isRestricted) return;
    const [roles, bindings] = [CLUSTER_ROLE, CLUSTER_ROLE_BINDING].map((kind) =>
      this.#server.catalog.ofKind(kind),
    ) as [Served, Served];
    const request = { user: INSTALLER };
    for (const role of defaultClusterRoles()) this.#server.create(roles, '', role, request);
    for (const binding of defaultClusterRoleBindings()) this.#server.create(bindings, '', binding, request);
    this.#aggregation?.gather();
  }

  get isRestricted(): boolean {
    return this.#rbac !== undefined;
  }

  /** Who comes without credentials: nobody in particular, or, where nothing is restricted, one who may do everything. */
  get visitor(): UserInfo {
    return this.isRestricted ? ANONYMOUS : VISITOR;
  }

  authorize(user: UserInfo, access: Access): Decision {
    return this.#rbac?.authorize(user, access) ?? ALLOWED;
  }

  /** Throws Forbidden. */
  demand(user: UserInfo, access: Access): void {
    if (this.#rbac === undefined) return;
    const { allowed, reason } = this.#rbac.authorize(user, access);
    this.#options.onDecision?.(user, access, allowed);
    if (!allowed) throw accessForbidden(user, access, reason);
  }

  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[] {
    return this.#rbac?.rulesFor(user, namespace).rules ?? EVERYTHING;
  }

  /** Who comes with a bearer token that is meant for one of `audiences`. */
  userOfToken(token: string, audiences: readonly string[] = [ISSUER]): TokenVerdict {
    const user = this.#options.users?.get(token);
    if (user === undefined) return this.tokens.verify(token, audiences);
    const isForUs = audiences.includes(ISSUER);
    return isForUs ? { ok: true, user, audiences: [ISSUER] } : { ok: false, why: 'invalid bearer token' };
  }
}

const VISITOR = trustedUser('admin');
const ALLOWED: Decision = { allowed: true, reason: '' };
