import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientNodeKubeApi } from '../../../operator/adapters/kube-client-node.ts';
import { CertificateAuthority, type Credential } from '../../../sim/cluster/auth/certificate-authority.ts';
import { writeKubeconfig } from '../../../sim/cluster/http/http-kubeconfig.ts';
import { openServedCluster, type ServedCluster } from '../../../sim/live/served-cluster.ts';
import { NODE } from '../../../src/kube/core.ts';
import { SeededRandom } from '../../../src/random/random.ts';
import { refusalOf } from '../../contract/refusal.ts';
import { WallClock } from '../wall-clock.ts';

describe('a served cluster with roles', () => {
  const folder = mkdtempSync(join(tmpdir(), 'brickproof-access-'));
  const kubeconfig = join(folder, 'kubeconfig');
  let cluster: ServedCluster;

  beforeAll(async () => {
    const users = [{ name: 'alice', groups: ['gardeners'] }];
    cluster = await openServedCluster({ port: 0, operator: false, rbac: true, users });
    await writeKubeconfig(kubeconfig, cluster.url, cluster.kubeconfig);
  });
  afterAll(async () => {
    await cluster.close();
    rmSync(folder, { recursive: true });
  });

  async function whoIs(credential: Partial<Credential>, headers: Readonly<Record<string, string>> = {}) {
    const { certificate: cert, key } = credential;
    const url = `${cluster.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`;
    const ca = cluster.kubeconfig.authority;
    const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' });
    return new Promise<{ readonly status: number; readonly body: unknown }>((resolve, reject) => {
      const options = {
        ...{ method: 'POST', agent: false, headers: { 'content-type': 'application/json', ...headers } },
        ...(ca && { ca }),
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
    const admin = ClientNodeKubeApi.connect({ kubeconfig });
    expect((await admin.list(NODE)).items).toHaveLength(1);
  });

  test('knows a certificate of its own by common name and organizations', async () => {
    const { body } = await whoIs(cluster.kubeconfig.admin?.credential ?? {});
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
    expect(await whoIs(cluster.kubeconfig.admin?.credential ?? {}, headers)).toMatchObject({ status: 201 });
    expect(await whoIs({}, headers)).toMatchObject({ status: 401 });
    expect(await whoIs({})).toMatchObject({ status: 403 });
  });

  test('tells others how to verify its tokens', async () => {
    const { certificate: cert = '', key = '' } = cluster.kubeconfig.admin?.credential ?? {};
    const ca = cluster.kubeconfig.authority ?? '';
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
