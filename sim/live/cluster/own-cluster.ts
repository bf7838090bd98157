import { ClientNodeKubeApi } from '../../../operator/adapters/kube-client-node.ts';
import type { KubeApi } from '../../../src/kube/api.ts';
import type { Random } from '../../../src/random/random.ts';
import type { Clock } from '../../../src/time/clock.ts';
import { EVERYWHERE, NODE_NAME, usersOf } from '../../cast.ts';
import { CertificateAuthority } from '../../cluster/auth/certificate-authority.ts';
import { MASTERS, trustedUser, type UserInfo } from '../../cluster/auth/user.ts';
import { EmbeddedCluster } from '../../cluster/embedded-cluster.ts';
import { type DoorTls, HttpDoor } from '../../cluster/http/http-door.ts';
import { type KubeconfigParts, kubeconfig } from '../../cluster/http/http-kubeconfig.ts';
import { INSTALLER } from '../../cluster/requests.ts';
import { ApiWeather } from '../../faults/api-weather.ts';
import { addNode, installAccounts, installDefinitions } from '../../install.ts';
import { KubeconfigFile, type LiveCluster } from './live-cluster.ts';

export interface OwnClusterOptions {
  /** 0: any free port. */
  readonly port: number;
  /** HTTPS, and a client certificate for the administrator. */
  readonly tls?: boolean;
  /** Roles decide who may do what; brings TLS with it, because nobody should show credentials in the clear. */
  readonly rbac?: boolean;
  /** People who get a bearer token, and a context in the kubeconfig. */
  readonly users?: readonly UserInfo[];
}

/**
 * Starts an embedded cluster over a socket of this machine, with weather; each of the cast has a token, so
 * that faults can tell who asks.
 *
 * Rejects with the system's error when the port is taken.
 */
export async function openOwnCluster(
  clock: Clock,
  random: Random,
  { port, rbac = false, tls = false, users: people = [] }: OwnClusterOptions = { port: 0 },
): Promise<LiveCluster> {
  const weather = new ApiWeather(random.split('api-weather'));
  const { intercept, interceptWatch } = weather;
  const users = new Map<string, UserInfo>();
  const ca = tls || rbac ? new CertificateAuthority(clock, random.split('authority')) : undefined;
  const cluster = new EmbeddedCluster({
    ...{ clock, random: random.split('cluster'), intercept, interceptWatch },
    access: { rbac, users },
    // People look at who owns what, and there are few objects.
    tracksWriters: true,
    ...(ca !== undefined && { authority: ca.certificate }),
  });
  const door = new HttpDoor(cluster, ca && doorTls(ca));
  const url = await door.listen(port);
  const tokenOf = (user: UserInfo): string => {
    const token = Buffer.from(random.split(`token/${user.name}`).bytes(24)).toString('base64url');
    users.set(token, user);
    return token;
  };
  const kubeOf = (user: UserInfo): KubeApi =>
    ClientNodeKubeApi.connect({
      ...{ url, token: tokenOf(user) },
      ...(ca !== undefined && { authority: ca.certificate }),
    });
  const kube = kubeOf(trustedUser('admin'));
  // Before anybody is told where to look: who looks at once should find our kinds.
  await installDefinitions(kube);
  if (rbac) await installAccounts(cluster.api(INSTALLER));
  await addNode(kube, clock, NODE_NAME);
  const parts: KubeconfigParts = {
    users: people.map((user) => ({ name: user.name, token: tokenOf(user) })),
    ...(ca !== undefined && {
      authority: ca.certificate,
      admin: { credential: ca.client('kubernetes-admin', [MASTERS]) },
    }),
  };
  const file = new KubeconfigFile(kubeconfig(url, parts));
  return {
    url,
    kubeconfig: file.path,
    kube,
    namespace: 'default',
    bounds: EVERYWHERE,
    api: { weather, cluster, usersOf },
    kubeOf,
    markInstalled: () => cluster.markInstalled(),
    close: async () => {
      file.remove();
      await door.close();
    },
  };
}

function doorTls(authority: CertificateAuthority): DoorTls {
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  return { ...authority.server(names, ['127.0.0.1']), authority: authority.certificate };
}
