import { describe, expect, test } from 'vitest';
import { POD } from '../../src/kube/core.ts';
import type { Kind } from '../../src/kube/object.ts';
import { CLUSTER_ROLE, RBAC_GROUP, ROLE_BINDING, type Subject } from '../../src/kube/rbac.ts';
import {
  accessBench,
  ask,
  MAY_I,
  MAY_THEY,
  MAY_THEY_HERE,
  roleRef,
  user,
  WHAT_MAY_I,
} from './access-bench.ts';
import type { Bench } from './kube.ts';
import { CONFIG_MAP, WIDGET } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

export function accessContract(bench: Bench): void {
  const { bindingOf, may, granted } = accessBench(bench);

  describe('rights', () => {
    const message = (verb: string, resource: string, group: string, where: string, of = ''): string => {
      const [plural] = resource.split('/');
      const qualified = group === '' ? plural : `${plural}.${group}`;
      const named = of === '' ? qualified : `${qualified} "${of}"`;
      return `${named} is forbidden: User "bob" cannot ${verb} resource "${resource}" in API group "${group}" ${where}`;
    };

    test('who has none is told in one sentence what is missing', async () => {
      const namespace = await bench.namespace();
      const bob = bench.doors.as('bob');
      const here = `in the namespace "${namespace}"`;
      const group = 'contract.brickproof.dev';
      const key = { namespace, name: 'one' };
      const widget = await bench.widget(namespace, 'one');
      const merge = { type: 'merge', body: {} } as const;
      const { signal } = new AbortController();
      const watched = (): Promise<unknown> =>
        bob.watch(WIDGET, { namespace, signal })[Symbol.asyncIterator]().next();
      for (const [call, told] of [
        [() => bob.get(WIDGET, key), message('get', 'widgets', group, here, 'one')],
        [() => bob.list(WIDGET, { namespace }), message('list', 'widgets', group, here)],
        [() => bob.list(WIDGET), message('list', 'widgets', group, 'at the cluster scope')],
        [watched, message('watch', 'widgets', group, here)],
        [() => bob.create(WIDGET, { ...widget, metadata: key }), message('create', 'widgets', group, here)],
        [() => bob.replace(WIDGET, widget), message('update', 'widgets', group, here, 'one')],
        [() => bob.patch(WIDGET, key, merge), message('patch', 'widgets', group, here, 'one')],
        [
          () => bob.patch(WIDGET, key, merge, { subresource: 'status' }),
          message('patch', 'widgets/status', group, here, 'one'),
        ],
        [() => bob.delete(WIDGET, key), message('delete', 'widgets', group, here, 'one')],
        [() => bob.list(POD, { namespace }), message('list', 'pods', '', here)],
      ] as const)
        expect(await refusalOf(call())).toEqual({
          reason: 'Forbidden',
          code: 403,
          message: told,
          causes: [],
        });
    });

    test('what there is no kind of is forbidden first, and unknown only to who might', async () => {
      const unknown: Kind = { ...WIDGET, plural: 'nothings' };
      const namespace = await bench.namespace();
      expect(await refusalOf(bench.doors.as('bob').list(unknown, { namespace }))).toMatchObject({
        code: 403,
      });
      expect(await refusalOf(bench.api.list(unknown, { namespace }))).toMatchObject({ code: 404 });
    });

    test('a role gives its verbs on its resources, and nothing beside', async () => {
      const rule = { apiGroups: ['contract.brickproof.dev'], resources: ['widgets'], verbs: ['get', 'list'] };
      const namespace = await granted('bob', rule);
      const bob = bench.doors.as('bob');
      await bench.widget(namespace, 'one');
      expect((await bob.get(WIDGET, { namespace, name: 'one' })).metadata.name).toBe('one');
      expect((await bob.list(WIDGET, { namespace })).items).toHaveLength(1);
      const elsewhere = await bench.namespace();
      const attempts = [
        () => bob.list(WIDGET),
        () => bob.delete(WIDGET, { namespace, name: 'one' }),
        () => bob.list(CONFIG_MAP, { namespace }),
        () =>
          bob.patch(
            WIDGET,
            { namespace, name: 'one' },
            { type: 'merge', body: {} },
            { subresource: 'status' },
          ),
        () => bob.list(WIDGET, { namespace: elsewhere }),
      ];
      for (const attempt of attempts) expect((await refusalOf(attempt())).code).toBe(403);
    });

    test('a rule that names objects is about these, also to who lists them by name', async () => {
      const rule = {
        ...{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'] },
        verbs: ['get', 'list', 'create'],
      };
      const namespace = await granted('bob', rule);
      const bob = bench.doors.as('bob');
      const fieldSelector = 'metadata.name=mine';
      expect((await bob.list(CONFIG_MAP, { namespace, fieldSelector })).items).toEqual([]);
      expect((await refusalOf(bob.get(CONFIG_MAP, { namespace, name: 'mine' }))).code).toBe(404);
      expect((await refusalOf(bob.get(CONFIG_MAP, { namespace, name: 'yours' }))).code).toBe(403);
      expect((await refusalOf(bob.list(CONFIG_MAP, { namespace }))).code).toBe(403);
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name: 'mine' } };
      expect((await refusalOf(bob.create(CONFIG_MAP, object))).code).toBe(403);
    });

    test('to apply what is not there is to create it', async () => {
      const namespace = await granted('bob', {
        apiGroups: [''],
        resources: ['configmaps'],
        verbs: ['patch'],
      });
      const key = { namespace, name: 'applied' };
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: key, data: { a: '1' } };
      const apply = (): Promise<unknown> =>
        bench.doors.as('bob').patch(CONFIG_MAP, key, { type: 'apply', body }, { fieldManager: 'bob' });
      expect(await refusalOf(apply())).toMatchObject({
        code: 403,
        message: message('create', 'configmaps', '', `in the namespace "${namespace}"`, 'applied'),
      });
      await bench.api.create(CONFIG_MAP, { ...body, data: {} });
      await apply();
    });

    test('a group has what its binding says; a ClusterRole bound in a namespace ends there', async () => {
      const namespace = await bench.namespace();
      const name = bench.unique('readers');
      const rules = [{ apiGroups: ['*'], resources: ['widgets', '*/status'], verbs: ['*'] }];
      const { apiVersion } = CLUSTER_ROLE;
      await bench.api.create(CLUSTER_ROLE, {
        apiVersion,
        kind: CLUSTER_ROLE.kind,
        metadata: { name },
        rules,
      });
      const gardeners: Subject = { kind: 'Group', name: 'gardeners', apiGroup: RBAC_GROUP };
      await bench.api.create(
        ROLE_BINDING,
        bindingOf(namespace, 'b', roleRef('ClusterRole', name), gardeners),
      );
      const alice = bench.doors.as('alice');
      const group = 'contract.brickproof.dev';
      await bench.eventually(() => may(alice, { namespace, verb: 'list', group, resource: 'widgets' }));
      expect((await alice.list(WIDGET, { namespace })).items).toEqual([]);
      expect((await refusalOf(alice.list(WIDGET))).code).toBe(403);
      expect((await refusalOf(bench.doors.as('bob').list(WIDGET, { namespace }))).code).toBe(403);
      const status = { namespace, verb: 'update', group: '', resource: 'pods', subresource: 'status' };
      expect(await may(alice, status)).toBe(true);
      expect(await may(alice, { ...status, subresource: '' })).toBe(false);
    });

    test('a binding to a role that is not there is said to be why', async () => {
      const namespace = await bench.namespace();
      await bench.api.create(
        ROLE_BINDING,
        bindingOf(namespace, 'b', roleRef('Role', 'missing'), user('bob')),
      );
      const list = (): Promise<{ readonly message: string }> =>
        refusalOf(bench.doors.as('bob').list(POD, { namespace }));
      await bench.eventually(async () => (await list()).message.includes('RBAC'));
      expect((await list()).message).toBe(
        `${message('list', 'pods', '', `in the namespace "${namespace}"`)}: RBAC: role.rbac.authorization.k8s.io "missing" not found`,
      );
    });
  });

  describe('questions about rights', () => {
    test('whether I may is answered with the binding that lets me', async () => {
      const namespace = await granted('bob', { apiGroups: [''], resources: ['pods'], verbs: ['get'] });
      const bob = bench.doors.as('bob');
      const resourceAttributes = { namespace, verb: 'get', resource: 'pods', name: 'x' };
      const yes = await ask(bob, MAY_I, { resourceAttributes });
      expect(yes.status).toEqual({
        allowed: true,
        reason: `RBAC: allowed by RoleBinding "granted/${namespace}" of Role "granted" to User "bob"`,
      });
      expect(yes.spec).toEqual({ resourceAttributes });
      const no = await ask(bob, MAY_I, { resourceAttributes: { ...resourceAttributes, verb: 'list' } });
      expect(no.status).toEqual({ allowed: false });
    });

    test('paths are asked about as resources are', async () => {
      const bob = bench.doors.as('bob');
      for (const [path, allowed] of [
        ['/version', true],
        ['/apis/apps/v1', true],
        ['/metrics', false],
      ] as const) {
        const { status } = await ask(bob, MAY_I, { nonResourceAttributes: { path, verb: 'get' } });
        expect([path, status?.allowed]).toEqual([path, allowed]);
      }
    });

    test('a question must be one, and not two', async () => {
      const bob = bench.doors.as('bob');
      const resourceAttributes = { verb: 'get', resource: 'pods' };
      const nonResourceAttributes = { verb: 'get', path: '/' };
      expect(await refusalOf(ask(bob, MAY_I, {}))).toMatchObject({
        code: 422,
        causes: ['FieldValueInvalid spec.resourceAttributes'],
      });
      expect(await refusalOf(ask(bob, MAY_I, { resourceAttributes, nonResourceAttributes }))).toMatchObject({
        code: 422,
        causes: ['FieldValueInvalid spec.nonResourceAttributes'],
      });
      expect(await refusalOf(ask(bench.api, MAY_THEY, { resourceAttributes }))).toMatchObject({
        code: 422,
        causes: ['FieldValueInvalid spec.user'],
      });
    });

    test('about others only who may ask is answered', async () => {
      const namespace = await granted('bob', { apiGroups: [''], resources: ['pods'], verbs: ['get'] });
      const spec = { user: 'bob', resourceAttributes: { namespace, verb: 'get', resource: 'pods' } };
      expect((await refusalOf(ask(bench.doors.as('alice'), MAY_THEY, spec))).code).toBe(403);
      expect((await ask(bench.api, MAY_THEY, spec)).status?.allowed).toBe(true);
      const mallory = { ...spec, user: 'mallory', groups: ['cooks'] };
      expect((await ask(bench.api, MAY_THEY, mallory)).status?.allowed).toBe(false);
      expect((await ask(bench.api, MAY_THEY_HERE, spec, namespace)).status?.allowed).toBe(true);
      const elsewhere = await bench.namespace();
      expect(await refusalOf(ask(bench.api, MAY_THEY_HERE, spec, elsewhere))).toMatchObject({
        code: 422,
        causes: ['FieldValueInvalid spec.resourceAttributes.namespace'],
      });
    });

    test('what I may is listed, by resources and by paths', async () => {
      const rule = { verbs: ['get', 'watch'], apiGroups: [''], resources: ['pods'], resourceNames: ['p'] };
      const namespace = await granted('bob', rule);
      const { status, spec } = await ask(bench.doors.as('bob'), WHAT_MAY_I, { namespace });
      expect(status?.incomplete).toBe(false);
      expect(status?.resourceRules).toContainEqual(rule);
      expect(status?.resourceRules).toContainEqual({
        ...{ verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
      });
      const paths = (status?.nonResourceRules ?? []) as readonly {
        readonly nonResourceURLs: readonly string[];
      }[];
      expect(paths.flatMap(({ nonResourceURLs }) => nonResourceURLs)).toEqual(
        expect.arrayContaining(['/api/*', '/apis/*', '/openapi/*', '/version', '/healthz']),
      );
      expect(spec).toEqual({});
      expect((await refusalOf(ask(bench.doors.as('bob'), WHAT_MAY_I, {}))).code).toBe(400);
    });
  });
}
