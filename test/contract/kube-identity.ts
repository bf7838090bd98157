import { describe, expect, test } from 'vitest';
import { ACCOUNT, ask, MAY_I, WHO_AM_I, WHOSE_TOKEN } from './access-bench.ts';
import type { Bench } from './kube.ts';
import { refusalOf } from './refusal.ts';

export function identityContract(bench: Bench): void {
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
}
