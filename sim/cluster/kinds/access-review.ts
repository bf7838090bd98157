import type { KubeCause } from '../../../src/kube/error.ts';
import { forbiddenValue, invalidValue } from '../../../src/kube/field-cause.ts';
import type { Access } from '../auth/access.ts';
import type { ClusterAccess } from '../auth/cluster-access.ts';
import type { UserInfo } from '../auth/user.ts';
import { at, textAt } from '../printer.ts';
import type { Resource } from '../resource.ts';
import { badRequest } from '../status-errors.ts';
import { type Draft, isMembers, type Members } from '../stored-object.ts';
import { type BuiltIn, builtIn } from './built-in.ts';
import { list, map, object, open, text } from './schema.ts';

const ATTRIBUTES = {
  resourceAttributes: object({
    namespace: text,
    verb: text,
    group: text,
    version: text,
    resource: text,
    subresource: text,
    name: text,
    fieldSelector: open,
    labelSelector: open,
  }),
  nonResourceAttributes: object({ path: text, verb: text }),
};
const SUBJECT = { user: text, groups: list(text), uid: text, extra: map(list(text)) };

/** Questions about what somebody may do. Source: authorization/v1; kubernetes, pkg/registry/authorization. */
export function accessReviewKinds(access: () => ClusterAccess): readonly Resource[] {
  const asked = (review: Draft, user: UserInfo): void => {
    const { allowed, reason } = access().authorize(user, accessIn(review));
    review.status = { allowed, ...(reason !== '' && { reason }) };
  };
  return [
    reviewKind('SelfSubjectAccessReview', {
      description: 'Whether whoever asks may do something.',
      members: { spec: object(ATTRIBUTES) },
      validate: attributeCauses,
      answer: asked,
    }),
    reviewKind('SelfSubjectRulesReview', {
      description: 'What whoever asks may do in a namespace.',
      members: { spec: object({ namespace: text }) },
      answer: (review, asker) => listRules(review, asker, access()),
    }),
    reviewKind('SubjectAccessReview', {
      description: 'Whether somebody may do something.',
      members: { spec: object({ ...ATTRIBUTES, ...SUBJECT }) },
      validate: (review) => [...attributeCauses(review), ...subjectCauses(review)],
      answer: (review) => asked(review, subjectIn(review)),
    }),
    reviewKind('LocalSubjectAccessReview', {
      description: 'Whether somebody may do something in this namespace.',
      namespaced: true,
      members: { spec: object({ ...ATTRIBUTES, ...SUBJECT }) },
      validate: (review) => [...attributeCauses(review), ...subjectCauses(review), ...localCauses(review)],
      answer: (review) => asked(review, subjectIn(review)),
    }),
  ];
}

function reviewKind(
  kind: string,
  definition: Pick<BuiltIn, 'description' | 'members' | 'answer'> & Partial<BuiltIn>,
): Resource {
  const { members, ...rest } = definition;
  return builtIn({
    group: 'authorization.k8s.io',
    kind,
    plural: `${kind.toLowerCase()}s`,
    namespaced: false,
    required: ['spec'],
    members: { ...members, status: open },
    ...rest,
  });
}

function accessIn(review: Draft): Access {
  const attributes = at(review, 'spec.resourceAttributes');
  const member = (name: string): string => textAt(attributes, name);
  if (isMembers(attributes))
    return {
      type: 'resource',
      verb: member('verb'),
      group: member('group'),
      resource: member('resource'),
      subresource: member('subresource'),
      namespace: member('namespace'),
      name: member('name'),
    };
  const path = at(review, 'spec.nonResourceAttributes');
  return { type: 'path', verb: textAt(path, 'verb'), path: textAt(path, 'path') };
}

function subjectIn({ spec }: Draft): UserInfo {
  const { groups } = isMembers(spec) ? spec : {};
  return { name: textAt(spec, 'user'), groups: Array.isArray(groups) ? groups : [] };
}

function listRules(review: Draft, asker: UserInfo, access: ClusterAccess): void {
  const namespace = textAt(review, 'spec.namespace');
  if (namespace === '') throw badRequest('no namespace on request');
  const rules = access.rulesFor(asker, namespace);
  review.spec = {};
  review.status = {
    resourceRules: rules
      .filter(({ resources = [] }) => resources.length > 0)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames && { resourceNames }),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  };
}

function attributeCauses(review: Draft): KubeCause[] {
  const { resourceAttributes, nonResourceAttributes } = specOf(review);
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined)
    return [
      invalidValue(
        'spec.nonResourceAttributes',
        nonResourceAttributes,
        'cannot be specified in combination with resourceAttributes',
      ),
    ];
  if (resourceAttributes !== undefined || nonResourceAttributes !== undefined) return [];
  const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  return [invalidValue('spec.resourceAttributes', null, why)];
}

function subjectCauses(review: Draft): KubeCause[] {
  const { user = '', groups } = specOf(review);
  if (user !== '' || (Array.isArray(groups) && groups.length > 0)) return [];
  return [invalidValue('spec.user', '', 'at least one of user or group must be specified')];
}

function localCauses(review: Draft): KubeCause[] {
  const { resourceAttributes, nonResourceAttributes } = specOf(review);
  const namespace = textAt(resourceAttributes, 'namespace');
  const causes: KubeCause[] = [];
  if (resourceAttributes !== undefined && namespace !== review.metadata.namespace)
    causes.push(
      invalidValue('spec.resourceAttributes.namespace', namespace, 'must match metadata.namespace'),
    );
  if (nonResourceAttributes !== undefined)
    causes.push(forbiddenValue('spec.nonResourceAttributes', 'disallowed on this kind of request'));
  return causes;
}

function specOf({ spec }: Draft): Members {
  return isMembers(spec) ? spec : {};
}
