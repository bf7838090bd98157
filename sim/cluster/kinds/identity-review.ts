import type { ClusterAccess } from '../auth/cluster-access.ts';
import { ISSUER } from '../auth/service-account-tokens.ts';
import type { UserInfo } from '../auth/user.ts';
import { at, textAt } from '../printer.ts';
import type { Resource } from '../resource.ts';
import { badRequest } from '../status-errors.ts';
import type { Members } from '../stored-object.ts';
import { builtIn } from './built-in.ts';
import { list, object, open, text } from './schema.ts';

export const AUTHENTICATION_GROUP = 'authentication.k8s.io';

/** Questions about who somebody is. Source: authentication/v1; kubernetes, pkg/registry/authentication. */
export function identityReviewKinds(access: () => ClusterAccess): readonly Resource[] {
  const base = { group: AUTHENTICATION_GROUP, namespaced: false };
  return [
    builtIn({
      ...base,
      kind: 'SelfSubjectReview',
      plural: 'selfsubjectreviews',
      description: 'Who the server thinks that whoever asks is.',
      members: { status: open },
      answer: (review, asker) => {
        review.status = { userInfo: userInfo(asker) };
      },
    }),
    builtIn({
      ...base,
      kind: 'TokenReview',
      plural: 'tokenreviews',
      description: 'Whom a bearer token stands for.',
      members: { spec: object({ token: text, audiences: list(text) }), status: open },
      required: ['spec'],
      answer: (review) => {
        const token = textAt(review, 'spec.token');
        if (token === '') throw badRequest('token is required for TokenReview in authentication');
        const asked = at(review, 'spec.audiences');
        const audiences = Array.isArray(asked) && asked.length > 0 ? asked : [ISSUER];
        const verdict = access().userOfToken(token, audiences);
        review.status = verdict.ok
          ? { authenticated: true, user: userInfo(verdict.user), audiences: verdict.audiences }
          : { user: {}, error: verdict.why };
      },
    }),
  ];
}

function userInfo({ name, uid, groups, extra }: UserInfo): Members {
  return { username: name, ...(uid && { uid }), groups, ...(extra && { extra }) };
}
