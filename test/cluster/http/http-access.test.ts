import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ClientNodeKubeApi } from '../../../operator/adapters/kube-client-node.ts';
import { SystemRandom } from '../../../operator/adapters/system-random.ts';
import { CertificateAuthority, type Credential } from '../../../sim/cluster/auth/certificate-authority.ts';
import type { LiveCluster } from '../../../sim/live/cluster/live-cluster.ts';
import { openOwnCluster } from '../../../sim/live/cluster/own-cluster.ts';
import { NODE } from '../../../src/kube/core.ts';
import { SeededRandom } from '../../../src/random/random.ts';
import { refusalOf } from '../../contract/refusal.ts';
import { WallClock } from '../wall-clock.ts';

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

describe('a served cluster with roles', () => {
  let cluster: LiveCluster;
  let kubeconfig = '';
  let authority = '';
  let admin: Credential;

  beforeAll(async () => {
    const users = [{ name: 'alice', groups: ['gardeners'] }];
    const random = new SystemRandom();
    cluster = await openOwnCluster(new WallClock(), random, { port: 0, rbac: true, users });
    kubeconfig = cluster.kubeconfig;
    const config = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const text = (base64 = ''): string => Buffer.from(base64, 'base64').toString();
    const user = config.users[0]?.user ?? {};
    authority = text(config.clusters[0]?.cluster['certificate-authority-data']);
    admin = { certificate: text(user['client-certificate-data']), key: text(user['client-key-data']) };
  });
  afterAll(() => cluster.close());

  async function whoIs(credential: Partial<Credential>, headers: Readonly<Record<string, string>> = {}) {
    const { certificate: cert, key } = credential;
    const url = `${cluster.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`;
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' });
    return new Promise<{ readonly status: number; readonly body: unknown }>((resolve, reject) => {
      const options = {
        ...{ method: 'POST', agent: false, headers: { 'content-type': 'application/json', ...headers } },
        ca: authority,
        ...(cert && key && { cert, key }),
      };
      request(url, options, async (answer) => {
        resolve({ status: answer.statusCode ?? 0, body: await json(answer) });
      })
        .on('error', reject)
        .end(body);
    });
  }

  test('speaks HTTPS with a certificate that its kubeconfig can check, to an administrator who has one', async () => {
    expect(cluster.url).toMatch(/^https:/);
    const kube = ClientNodeKubeApi.connect({ kubeconfig });
    expect((await kube.list(NODE)).items).toHaveLength(1);
  });

  test('knows a certificate of its own by common name and organizations', async () => {
    const { body } = await whoIs(admin);
    expect(body).toMatchObject({
      status: {
        userInfo: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
      },
    });
  });

  test('does not know one that somebody else signed', async () => {
    const other = new CertificateAuthority(new WallClock(), SeededRandom.ofSeed(9));
    expect(await whoIs(other.client('kubernetes-admin', ['system:masters']))).toMatchObject({ status: 401 });
  });

  test('knows people by the token of their context, and lets them do what roles say', async () => {
    const alice = ClientNodeKubeApi.connect({ kubeconfig, context: 'alice' });
    expect(await refusalOf(alice.list(NODE))).toMatchObject({
      code: 403,
      message:
        'nodes is forbidden: User "alice" cannot list resource "nodes" in API group "" at the cluster scope',
    });
  });

  test('a good certificate goes before a bad token; a bad token does not make a guest', async () => {
    const headers = { authorization: 'Bearer of-nobody' };
    expect(await whoIs(admin, headers)).toMatchObject({ status: 201 });
    expect(await whoIs({}, headers)).toMatchObject({ status: 401 });
    expect(await whoIs({})).toMatchObject({ status: 403 });
  });

  test('tells others how to verify its tokens', async () => {
    const { certificate: cert, key } = admin;
    const ca = authority;
    const keys = await new Promise((resolve, reject) => {
      request(`${cluster.url}/openid/v1/jwks`, { ca, cert, key, agent: false }, (answer) =>
        resolve(json(answer)),
      )
        .on('error', reject)
        .end();
    });
    expect(keys).toMatchObject({ keys: [{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' }] });
  });
});
