/** A member: its name in JSON, its type, and whether there may be several. */
export type Field = readonly [string, 'text' | 'bool' | 'int' | 'base64' | MessageName, ('list' | 'map')?];

export type MessageName =
  | ('TypeMeta' | 'ObjectMeta' | 'OwnerReference' | 'LabelSelector' | 'LabelSelectorRequirement')
  | ('Namespace' | 'ServiceAccount' | 'ConfigMap' | 'Secret' | 'ObjectReference' | 'LocalObjectReference')
  | ('Role' | 'ClusterRole' | 'RoleBinding' | 'ClusterRoleBinding')
  | ('PolicyRule' | 'AggregationRule' | 'Subject' | 'RoleRef')
  | ('SelfSubjectReview' | 'TokenReview' | 'TokenReviewSpec')
  | ('TokenRequest' | 'TokenRequestSpec' | 'BoundObjectReference')
  | ('SelfSubjectAccessReview' | 'SubjectAccessReview' | 'LocalSubjectAccessReview' | 'AccessReviewSpec')
  | ('SelfSubjectRulesReview' | 'RulesReviewSpec' | 'ResourceAttributes' | 'NonResourceAttributes');

const META: Field = ['metadata', 'ObjectMeta'];
const texts = (name: string): Field => [name, 'text', 'list'];
const BINDING = { 1: META, 2: ['subjects', 'Subject', 'list'], 3: ['roleRef', 'RoleRef'] } as const;
const ACCESS_REVIEW = { 1: META, 2: ['spec', 'AccessReviewSpec'] } as const;

/**
 * The members that a client may set, by field number; others are skipped, statuses and times among them.
 * Source: generated.proto of k8s.io/apimachinery and k8s.io/api (v0.32), one block to each package.
 */
export const MESSAGES: Readonly<Record<MessageName, Readonly<Record<number, Field>>>> = {
  TypeMeta: { 1: ['apiVersion', 'text'], 2: ['kind', 'text'] },
  ObjectMeta: {
    1: ['name', 'text'],
    2: ['generateName', 'text'],
    3: ['namespace', 'text'],
    5: ['uid', 'text'],
    6: ['resourceVersion', 'text'],
    11: ['labels', 'text', 'map'],
    12: ['annotations', 'text', 'map'],
    13: ['ownerReferences', 'OwnerReference', 'list'],
    14: texts('finalizers'),
  },
  OwnerReference: {
    1: ['kind', 'text'],
    3: ['name', 'text'],
    4: ['uid', 'text'],
    5: ['apiVersion', 'text'],
    6: ['controller', 'bool'],
    7: ['blockOwnerDeletion', 'bool'],
  },
  LabelSelector: {
    1: ['matchLabels', 'text', 'map'],
    2: ['matchExpressions', 'LabelSelectorRequirement', 'list'],
  },
  LabelSelectorRequirement: { 1: ['key', 'text'], 2: ['operator', 'text'], 3: texts('values') },

  Namespace: { 1: META },
  ServiceAccount: {
    1: META,
    2: ['secrets', 'ObjectReference', 'list'],
    3: ['imagePullSecrets', 'LocalObjectReference', 'list'],
    4: ['automountServiceAccountToken', 'bool'],
  },
  ObjectReference: {
    1: ['kind', 'text'],
    2: ['namespace', 'text'],
    3: ['name', 'text'],
    4: ['uid', 'text'],
    5: ['apiVersion', 'text'],
    6: ['resourceVersion', 'text'],
    7: ['fieldPath', 'text'],
  },
  LocalObjectReference: { 1: ['name', 'text'] },
  ConfigMap: {
    1: META,
    2: ['data', 'text', 'map'],
    3: ['binaryData', 'base64', 'map'],
    4: ['immutable', 'bool'],
  },
  Secret: {
    1: META,
    2: ['data', 'base64', 'map'],
    3: ['type', 'text'],
    4: ['stringData', 'text', 'map'],
    5: ['immutable', 'bool'],
  },

  Role: { 1: META, 2: ['rules', 'PolicyRule', 'list'] },
  ClusterRole: {
    1: META,
    2: ['rules', 'PolicyRule', 'list'],
    3: ['aggregationRule', 'AggregationRule'],
  },
  RoleBinding: BINDING,
  ClusterRoleBinding: BINDING,
  PolicyRule: {
    1: texts('verbs'),
    2: texts('apiGroups'),
    3: texts('resources'),
    4: texts('resourceNames'),
    5: texts('nonResourceURLs'),
  },
  AggregationRule: { 1: ['clusterRoleSelectors', 'LabelSelector', 'list'] },
  Subject: { 1: ['kind', 'text'], 2: ['apiGroup', 'text'], 3: ['name', 'text'], 4: ['namespace', 'text'] },
  RoleRef: { 1: ['apiGroup', 'text'], 2: ['kind', 'text'], 3: ['name', 'text'] },

  SelfSubjectReview: { 1: META },
  TokenReview: { 1: META, 2: ['spec', 'TokenReviewSpec'] },
  TokenReviewSpec: { 1: ['token', 'text'], 2: texts('audiences') },
  TokenRequest: { 1: META, 2: ['spec', 'TokenRequestSpec'] },
  TokenRequestSpec: {
    1: texts('audiences'),
    3: ['boundObjectRef', 'BoundObjectReference'],
    4: ['expirationSeconds', 'int'],
  },
  BoundObjectReference: {
    1: ['kind', 'text'],
    2: ['apiVersion', 'text'],
    3: ['name', 'text'],
    4: ['uid', 'text'],
  },

  SelfSubjectAccessReview: ACCESS_REVIEW,
  SubjectAccessReview: ACCESS_REVIEW,
  LocalSubjectAccessReview: ACCESS_REVIEW,
  SelfSubjectRulesReview: { 1: META, 2: ['spec', 'RulesReviewSpec'] },
  RulesReviewSpec: { 1: ['namespace', 'text'] },
  AccessReviewSpec: {
    1: ['resourceAttributes', 'ResourceAttributes'],
    2: ['nonResourceAttributes', 'NonResourceAttributes'],
    3: ['user', 'text'],
    4: texts('groups'),
    6: ['uid', 'text'],
  },
  ResourceAttributes: {
    1: ['namespace', 'text'],
    2: ['verb', 'text'],
    3: ['group', 'text'],
    4: ['version', 'text'],
    5: ['resource', 'text'],
    6: ['subresource', 'text'],
    7: ['name', 'text'],
  },
  NonResourceAttributes: { 1: ['path', 'text'], 2: ['verb', 'text'] },
};
