import type { KubeCause } from '../../../src/kube/error.ts';
import { invalidValue, requiredValue, unsupportedValue } from '../../../src/kube/field-cause.ts';
import { type PolicyRule, RBAC_GROUP, type RoleRef, type Subject } from '../../../src/kube/rbac.ts';
import { nameComplaint } from '../object-name.ts';
import { AGE, at, column } from '../printer.ts';
import type { PrinterColumn, Resource } from '../resource.ts';
import { type Draft, equalJson, isMembers, type StoredObject } from '../stored-object.ts';
import { type BuiltIn, builtIn } from './built-in.ts';
import { list, map, object, text } from './schema.ts';

const RULE = object({
  verbs: list(text),
  apiGroups: list(text),
  resources: list(text),
  resourceNames: list(text),
  nonResourceURLs: list(text),
});
const SELECTOR = object({
  matchLabels: map(text),
  matchExpressions: list(object({ key: text, operator: text, values: list(text) }, 'key', 'operator')),
});
const SUBJECT = object({ kind: text, apiGroup: text, name: text, namespace: text });
const ROLE_REF = object({ apiGroup: text, kind: text, name: text });

/** Who may do what. Source: rbac/v1; kubernetes, pkg/apis/rbac/validation. */
export function rbacKinds(): readonly Resource[] {
  return [roleKind('Role'), roleKind('ClusterRole'), bindingKind('Role'), bindingKind('ClusterRole')];
}

type RoleKind = RoleRef['kind'];

function rbacKind(
  kind: string,
  definition: Pick<BuiltIn, 'description' | 'members'> & Partial<BuiltIn>,
): Resource {
  return builtIn({
    group: RBAC_GROUP,
    kind,
    plural: `${kind.toLowerCase()}s`,
    namespaced: !kind.startsWith('Cluster'),
    nameRule: 'path-segment',
    ...definition,
  });
}

function roleKind(kind: RoleKind): Resource {
  const isCluster = kind === 'ClusterRole';
  const aggregation = object({ clusterRoleSelectors: list(SELECTOR) });
  return rbacKind(kind, {
    description: isCluster ? 'What may be done in the whole cluster.' : 'What may be done in a namespace.',
    members: { rules: list(RULE), ...(isCluster && { aggregationRule: aggregation }) },
    columns: [column('Created At', (role) => role.metadata.creationTimestamp)],
    validate: (role) => [
      ...itemsOf<PolicyRule>(role.rules).flatMap((rule, index) =>
        ruleCauses(rule, `rules[${index}]`, isCluster),
      ),
      ...aggregationCauses(role),
    ],
  });
}

function bindingKind(role: RoleKind): Resource {
  const kind = `${role}Binding`;
  const isCluster = role === 'ClusterRole';
  return rbacKind(kind, {
    description: isCluster ? 'Who has a ClusterRole everywhere.' : 'Who has a role in a namespace.',
    members: { subjects: list(SUBJECT), roleRef: ROLE_REF },
    required: ['roleRef'],
    columns: [
      column('Role', (binding) => `${at(binding, 'roleRef.kind')}/${at(binding, 'roleRef.name')}`),
      AGE,
      subjectColumn('Users', 'User'),
      subjectColumn('Groups', 'Group'),
      subjectColumn('ServiceAccounts', 'ServiceAccount'),
    ],
    prepare: fillInGroups,
    validate: (binding, previous) => bindingCauses(binding, previous, isCluster),
  });
}

function subjectColumn(name: string, kind: Subject['kind']): PrinterColumn {
  const shown = ({ name: own, namespace }: Subject): string => (namespace ? `${namespace}/${own}` : own);
  const cell = (binding: StoredObject): string =>
    itemsOf<Subject>(binding.subjects)
      .filter((subject) => subject.kind === kind)
      .map(shown)
      .join(', ');
  return column(name, cell, 1);
}

/** Users, groups and roles are of one API group, which may be left out. */
function fillInGroups(draft: Draft): void {
  const { roleRef, subjects } = draft;
  if (isMembers(roleRef) && !roleRef.apiGroup) draft.roleRef = { ...roleRef, apiGroup: RBAC_GROUP };
  if (!itemsOf<Subject>(subjects).some(isWithoutGroup)) return;
  draft.subjects = itemsOf<Subject>(subjects).map((subject) =>
    isWithoutGroup(subject) ? { ...subject, apiGroup: RBAC_GROUP } : subject,
  );
}

