import { describe, expect, test } from 'vitest';
import type { KubeApi } from '../../src/kube/api.ts';
import { POD } from '../../src/kube/core.ts';
import type { Kind, KubeObject, NewObject } from '../../src/kube/object.ts';
import {
  CLUSTER_ROLE,
  CLUSTER_ROLE_BINDING,
  type PolicyRule,
  RBAC_GROUP,
  ROLE,
  ROLE_BINDING,
  type RoleRef,
  type Subject,
} from '../../src/kube/rbac.ts';
import type { Bench } from './kube.ts';
import { CONFIG_MAP, WIDGET } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

/** Whom every server under test must know by a token; `admin` in system:masters is known beside them. */
export const ACCESS_USERS = [
  { name: 'alice', groups: ['gardeners', 'cooks'] },
  { name: 'bob', groups: ['cooks'] },
] as const;

export type AccessUser = (typeof ACCESS_USERS)[number]['name'];

/** The server as others than its administrator meet it. */
export interface Doors {
  as(user: AccessUser): KubeApi;
  tokenOf(user: AccessUser): string;
}

type Review = KubeObject & { readonly spec?: object; readonly status?: Readonly<Record<string, unknown>> };

const reviewKind = (kind: string, group: string): Kind<Review> => ({
  apiVersion: `${group}/v1`,
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced: kind.startsWith('Local'),
});
const MAY_I = reviewKind('SelfSubjectAccessReview', 'authorization.k8s.io');
const MAY_THEY = reviewKind('SubjectAccessReview', 'authorization.k8s.io');
const MAY_THEY_HERE = reviewKind('LocalSubjectAccessReview', 'authorization.k8s.io');
const WHAT_MAY_I = reviewKind('SelfSubjectRulesReview', 'authorization.k8s.io');
const WHO_AM_I = reviewKind('SelfSubjectReview', 'authentication.k8s.io');
const WHOSE_TOKEN = reviewKind('TokenReview', 'authentication.k8s.io');

const ACCOUNT: Kind = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

function ask(api: KubeApi, kind: Kind<Review>, spec?: object, namespace?: string): Promise<Review> {
  const { apiVersion, kind: name } = kind;
  const metadata = namespace === undefined ? {} : { namespace };
  return api.create(kind, { apiVersion, kind: name, metadata, ...(spec && { spec }) });
}

const user = (name: AccessUser): Subject => ({ kind: 'User', name, apiGroup: RBAC_GROUP });
const roleRef = (kind: RoleRef['kind'], name: string): RoleRef => ({ apiGroup: RBAC_GROUP, kind, name });

