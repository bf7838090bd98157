import type { PolicyRule } from '../../../src/kube/rbac.ts';
import type { Access } from './access.ts';

const ALL = '*';
const NONE: readonly string[] = [];

/** True when the rule allows the access. Source: kubernetes, pkg/apis/rbac/v1/evaluation_helpers.go. */
export function ruleAllows(rule: PolicyRule, access: Access): boolean {
  if (!has(rule.verbs, access.verb)) return false;
  const { apiGroups = NONE, resources = NONE, resourceNames = NONE, nonResourceURLs = NONE } = rule;
  if (access.type === 'path') return nonResourceURLs.some((url) => pathCovers(url, access.path));
  const { group, resource, subresource, name } = access;
  return (
    has(apiGroups, group) &&
    resourceCovers(resources, subresource === '' ? resource : `${resource}/${subresource}`) &&
    (resourceNames.length === 0 || resourceNames.includes(name))
  );
}

/**
 * Those parts of `wanted` that no rule of `held` allows: for each, one verb on one resource, verbs of one
 * resource joined. Empty when nothing is missing.
 * Source: k8s.io/component-helpers, auth/rbac/validation/policy_comparator.go.
 */
export function missingRules(
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): readonly PolicyRule[] {
  const missing = wanted.flatMap(atomsOf).filter((atom) => !held.some((rule) => ruleCovers(rule, atom)));
  return joinVerbs(missing);
}

/** As messages show a rule. Source: kubernetes, rbac/v1 CompactString. */
export function ruleText(rule: PolicyRule): string {
  const parts: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  const shown = parts.flatMap(([name, list]) => (list?.length ? [`${name}:${listText(list)}`] : []));
  return `{${shown.join(', ')}}`;
}

/** `["a" "b"]`. */
export function listText(list: readonly string[]): string {
  return `[${list.map((text) => JSON.stringify(text)).join(' ')}]`;
}

function has(list: readonly string[], value: string): boolean {
  return list.includes(ALL) || list.includes(value);
}

/** `pods/log` is covered by itself, by `*` and by `*` before the same subresource. */
function resourceCovers(resources: readonly string[], wanted: string): boolean {
  if (has(resources, wanted)) return true;
  const slash = wanted.indexOf('/');
  return slash >= 0 && resources.includes(`*${wanted.slice(slash)}`);
}

function pathCovers(held: string, wanted: string): boolean {
  return held === wanted || (held.endsWith(ALL) && wanted.startsWith(held.replace(/\*+$/, '')));
}

/** A rule with at most one verb, one resource and one name. */
function atomsOf(rule: PolicyRule): PolicyRule[] {
  const { verbs = NONE, apiGroups = NONE, resources = NONE } = rule;
  const { resourceNames = NONE, nonResourceURLs = NONE } = rule;
  const names: readonly (readonly string[])[] =
    resourceNames.length === 0 ? [NONE] : resourceNames.map((name) => [name]);
  const onResources = apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) =>
        names.map((name) => ({
          apiGroups: [group],
          resources: [resource],
          verbs: [verb],
          ...(name.length > 0 && { resourceNames: name }),
        })),
      ),
    ),
  );
  const onPaths = nonResourceURLs.flatMap((url) =>
    verbs.map((verb) => ({ nonResourceURLs: [url], verbs: [verb] })),
  );
  return [...onResources, ...onPaths];
}

function ruleCovers(held: PolicyRule, atom: PolicyRule): boolean {
  const every = (wanted: readonly string[] = NONE, covers: (one: string) => boolean): boolean =>
    wanted.every(covers);
  const { apiGroups = NONE, resources = NONE, resourceNames = NONE, nonResourceURLs = NONE } = held;
  const named = atom.resourceNames ?? NONE;
  return (
    every(atom.verbs, (verb) => has(held.verbs, verb)) &&
    every(atom.apiGroups, (group) => has(apiGroups, group)) &&
    every(atom.resources, (resource) => resourceCovers(resources, resource)) &&
    every(atom.nonResourceURLs, (path) => nonResourceURLs.some((url) => pathCovers(url, path))) &&
    (resourceNames.length === 0 || (named.length > 0 && every(named, (one) => resourceNames.includes(one))))
  );
}

function joinVerbs(atoms: readonly PolicyRule[]): readonly PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  for (const atom of atoms) {
    // Rules on paths are not joined.
    const { verbs, ...on } = atom;
    const key = JSON.stringify(atom.nonResourceURLs === undefined ? on : atom);
    const before = joined.get(key);
    joined.set(key, before === undefined ? atom : { ...on, verbs: [...before.verbs, ...verbs] });
  }
  return [...joined.values()];
}
