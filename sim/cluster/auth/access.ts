import { KubeError } from '../../../src/kube/error.ts';
import type { UserInfo } from './user.ts';

/** Something somebody wants to do, as rules speak of it. Source: k8s.io/apiserver, authorization/authorizer.Attributes. */
export type Access = ResourceAccess | PathAccess;

export interface ResourceAccess {
  readonly type: 'resource';
  /** In the words of rules: `update`, not PUT. */
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** Empty: the object itself. */
  readonly subresource: string;
  /** Empty: cluster-scoped, or all namespaces. */
  readonly namespace: string;
  /** Empty: no one object. */
  readonly name: string;
}

export interface PathAccess {
  readonly type: 'path';
  readonly verb: string;
  readonly path: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** Which binding allowed it, or what was wrong with those that did not; may be empty. */
  readonly reason: string;
}

/** Gives the decision on what somebody wants to do. */
export type Authorize = (user: UserInfo, access: Access) => Decision;

/** The refusal of a real server, word for word. Source: k8s.io/apiserver, endpoints/handlers/responsewriters/errors.go. */
export function accessForbidden(user: UserInfo, access: Access, reason: string): KubeError {
  const why = reason === '' ? '' : `: ${reason}`;
  const cannot = `User ${quote(user.name)} cannot ${access.verb}`;
  if (access.type === 'path')
    return new KubeError('Forbidden', `forbidden: ${harmless(`${cannot} path ${quote(access.path)}`)}${why}`);
  const { group, resource, subresource, namespace, name } = access;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${quote(namespace)}`;
  const qualified = group === '' ? resource : `${resource}.${group}`;
  const subject = name === '' ? qualified : `${qualified} ${quote(name)}`;
  const message = harmless(`${cannot} resource ${quote(what)} in API group ${quote(group)} ${where}`);
  const details = { ...(name && { name }), ...(group && { group }), kind: resource };
  return new KubeError('Forbidden', `${subject} is forbidden: ${message}${why}`, details);
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** What people send stands in the message; it must not read as HTML. */
function harmless(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
