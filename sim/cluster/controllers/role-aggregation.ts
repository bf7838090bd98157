import {
  CLUSTER_ROLE,
  type ClusterRole,
  type LabelSelector,
  type PolicyRule,
  RBAC_GROUP,
} from '../../../src/kube/rbac.ts';
import type { ApiServer } from '../api-server.ts';
import type { Served } from '../resource.ts';
import { equalJson } from '../stored-object.ts';

const CONTROLLER = 'clusterrole-aggregation-controller';
const USER = `system:serviceaccount:kube-system:${CONTROLLER}`;

/**
 * Fills ClusterRoles with an aggregationRule from those that its selectors fit, and keeps them so.
 * Source: kubernetes, pkg/controller/clusterroleaggregation.
 */
export class RoleAggregation {
  readonly #server: ApiServer;
  readonly #roles: Served;
  #gathering = false;
  #scheduled = false;

  constructor(server: ApiServer) {
    this.#server = server;
    this.#roles = server.catalog.ofKind(CLUSTER_ROLE);
    server.store.observe(({ object, previous }, { resource }) => {
      if (resource !== this.#roles.resource || this.#gathering) return;
      // What is neither selected nor selects is nobody's concern.
      const concerned = [object, previous].some(
        (role) => role?.metadata.labels !== undefined || role?.aggregationRule !== undefined,
      );
      if (concerned) this.#schedule();
    });
  }

  /** Fills them now. A role made of such roles needs another pass; rules only move along selectors, so it ends. */
  gather(): void {
    this.#gathering = true;
    let changed = true;
    while (changed) {
      changed = false;
      for (const role of this.#all()) if (this.#fill(role)) changed = true;
    }
    this.#gathering = false;
  }

  #schedule(): void {
    if (this.#scheduled || !this.#all().some(({ aggregationRule }) => aggregationRule !== undefined)) return;
    this.#scheduled = true;
    this.#server.clock.after(0, () => {
      this.#scheduled = false;
      this.gather();
    });
  }

  #all(): readonly ClusterRole[] {
    return this.#server.store
      .table(this.#roles.resource)
      .list() as readonly unknown[] as readonly ClusterRole[];
  }

  /** True when that changed it. */
  #fill({ aggregationRule, metadata, rules = [] }: ClusterRole): boolean {
    if (aggregationRule === undefined || metadata.deletionTimestamp !== undefined) return false;
    const gathered: PolicyRule[] = [];
    for (const selector of aggregationRule.clusterRoleSelectors ?? [])
      for (const role of this.#all())
        if (role.metadata.name !== metadata.name && fits(selector, role.metadata.labels ?? {}))
          for (const rule of role.rules ?? [])
            if (!gathered.some((known) => equalJson(known, rule))) gathered.push(rule);
    if (equalJson(gathered, rules)) return false;
    const { name } = metadata;
    const body = { apiVersion: `${RBAC_GROUP}/v1`, kind: 'ClusterRole', metadata: { name }, rules: gathered };
    const request = { user: USER, fieldManager: CONTROLLER, force: true };
    this.#server.patch(this.#roles, { namespace: '', name }, { type: 'apply', body }, request);
    return true;
  }
}

/** True when the labels are what the selector wants; one that wants nothing fits all. */
function fits(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
        default:
          return false;
      }
    })
  );
}
