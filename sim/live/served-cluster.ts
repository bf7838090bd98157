import { connectMqtt, type MqttChannel } from '../../operator/adapters/mqtt-channel.ts';
import { HttpRegistry } from '../../operator/adapters/registry-http.ts';
import { SystemRandom } from '../../operator/adapters/system-random.ts';
import { WallClock } from '../../operator/adapters/wall-clock.ts';
import { Cast, nodeBounds } from '../cast.ts';
import { EdgeNode } from '../edge-node.ts';
import { serveRegistry } from '../registry/http.ts';
import { RegistryStore } from '../registry/store.ts';
import { startBroker } from './broker.ts';
import type { LiveCluster } from './cluster/live-cluster.ts';
import type { OpenCluster } from './live-world.ts';
import { ScaledClock } from './scaled-clock.ts';

export interface ServedClusterOptions {
  readonly openCluster: OpenCluster;
  /** Runs the operator, with a broker and a registry for its devices and their firmware. */
  readonly operator: boolean;
}

/** A cluster that kubectl may be sent to until it is closed. */
export interface ServedCluster extends Pick<LiveCluster, 'url' | 'kubeconfig' | 'namespace'> {
  /** With the operator: `mqtt://127.0.0.1:…`, and the host part of firmware references. */
  readonly around?: { readonly broker: string; readonly registry: string };
  /** Settles never, or rejects with what ended the operator's world: a bug. */
  readonly broken: Promise<never>;
  close(): Promise<void>;
}

/**
 * Opens a cluster with our definitions and one node in it, in real time, and runs what is asked for around it.
 *
 * Rejects with what `openCluster` says, and with the system's error when a port cannot be had.
 */
export async function openServedCluster(options: ServedClusterOptions): Promise<ServedCluster> {
  const clock = new ScaledClock();
  const cluster = await options.openCluster(clock, new SystemRandom());
  const closing: (() => Promise<void> | void)[] = [() => cluster.close()];
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  const around = options.operator ? await startAround(cluster, clock, broken.reject, closing) : undefined;
  if (around === undefined) startNode(cluster, clock, broken.reject, closing);
  const { url, kubeconfig, namespace } = cluster;
  return {
    ...{ url, kubeconfig, namespace },
    ...(around !== undefined && { around }),
    broken: broken.promise,
    close: async () => {
      for (const close of closing.reverse()) await close();
      closing.length = 0;
    },
  };
}

/** Pods of a cluster without an operator play scripts, or stay pending and say why. */
function startNode(
  cluster: LiveCluster,
  clock: ScaledClock,
  onBug: (error: unknown) => void,
  closing: (() => void)[],
): void {
  const { kubeOf, bounds } = cluster;
  const node = new EdgeNode({ clock, kubeOf, onBug, programs: () => undefined, ...nodeBounds(bounds) });
  node.start();
  closing.push(() => node.stop());
}

/** Everything that the operator needs around it, and the operator. */
async function startAround(
  cluster: LiveCluster,
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
    kubeOf: (user) => cluster.kubeOf(user),
    bounds: cluster.bounds,
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
