import { connectMqtt, type MqttChannel } from '../../operator/adapters/mqtt-channel.ts';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { SystemRandom } from '../../operator/adapters/system-random.ts';
import { WallClock } from '../../operator/adapters/wall-clock.ts';
import { Cast, NODE_NAME } from '../cast.ts';
import { CertificateAuthority } from '../cluster/auth/certificate-authority.ts';
import { MASTERS, type UserInfo } from '../cluster/auth/user.ts';
import { EmbeddedCluster } from '../cluster/embedded-cluster.ts';
import { type DoorTls, HttpDoor } from '../cluster/http/http-door.ts';
import type { KubeconfigParts } from '../cluster/http/http-kubeconfig.ts';
import { INSTALLER } from '../cluster/requests.ts';
import { Kubelet } from '../cluster/stand-ins/kubelet.ts';
import { enrol, installAccounts, installDefinitions } from '../install.ts';
import { serveRegistry } from '../registry/http.ts';
import { RegistryStore } from '../registry/store.ts';
import { startBroker } from './broker.ts';
import { ScaledClock } from './scaled-clock.ts';

export interface ServedClusterOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Runs the operator, with a broker and a registry for its devices and their firmware. */
  readonly operator: boolean;
  /** HTTPS, and client certificates. */
  readonly tls?: boolean;
  /** Roles decide who may do what; brings TLS with it, because nobody should show credentials in the clear. */
  readonly rbac?: boolean;
  /** People who get a bearer token. */
  readonly users?: readonly UserInfo[];
}

/** A cluster on this machine that answers over HTTP until it is closed. */
export interface ServedCluster {
  readonly url: string;
  /** Who may come, and by what; with TLS the administrator has a certificate. */
  readonly kubeconfig: KubeconfigParts;
  /** With the operator: `mqtt://127.0.0.1:…`, and the host part of firmware references. */
  readonly around?: { readonly broker: string; readonly registry: string };
  /** Settles never, or rejects with what ended the operator's world: a bug. */
  readonly broken: Promise<never>;
  close(): Promise<void>;
}

/**
 * Serves the embedded cluster with our definitions and one node in it, in real time.
 *
 * Rejects with the system's error when the port is taken.
 */
export async function openServedCluster(options: ServedClusterOptions): Promise<ServedCluster> {
  const clock = new ScaledClock();
  const random = new SystemRandom();
  const { rbac = false, tls = rbac, users: known = [] } = options;
  const people = known.map((user) => ({ user, token: Buffer.from(random.bytes(24)).toString('base64url') }));
  const users = new Map(people.map(({ user, token }) => [token, user]));
  const cluster = new EmbeddedCluster({ clock, random, access: { rbac, users } });
  const authority = tls || rbac ? new CertificateAuthority(clock, random) : undefined;
  const door = new HttpDoor(cluster, authority && doorTls(authority));
  const url = await door.listen(options.port);
  const closing: (() => Promise<void> | void)[] = [() => door.close()];
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  await installDefinitions(cluster.api());
  if (rbac) await installAccounts(cluster.api(INSTALLER));
  await enrol(cluster.api(), clock, NODE_NAME, []);
  const around = options.operator ? await startAround(cluster, clock, broken.reject, closing) : undefined;
  if (around === undefined) startKubelet(cluster, clock, broken.reject, closing);
  return {
    url,
    kubeconfig: {
      users: people.map(({ user, token }) => ({ name: user.name, token })),
      ...(authority !== undefined && {
        authority: authority.certificate,
        admin: { credential: authority.client('kubernetes-admin', [MASTERS]) },
      }),
    },
    ...(around !== undefined && { around }),
    broken: broken.promise,
    close: async () => {
      for (const close of closing.reverse()) await close();
      closing.length = 0;
    },
  };
}

function doorTls(authority: CertificateAuthority): DoorTls {
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  return { ...authority.server(names, ['127.0.0.1']), authority: authority.certificate };
}

/** Pods of a cluster without an operator stay pending and say why; the kubelet lets deleted ones go. */
function startKubelet(
  cluster: EmbeddedCluster,
  clock: ScaledClock,
  onBug: (error: unknown) => void,
  closing: (() => void)[],
): void {
  const ended = new AbortController();
  const kubelet = new Kubelet({
    api: cluster.api('kubelet'),
    clock,
    nodeName: NODE_NAME,
    programs: () => undefined,
  });
  kubelet.run(ended.signal).catch((error: unknown) => {
    if (!ended.signal.aborted) onBug(error);
  });
  closing.push(() => ended.abort());
}

/** Everything that the operator needs around it, and the operator. */
async function startAround(
  cluster: EmbeddedCluster,
  clock: ScaledClock,
  onBug: (error: unknown) => void,
  closing: (() => Promise<void> | void)[],
): Promise<NonNullable<ServedCluster['around']>> {
  const broker = await startBroker();
  closing.push(() => broker.close());
  const registry = await serveRegistry(new RegistryStore());
  closing.push(() => registry.close());
  const channels: MqttChannel[] = [];
  const cast = new Cast({
    clock,
    random: new SystemRandom(),
    registry: new HttpRegistry({ clock: new WallClock(), insecureHosts: [registry.host] }),
    kubeOf: (user) => cluster.as(user),
    channelOf: (name) => {
      const channel = connectMqtt({ url: broker.url, clientId: `brickproof-${name}` });
      channels.push(channel);
      return channel;
    },
    signaturePolicy: undefined,
    deciders: {},
    onBug,
  });
  closing.push(() => {
    cast.stop();
    for (const channel of channels) channel.drop();
  });
  cast.start();
  return { broker: broker.url, registry: registry.host };
}
