import { KubeError } from '../../../src/kube/error.ts';
import { type ClusterRole, type PolicyRule, RBAC_GROUP, type RoleRef } from '../../../src/kube/rbac.ts';
import { forbidden } from '../status-errors.ts';
import { equalJson, isMembers } from '../stored-object.ts';
import type { Write } from '../write-checks.ts';
import { listText, missingRules, ruleText } from './policy-rule.ts';
import type { Rbac } from './rbac.ts';
import { MASTERS, type UserInfo } from './user.ts';

const EVERYTHING: readonly PolicyRule[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
  { nonResourceURLs: ['*'], verbs: ['*'] },
];

/**
 * Nobody gives, by a role or a binding, what they do not have themselves, unless the verbs `escalate` or
 * `bind` allow it. Throws Forbidden. Source: kubernetes, pkg/registry/rbac/*\/policybased/storage.go.
 */
export function refuseEscalation(rbac: Rbac, write: Write): void {
  const { served, namespace, draft, previous, asker } = write;
  const { resource } = served;
  if (resource.group !== RBAC_GROUP || asker.groups.includes(MASTERS)) return;
  if (previous !== undefined && onlyOwnersChange(write)) return;
  const { name } = draft.metadata;
  const mayGive = (rules: readonly PolicyRule[]): string | undefined =>
    complaint(asker, rbac.rulesFor(asker, namespace).rules, rules);
  const may = (verb: string, plural: string, object: string): boolean => {
    const access = { verb, group: RBAC_GROUP, resource: plural, subresource: '', namespace, name: object };
    return rbac.authorize(asker, { type: 'resource', ...access }).allowed;
  };
  let why: string | undefined;
  if (resource.kind.endsWith('Binding')) {
    const roleRef = draft.roleRef as RoleRef | undefined;
    if (roleRef === undefined || may('bind', `${roleRef.kind}s`.toLowerCase(), roleRef.name)) return;
    const rules = rbac.rulesOf(roleRef, namespace);
    if (typeof rules === 'string')
      throw new KubeError('NotFound', rules, {
        name: roleRef.name,
        group: RBAC_GROUP,
        kind: roleRef.kind.toLowerCase(),
      });
    why = mayGive(rules);
  } else {
    if (may('escalate', resource.plural, previous === undefined ? '' : name)) return;
    const role = draft as unknown as ClusterRole;
    why = mayGive(role.rules ?? []);
    const aggregates = isMembers(draft.aggregationRule) || isMembers(previous?.aggregationRule);
    if (why === undefined && aggregates && mayGive(EVERYTHING) !== undefined)
      why = 'must have cluster-admin privileges to use the aggregationRule';
  }
  if (why !== undefined) throw forbidden(resource, name, why);
}

/** What garbage collection does must never fail for want of rights. */
function onlyOwnersChange({ draft, previous }: Write): boolean {
  const rest = ({ metadata, ...members }: Write['draft']): unknown => {
    const { ownerReferences, finalizers, managedFields, ...meta } = metadata;
    return { ...members, meta };
  };
  return previous !== undefined && equalJson(rest(draft), rest(previous));
}

function complaint(
  user: UserInfo,
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): string | undefined {
  const missing = missingRules(held, wanted).map(ruleText).sort();
  if (missing.length === 0) return undefined;
  const who = `user ${JSON.stringify(user.name)} (groups=${listText(user.groups)})`;
  return `${who} is attempting to grant RBAC permissions not currently held:\n${missing.join('\n')}`;
}
