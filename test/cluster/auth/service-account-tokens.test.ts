import { createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ISSUER } from '../../../sim/cluster/auth/service-account-tokens.ts';
import { POD } from '../../../src/kube/core.ts';
import type { Kind } from '../../../src/kube/object.ts';
import { SeededRandom } from '../../../src/random/random.ts';
import { ClusterInTest } from '../cluster-in-test.ts';

const ACCOUNT: Kind = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};
const KEY = { namespace: 'default', name: 'bot' };

interface Request {
  readonly spec?: object;
}

async function withAccount() {
  const world = new ClusterInTest();
  const { server, access } = world.cluster;
  const made = await world.api.create(ACCOUNT, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: KEY });
  const issue = (request: Request = {}): string => {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', ...request };
    const served = server.catalog.ofKind(ACCOUNT);
    const answer = server.act(served, KEY, 'token', body, { user: 'admin' });
    return (answer.status as { readonly token: string }).token;
  };
  return { ...world, world, access, issue, uid: made.metadata.uid };
}

const why = (verdict: { readonly ok: boolean; readonly why?: string }): string | undefined => verdict.why;

test('a token stands for its account until its time is up', async () => {
  const { world, access, issue, uid } = await withAccount();
  const token = issue({ spec: { expirationSeconds: 600 } });
  expect(access.userOfToken(token)).toMatchObject({
    ...{ ok: true, audiences: [ISSUER] },
    user: { name: 'system:serviceaccount:default:bot', uid },
  });
  await world.pass(599_000);
  expect(access.userOfToken(token).ok).toBe(true);
  await world.pass(1_000);
  expect(why(access.userOfToken(token))).toBe('service account token has expired');
});

test('it ends with its account, and an account of the same name is another', async () => {
  const { world, access, issue } = await withAccount();
  const token = issue();
  await world.api.delete(ACCOUNT, KEY);
  expect(why(access.userOfToken(token))).toBe('service account default/bot has been deleted');
  await world.api.create(ACCOUNT, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: KEY });
  expect(access.userOfToken(token).ok).toBe(false);
});

test('bound to a Pod, it ends with the Pod, and says which it was', async () => {
  const { world, access, issue } = await withAccount();
  const spec = { serviceAccountName: 'bot', containers: [{ name: 'main', image: 'x' }] };
  const metadata = { namespace: 'default', name: 'runner' };
  const pod = await world.api.create(POD, { apiVersion: 'v1', kind: 'Pod', metadata, spec });
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'runner' };
  const token = issue({ spec: { boundObjectRef } });
  expect(access.userOfToken(token)).toMatchObject({
    user: {
      extra: {
        'authentication.kubernetes.io/pod-name': ['runner'],
        'authentication.kubernetes.io/pod-uid': [pod.metadata.uid],
      },
    },
  });
  await world.api.delete(POD, metadata, { gracePeriodSeconds: 0 });
  expect(why(access.userOfToken(token))).toBe('service account token has been invalidated');
  expect(() => issue({ spec: { boundObjectRef } })).toThrow('pods "runner" not found');
});

test('what is for somebody else is not for the server', async () => {
  const { access, issue } = await withAccount();
  const token = issue({ spec: { audiences: ['vault'] } });
  expect(access.userOfToken(token).ok).toBe(false);
  expect(access.userOfToken(token, ['vault', 'other'])).toMatchObject({ ok: true, audiences: ['vault'] });
});

test('a server that starts again believes the tokens of the one before; another cluster does not', async () => {
  const { world, issue } = await withAccount();
  const token = issue();
  world.cluster.restart('kept');
  expect(world.cluster.access.userOfToken(token).ok).toBe(true);
  const stranger = new ClusterInTest({ random: SeededRandom.ofSeed(2) });
  expect(why(stranger.cluster.access.userOfToken(token))).toBe('invalid bearer token');
});

test('others can verify a token with the published keys', async () => {
  const { access, issue } = await withAccount();
  const [header = '', claims = '', signature = ''] = issue().split('.');
  const { keys } = access.tokens.keySet() as { readonly keys: readonly Record<string, string>[] };
  const [jwk = {}] = keys;
  expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'ES256', kid: jwk.kid });
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const bytes = Buffer.from(signature, 'base64url');
  expect(
    verify('sha256', Buffer.from(`${header}.${claims}`), { key, dsaEncoding: 'ieee-p1363' }, bytes),
  ).toBe(true);
});

test('no other text is a token, however little it differs', async () => {
  const { access, issue } = await withAccount();
  const token = issue();
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom('A', 'z', '.', '-', '='), (at, char) => {
      const forged = token.slice(0, at) + char + token.slice(at + 1);
      // The last character of a signature carries bits that mean nothing.
      fc.pre(forged !== token && at < token.length - 1);
      expect(access.userOfToken(forged).ok).toBe(false);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(access.userOfToken(text).ok).toBe(false);
    }),
  );
});
