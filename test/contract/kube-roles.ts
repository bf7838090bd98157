import { describe, expect, test } from 'vitest';
import type { Kind, KubeObject, NewObject } from '../../src/kube/object.ts';
import {
  CLUSTER_ROLE,
  CLUSTER_ROLE_BINDING,
  type PolicyRule,
  RBAC_GROUP,
  ROLE,
  ROLE_BINDING,
  type RoleRef,
} from '../../src/kube/rbac.ts';
import { accessBench, roleRef, user } from './access-bench.ts';
import type { Bench } from './kube.ts';
import { refusalOf } from './refusal.ts';

export function roleContract(bench: Bench): void {
  const { role, bindingOf, may, granted } = accessBench(bench);

  describe('roles and bindings', () => {
    const meta = (namespace: string, name: string) => ({
      apiVersion: ROLE.apiVersion,
      metadata: { namespace, name },
    });
    const causesOf = async (kind: Kind, object: NewObject<KubeObject>): Promise<readonly string[]> => {
      const { code, causes } = await refusalOf(bench.api.create(kind, object));
      expect(code).toBe(422);
      return causes;
    };

    test('a rule needs verbs, and groups and resources, or paths', async () => {
      const namespace = await bench.namespace();
      const rules = [{ apiGroups: [''], resources: ['pods'] }, { verbs: ['get'] }];
      expect(await causesOf(ROLE, { ...meta(namespace, 'r'), kind: 'Role', rules } as never)).toEqual([
        'FieldValueRequired rules[0].verbs',
        'FieldValueRequired rules[1].apiGroups',
        'FieldValueRequired rules[1].resources',
      ]);
      const paths = [{ nonResourceURLs: ['/x'], verbs: ['get'] }];
      expect(await causesOf(ROLE, { ...meta(namespace, 'r'), kind: 'Role', rules: paths } as never)).toEqual([
        'FieldValueInvalid rules[0].nonResourceURLs',
      ]);
      const both = [{ ...paths[0], apiGroups: [''] }];
      const cluster = { apiVersion: ROLE.apiVersion, kind: 'ClusterRole', metadata: { name: 'x' } };
      expect(await causesOf(CLUSTER_ROLE, { ...cluster, rules: both } as never)).toEqual([
        'FieldValueInvalid rules[0].nonResourceURLs',
      ]);
      const aggregationRule = { clusterRoleSelectors: [] };
      expect(await causesOf(CLUSTER_ROLE, { ...cluster, aggregationRule } as never)).toEqual([
        'FieldValueRequired aggregationRule.clusterRoleSelectors',
      ]);
    });

    test('a binding needs a role and subjects that can be; groups of the API are filled in', async () => {
      const namespace = await bench.namespace();
      const subjects = [
        { kind: 'Robot', name: 'r2' },
        { kind: 'User', name: '' },
        { kind: 'ServiceAccount', name: 'Not A Name' },
        { kind: 'ServiceAccount', name: 'x', apiGroup: RBAC_GROUP },
      ];
      const bad = { kind: 'Lord', name: '' };
      const wrong = { ...meta(namespace, 'b'), kind: 'RoleBinding', roleRef: bad, subjects };
      expect(await causesOf(ROLE_BINDING, wrong)).toEqual([
        'FieldValueInvalid subjects[2].name',
        'FieldValueNotSupported roleRef.kind',
        'FieldValueNotSupported subjects[0].kind',
        'FieldValueNotSupported subjects[3].apiGroup',
        'FieldValueRequired roleRef.name',
        'FieldValueRequired subjects[1].name',
      ]);
      const cluster = { apiVersion: ROLE.apiVersion, kind: 'ClusterRoleBinding', metadata: { name: 'x' } };
      const account = { kind: 'ServiceAccount', name: 'x' };
      const inCluster = { ...cluster, roleRef: roleRef('Role', 'r'), subjects: [account] };
      expect(await causesOf(CLUSTER_ROLE_BINDING, inCluster)).toEqual([
        'FieldValueNotSupported roleRef.kind',
        'FieldValueRequired subjects[0].namespace',
      ]);
      const short = { kind: 'User', name: 'u' };
      const right = { ...meta(namespace, 'b'), kind: 'RoleBinding', roleRef: { kind: 'Role', name: 'r' } };
      const made = await bench.api.create(ROLE_BINDING, { ...right, subjects: [short, account] } as never);
      expect(made.roleRef.apiGroup).toBe(RBAC_GROUP);
      expect(made.subjects).toEqual([{ ...short, apiGroup: RBAC_GROUP }, account]);
    });

    test('a binding keeps its role for life', async () => {
      const namespace = await bench.namespace();
      const binding = bindingOf(namespace, 'b', roleRef('Role', 'one'), user('bob'));
      await bench.api.create(ROLE_BINDING, binding);
      const change = { type: 'merge', body: { roleRef: { name: 'other' } } } as const;
      const refusal = await refusalOf(bench.api.patch(ROLE_BINDING, { namespace, name: 'b' }, change));
      expect(refusal).toMatchObject({ code: 422, causes: ['FieldValueInvalid roleRef'] });
      expect(refusal.message).toContain(
        'rbac.RoleRef{APIGroup:"rbac.authorization.k8s.io", Kind:"Role", Name:"other"}: cannot change roleRef',
      );
    });
  });

  describe('escalation', () => {
    const rbac = (...verbs: readonly string[]): PolicyRule => ({
      ...{ apiGroups: [RBAC_GROUP], resources: ['roles', 'rolebindings'], verbs },
    });
    const pods = (...verbs: readonly string[]): PolicyRule => ({
      apiGroups: [''],
      resources: ['pods'],
      verbs,
    });
    const asAlice = (namespace: string, name: string, ...rules: readonly PolicyRule[]): Promise<KubeObject> =>
      bench.doors.as('alice').create(ROLE, {
        ...{ apiVersion: ROLE.apiVersion, kind: ROLE.kind, metadata: { namespace, name }, rules },
      });

    test('nobody writes a role with more than they have, and hears what is more', async () => {
      const namespace = await granted('alice', rbac('create', 'update'), pods('get', 'list'));
      await asAlice(namespace, 'fewer', pods('list'));
      const secrets = { apiGroups: [''], resources: ['secrets'], verbs: ['get'] };
      const refusal = await refusalOf(asAlice(namespace, 'more', pods('get', 'delete', 'create'), secrets));
      expect(refusal).toMatchObject({ reason: 'Forbidden', code: 403 });
      expect(refusal.message).toBe(
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "alice" (groups=["gardeners" "cooks" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n' +
          '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "create"]}\n' +
          '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
      );
    });

    test('nor binds one, but for who may bind it', async () => {
      const namespace = await granted('alice', rbac('create', 'patch'), pods('get'));
      await role(namespace, 'lister', pods('list'));
      const bind = (name: string, ref: RoleRef): Promise<KubeObject> =>
        bench.doors.as('alice').create(ROLE_BINDING, bindingOf(namespace, name, ref, user('bob')));
      expect(await refusalOf(bind('b', roleRef('Role', 'lister')))).toMatchObject({ code: 403 });
      expect(await refusalOf(bind('b', roleRef('Role', 'nothing')))).toMatchObject({ code: 404 });
      const mayBind = { ...rbac('bind'), resources: ['roles'], resourceNames: ['lister'] };
      await bench.api.patch(
        ROLE,
        { namespace, name: 'granted' },
        { type: 'merge', body: { rules: [rbac('create', 'patch'), mayBind] } },
      );
      const attributes = { namespace, verb: 'bind', group: RBAC_GROUP, resource: 'roles', name: 'lister' };
      await bench.eventually(() => may(bench.doors.as('alice'), attributes));
      await bind('b', roleRef('Role', 'lister'));
    });

    test('who may escalate may write any role', async () => {
      const namespace = await granted('alice', rbac('create', 'escalate'));
      expect((await asAlice(namespace, 'any', pods('*'))).metadata.name).toBe('any');
    });
  });

  bench.needing('role aggregation', 'aggregated roles', () => {
    test('a role that gathers others has their rules, and those of roles that come later', async () => {
      const label = bench.unique('part-of');
      const cluster = (name: string, more: object): Promise<KubeObject> =>
        bench.api.create(CLUSTER_ROLE, {
          ...{ apiVersion: CLUSTER_ROLE.apiVersion, kind: CLUSTER_ROLE.kind, metadata: { name } },
          ...more,
        } as never);
      const rules = (resource: string) => [{ apiGroups: [''], resources: [resource], verbs: ['get'] }];
      const part = (resource: string): Promise<KubeObject> => {
        const name = `${label}-${resource}`;
        return cluster(name, { metadata: { name, labels: { [label]: 'yes' } }, rules: rules(resource) });
      };
      await part('pods');
      const clusterRoleSelectors = [{ matchLabels: { [label]: 'yes' } }];
      await cluster(label, { aggregationRule: { clusterRoleSelectors } });
      await part('secrets');
      await bench.eventually(
        async () => (await bench.api.get(CLUSTER_ROLE, { name: label })).rules?.length === 2,
      );
      expect((await bench.api.get(CLUSTER_ROLE, { name: label })).rules).toEqual([
        ...rules('pods'),
        ...rules('secrets'),
      ]);
    });
  });
}
