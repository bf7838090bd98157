import { connectMqtt, type MqttChannel } from '../../operator/adapters/mqtt-channel.ts';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { SystemRandom } from '../../operator/adapters/system-random.ts';
import { WallClock } from '../../operator/adapters/wall-clock.ts';
import { Cast, NODE_NAME } from '../cast.ts';
import { EmbeddedCluster } from '../cluster/embedded-cluster.ts';
import { HttpDoor } from '../cluster/http/http-door.ts';
import { Kubelet } from '../cluster/stand-ins/kubelet.ts';
import { enrol, installDefinitions } from '../install.ts';
import { serveRegistry } from '../registry/http.ts';
import { RegistryStore } from '../registry/store.ts';
import { startBroker } from './broker.ts';
import { ScaledClock } from './scaled-clock.ts';

export interface ServedClusterOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Runs the operator, with a broker and a registry for its devices and their firmware. */
  readonly operator: boolean;
}

/** A cluster on this machine that answers over HTTP until it is closed. */
export interface ServedCluster {
  readonly url: string;
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
  const cluster = new EmbeddedCluster({ clock, random: new SystemRandom() });
  const door = new HttpDoor(cluster);
  const url = await door.listen(options.port);
  const closing: (() => Promise<void> | void)[] = [() => door.close()];
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  await installDefinitions(cluster.api());
  await enrol(cluster.api(), clock, NODE_NAME, []);
  const around = options.operator ? await startAround(cluster, clock, broken.reject, closing) : undefined;
  if (around === undefined) startKubelet(cluster, clock, broken.reject, closing);
  return {
    url,
    ...(around !== undefined && { around }),
    broken: broken.promise,
    close: async () => {
      for (const close of closing.reverse()) await close();
      closing.length = 0;
    },
  };
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
