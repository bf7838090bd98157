import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Access } from '../../../sim/cluster/auth/access.ts';
import { missingRules, ruleAllows, ruleText } from '../../../sim/cluster/auth/policy-rule.ts';
import type { PolicyRule } from '../../../src/kube/rbac.ts';

const few = (...words: readonly string[]) => fc.subarray([...words], { minLength: 1 });
const onResources: fc.Arbitrary<PolicyRule> = fc.record(
  {
    verbs: few('get', 'list', '*'),
    apiGroups: few('', 'apps', '*'),
    resources: few('pods', 'pods/status', '*/status', '*'),
    resourceNames: fc.subarray(['one', 'two']),
  },
  { requiredKeys: ['verbs', 'apiGroups', 'resources'] },
);
const onPaths: fc.Arbitrary<PolicyRule> = fc.record({
  verbs: few('get', '*'),
  nonResourceURLs: few('/api', '/api/*', '/*', '*'),
});
const rules = fc.array(fc.oneof(onResources, onPaths), { maxLength: 4 });
const access: fc.Arbitrary<Access> = fc.oneof(
  fc.record({
    type: fc.constant('resource' as const),
    verb: fc.constantFrom('get', 'list', 'delete'),
    group: fc.constantFrom('', 'apps', 'batch'),
    resource: fc.constantFrom('pods', 'secrets'),
    subresource: fc.constantFrom('', 'status', 'log'),
    namespace: fc.constant(''),
    name: fc.constantFrom('', 'one', 'three'),
  }),
  fc.record({
    type: fc.constant('path' as const),
    verb: fc.constantFrom('get', 'post'),
    path: fc.constantFrom('/api', '/api/v1', '/apis', '/'),
  }),
);
const allows = (all: readonly PolicyRule[], what: Access): boolean =>
  all.some((rule) => ruleAllows(rule, what));

test('who misses nothing of some rules may do all that they allow', () => {
  fc.assert(
    fc.property(rules, rules, access, (held, wanted, what) => {
      const covered = missingRules(held, wanted).length === 0;
      if (covered && allows(wanted, what)) expect(allows(held, what)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('what is missing, given, is missing no more', () => {
  fc.assert(
    fc.property(rules, rules, (held, wanted) => {
      const missing = missingRules(held, wanted);
      expect(missingRules([...held, ...missing], wanted)).toEqual([]);
      expect(missingRules(wanted, wanted)).toEqual([]);
    }),
  );
});

test.each<[string, PolicyRule, string, string, boolean]>([
  [
    'a resource is not its subresources',
    { verbs: ['*'], apiGroups: [''], resources: ['pods'] },
    '',
    'log',
    false,
  ],
  ['nor the other way round', { verbs: ['*'], apiGroups: [''], resources: ['pods/log'] }, '', '', false],
  [
    'a star before the slash is any resource',
    { verbs: ['*'], apiGroups: [''], resources: ['*/log'] },
    '',
    'log',
    true,
  ],
  ['a star alone is everything', { verbs: ['*'], apiGroups: [''], resources: ['*'] }, '', 'log', true],
  ['a group is not another', { verbs: ['*'], apiGroups: ['apps'], resources: ['*'] }, '', '', false],
])('%s', (_claim, rule, group, subresource, allowed) => {
  const what = { type: 'resource', verb: 'get', group, resource: 'pods', subresource } as const;
  expect(ruleAllows(rule, { ...what, namespace: '', name: '' })).toBe(allowed);
});

test('a rule reads as a real server writes it', () => {
  const rule = { apiGroups: [''], resources: ['pods', 'secrets'], resourceNames: ['x'], verbs: ['get'] };
  expect(ruleText(rule)).toBe(
    '{APIGroups:[""], Resources:["pods" "secrets"], ResourceNames:["x"], Verbs:["get"]}',
  );
});