export function accessContract(bench: Bench): void {
  const role = (namespace: string, name: string, ...rules: readonly PolicyRule[]): Promise<KubeObject> =>
    bench.api.create(ROLE, {
      apiVersion: ROLE.apiVersion,
      kind: ROLE.kind,
      metadata: { namespace, name },
      rules,
    });
  const bindingOf = (namespace: string, name: string, ref: RoleRef, ...subjects: readonly Subject[]) => ({
    ...{ apiVersion: ROLE_BINDING.apiVersion, kind: ROLE_BINDING.kind, metadata: { namespace, name } },
    ...{ roleRef: ref, subjects },
  });
  const may = async (api: KubeApi, resourceAttributes: object): Promise<boolean> => {
    const { status } = await ask(api, MAY_I, { resourceAttributes });
    return status?.allowed === true;
  };
  /** Gives `subjects` the rules in a fresh namespace, and waits until the server knows. */
  const granted = async (who: AccessUser, ...rules: readonly PolicyRule[]): Promise<string> => {
    const namespace = await bench.namespace();
    await role(namespace, 'granted', ...rules);
    await bench.api.create(
      ROLE_BINDING,
      bindingOf(namespace, 'granted', roleRef('Role', 'granted'), user(who)),
    );
    const [rule] = rules;
    const [group = ''] = rule?.apiGroups ?? [];
    const [resource = '', subresource = ''] = rule?.resources?.[0]?.split('/') ?? [];
    const name = rule?.resourceNames?.[0] ?? '';
    const attributes = { namespace, verb: rule?.verbs[0], group, resource, subresource, name };
    await bench.eventually(() => may(bench.doors.as(who), attributes));
    return namespace;
  };

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

  describe('questions about who', () => {
    test('who I am is my name and my groups', async () => {
      const { status } = await ask(bench.doors.as('alice'), WHO_AM_I);
      expect(status?.userInfo).toMatchObject({
        username: 'alice',
        groups: ['gardeners', 'cooks', 'system:authenticated'],
      });
    });

    test('whose a token is, and that of nobody', async () => {
      const known = await ask(bench.api, WHOSE_TOKEN, { token: bench.doors.tokenOf('bob') });
      expect(known.status).toMatchObject({
        authenticated: true,
        user: { username: 'bob', groups: ['cooks', 'system:authenticated'] },
        audiences: ['https://kubernetes.default.svc.cluster.local'],
      });
      const { status } = await ask(bench.api, WHOSE_TOKEN, { token: 'of-nobody' });
      expect(status).toMatchObject({ user: {} });
      expect(status?.authenticated ?? false).toBe(false);
      expect(status?.error).toEqual(expect.stringContaining('invalid bearer token'));
      const audiences = ['somebody-else'];
      const meant = await ask(bench.api, WHOSE_TOKEN, { token: bench.doors.tokenOf('bob'), audiences });
      expect(meant.status?.authenticated ?? false).toBe(false);
      expect((await refusalOf(ask(bench.api, WHOSE_TOKEN, { token: '' }))).code).toBe(400);
      expect((await refusalOf(ask(bench.doors.as('bob'), WHOSE_TOKEN, { token: 'x' }))).code).toBe(403);
    });

    test('questions are not kept', async () => {
      expect((await refusalOf(bench.api.list(MAY_I))).code).toBe(405);
    });
  });

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

  bench.needing('HTTP', 'credentials', () => {
    const inherit = { authorization: '' };

    test('who shows none is nobody in particular, and may see little', async () => {
      expect(await bench.wire.send('GET', '/version', { headers: inherit })).toMatchObject({ status: 200 });
      expect(await bench.wire.refusal('GET', '/api', { headers: inherit })).toMatchObject({
        code: 403,
        message: 'forbidden: User "system:anonymous" cannot get path "/api"',
      });
    });

    test('a token of nobody is not taken for none', async () => {
      const headers = { authorization: 'Bearer of-nobody' };
      const { status, body } = await bench.wire.send('GET', '/version', { headers });
      expect(status).toBe(401);
      expect(body).toEqual({
        ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' },
        ...{ message: 'Unauthorized', reason: 'Unauthorized', code: 401 },
      });
    });

    test('a ServiceAccount gets a token that stands for it', async () => {
      const namespace = await bench.namespace();
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'bot' } };
      const { metadata } = await bench.api.create(ACCOUNT, account);
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/bot/token`;
      const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
      const { status, body } = await bench.wire.send('POST', path, { body: request });
      expect(status).toBe(201);
      const made = body as {
        readonly spec: { readonly audiences: readonly string[]; readonly expirationSeconds: number };
        readonly status: { readonly token: string };
      };
      const issuer = 'https://kubernetes.default.svc.cluster.local';
      expect(made.spec).toMatchObject({ audiences: [issuer], expirationSeconds: 3600 });
      const claims = JSON.parse(Buffer.from(made.status.token.split('.')[1] ?? '', 'base64url').toString());
      expect(claims).toMatchObject({
        ...{ aud: [issuer], iss: issuer, sub: `system:serviceaccount:${namespace}:bot` },
        'kubernetes.io': { namespace, serviceaccount: { name: 'bot', uid: metadata.uid } },
      });
      expect(claims.exp - claims.iat).toBe(3600);
      const headers = { authorization: `Bearer ${made.status.token}` };
      const whoami = { apiVersion: WHO_AM_I.apiVersion, kind: WHO_AM_I.kind };
      const who = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
      const me = await bench.wire.send('POST', who, { headers, body: whoami });
      expect(me.body).toMatchObject({
        status: {
          userInfo: {
            username: `system:serviceaccount:${namespace}:bot`,
            uid: metadata.uid,
            groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
            extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] },
          },
        },
      });
    });

    test('a token lives ten minutes at least, and belongs to an account that is there', async () => {
      const namespace = await bench.namespace();
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: 'bot' } };
      await bench.api.create(ACCOUNT, account);
      const path = (name: string): string => `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
      const body = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 60 },
      };
      expect(await bench.wire.refusal('POST', path('bot'), { body })).toMatchObject({
        code: 422,
        causes: ['FieldValueInvalid spec.expirationSeconds'],
      });
      expect(await bench.wire.refusal('POST', path('nobody'), { body: { ...body, spec: {} } })).toMatchObject(
        {
          code: 404,
          message: 'serviceaccounts "nobody" not found',
        },
      );
    });

    test('somebody else is who may be, and only by who may be somebody else', async () => {
      const who = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
      const body = { apiVersion: WHO_AM_I.apiVersion, kind: WHO_AM_I.kind };
      const groupsOf = async (headers: Readonly<Record<string, string>>): Promise<unknown> => {
        const reply = await bench.wire.send('POST', who, { headers, body });
        return (reply.body as { status: { userInfo: unknown } }).status.userInfo;
      };
      expect(await groupsOf({ 'impersonate-user': 'carol' })).toMatchObject({
        ...{ username: 'carol', groups: ['system:authenticated'] },
      });
      expect(
        await groupsOf({
          'impersonate-user': 'carol',
          'impersonate-group': 'cooks',
          'impersonate-extra-scopes': 'a',
        }),
      ).toMatchObject({ groups: ['cooks', 'system:authenticated'], extra: { scopes: ['a'] } });
      expect(await groupsOf({ 'impersonate-user': 'system:serviceaccount:default:bot' })).toMatchObject({
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      });
      const bob = { authorization: `Bearer ${bench.doors.tokenOf('bob')}`, 'impersonate-user': 'carol' };
      expect(await bench.wire.refusal('GET', '/api', { headers: bob })).toMatchObject({
        code: 403,
        message:
          'users "carol" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope',
      });
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