function isWithoutGroup({ kind, apiGroup }: Subject): boolean {
  return !apiGroup && (kind === 'User' || kind === 'Group');
}

function ruleCauses(rule: PolicyRule, field: string, isCluster: boolean): KubeCause[] {
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const causes: KubeCause[] = [];
  if (verbs.length === 0)
    causes.push(requiredValue(`${field}.verbs`, 'verbs must contain at least one value'));
  if (nonResourceURLs.length > 0) {
    const refuse = (why: string) =>
      causes.push(invalidValue(`${field}.nonResourceURLs`, nonResourceURLs, why));
    if (!isCluster) refuse('namespaced rules cannot apply to non-resource URLs');
    if (apiGroups.length + resources.length + resourceNames.length > 0)
      refuse('rules cannot apply to both regular resources and non-resource URLs');
    return causes;
  }
  if (apiGroups.length === 0)
    causes.push(requiredValue(`${field}.apiGroups`, 'resource rules must supply at least one api group'));
  if (resources.length === 0)
    causes.push(requiredValue(`${field}.resources`, 'resource rules must supply at least one resource'));
  return causes;
}

function aggregationCauses({ aggregationRule }: Draft): KubeCause[] {
  const field = 'aggregationRule.clusterRoleSelectors';
  if (!isMembers(aggregationRule) || itemsOf(aggregationRule.clusterRoleSelectors).length > 0) return [];
  return [requiredValue(field, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
}

function bindingCauses(binding: Draft, previous: StoredObject | undefined, isCluster: boolean): KubeCause[] {
  const roleRef = binding.roleRef as RoleRef | undefined;
  if (roleRef === undefined) return [];
  const { apiGroup, kind = '', name = '' } = roleRef;
  const causes: KubeCause[] = [];
  if (apiGroup !== RBAC_GROUP) causes.push(unsupportedValue('roleRef.apiGroup', apiGroup, [RBAC_GROUP]));
  const kinds = isCluster ? ['ClusterRole'] : ['Role', 'ClusterRole'];
  if (!kinds.includes(kind)) causes.push(unsupportedValue('roleRef.kind', kind, kinds));
  const complaint = name === '' ? undefined : nameComplaint('path-segment', name);
  if (name === '') causes.push(requiredValue('roleRef.name'));
  else if (complaint !== undefined) causes.push(invalidValue('roleRef.name', name, complaint));
  itemsOf<Subject>(binding.subjects).forEach((subject, index) => {
    causes.push(...subjectCauses(subject, `subjects[${index}]`, isCluster));
  });
  if (previous !== undefined && !equalJson(roleRef, previous.roleRef)) {
    const shown = `rbac.RoleRef{APIGroup:${quote(apiGroup)}, Kind:${quote(kind)}, Name:${quote(name)}}`;
    const message = `Invalid value: ${shown}: cannot change roleRef`;
    causes.push({ reason: 'FieldValueInvalid', message, field: 'roleRef' });
  }
  return causes;
}

function subjectCauses(subject: Subject, field: string, isCluster: boolean): KubeCause[] {
  const { kind, name = '', apiGroup = '', namespace = '' } = subject;
  const causes: KubeCause[] = [];
  if (name === '') causes.push(requiredValue(`${field}.name`));
  switch (kind) {
    case 'ServiceAccount': {
      const complaint = name === '' ? undefined : nameComplaint('subdomain', name);
      if (complaint !== undefined) causes.push(invalidValue(`${field}.name`, name, complaint));
      if (apiGroup !== '') causes.push(unsupportedValue(`${field}.apiGroup`, apiGroup, ['']));
      if (isCluster && namespace === '') causes.push(requiredValue(`${field}.namespace`));
      break;
    }
    case 'User':
    case 'Group':
      if (apiGroup !== RBAC_GROUP) causes.push(unsupportedValue(`${field}.apiGroup`, apiGroup, [RBAC_GROUP]));
      break;
    default:
      causes.push(unsupportedValue(`${field}.kind`, kind ?? '', ['ServiceAccount', 'User', 'Group']));
  }
  return causes;
}

function itemsOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]).filter(isMembers) : [];
}

function quote(text: string): string {
  return JSON.stringify(text);
}
