import { ClientNodeKubeApi } from '../../../operator/adapters/kube-client-node.ts';
import { connect, type KubeConnection } from '../../../operator/adapters/kube-connection.ts';
import { exportInto, targetOf } from '../../../operator/adapters/kube-target.ts';
import { WallClock } from '../../../operator/adapters/wall-clock.ts';
import { CONFIGURATION, INSTANCE } from '../../../src/kube/akri.ts';
import { CONFIG_MAP, HOSTNAME_LABEL, POD, SECRET, SERVICE } from '../../../src/kube/core.ts';
import { DEVICE } from '../../../src/kube/device.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { FIRMWARE_ROLLOUT } from '../../../src/kube/firmware-rollout.ts';
import { FLASH_JOB } from '../../../src/kube/flash-job.ts';
import type { Bounds } from '../../cast.ts';
import { NodeHeartbeat } from '../../cluster/stand-ins/node-heartbeat.ts';
import { OwnerCollector } from '../../cluster/stand-ins/owner-collector.ts';
import { ensureDefinitions } from './definitions.ts';
import { KubeconfigFile, type LiveCluster } from './live-cluster.ts';
import { NamespaceAlias } from './namespace-alias.ts';
import { type Controllers, checkCluster, confirmTarget, findControllers } from './preflight.ts';
import { createRunNamespace, findAbandonedRuns, RUN_LABEL, removeRun } from './run-namespace.ts';

/** Whether we stand in for a scheduler and kube-controller-manager; `auto`: for those that the cluster has not. */
export type StandIns = 'auto' | 'all' | 'none';

export interface BorrowOptions {
  readonly connection: Extract<KubeConnection, { readonly kubeconfig: string }>;
  readonly standIns: StandIns;
  /** Told what people should know before it begins, and what could not be taken away at the end. */
  readonly say: (line: string) => void;
}

/** What agents may ask of our node, which has nothing of it: they run in this process. */
const CAPACITY = { cpu: '16', memory: '64Gi', pods: '1000' };
/** Kinds that own, or are owned. */
const COLLECTED = [
  CONFIGURATION,
  INSTANCE,
  DEVICE,
  FIRMWARE_ROLLOUT,
  FLASH_JOB,
  POD,
  SERVICE,
  CONFIG_MAP,
  SECRET,
];

/**
 * A place in somebody's cluster: a namespace, and a node of ours that nothing else lands on.
 *
 * Rejects before it touches anything: with KubeConnectionError when the kubeconfig leads nowhere, with
 * WorldError when the cluster cannot be used. `close` takes away what it made, definitions excepted: with
 * them everybody's objects would go.
 */
export async function borrowCluster(options: BorrowOptions): Promise<LiveCluster> {
  const { connection, standIns, say } = options;
  const config = connect(connection);
  const target = targetOf(config);
  confirmTarget(target, connection.context);
  const kube = new ClientNodeKubeApi(config);
  await checkCluster(kube, target);
  // Leases and time-outs of a real cluster are in real time, however fast the story is told.
  const clock = new WallClock();
  const found = await findControllers(kube);
  const has: Controllers =
    standIns === 'auto' ? found : { scheduler: standIns === 'none', manager: standIns === 'none' };
  for (const name of await findAbandonedRuns(kube))
    say(
      `left by a run that was cut short: namespace and node ${name}; brickproof cluster --sweep removes them`,
    );
  const added = await ensureDefinitions(kube, clock);
  if (added.length > 0) say(`added, and they stay: ${added.join(', ')}`);

  const name = await createRunNamespace(kube, clock);
  const ended = new AbortController();
  const giveBack = async (): Promise<void> => {
    ended.abort();
    try {
      const left = await removeRun(kube, clock, name, has.manager);
      if (left !== undefined) say(left);
    } catch (error) {
      // What the run found out stands all the same.
      if (!isKubeError(error)) throw error;
      say(
        `namespace and node ${name} could not be removed: ${error.message}; brickproof cluster --sweep does`,
      );
    }
  };
  try {
    const taint = { key: RUN_LABEL, value: name, effect: 'NoSchedule' as const };
    const node = new NodeHeartbeat(kube, clock, name);
    await node.start({ labels: { [RUN_LABEL]: name }, taints: [taint], capacity: CAPACITY });
    void node.beat(ended.signal);
    if (!has.manager)
      void new OwnerCollector({ api: kube, clock, namespace: name, kinds: COLLECTED }).run(ended.signal);
    const bounds: Bounds = {
      ...{ node: name, namespace: name, unscheduled: has.scheduler ? 'left' : 'select' },
      agentPlacement: {
        nodeSelector: { [HOSTNAME_LABEL]: name },
        tolerations: [{ ...taint, operator: 'Equal' }],
      },
    };
    const file = new KubeconfigFile(exportInto(config, name));
    let closed: Promise<void> | undefined;
    say(describe(name, target.context, has));
    return {
      url: target.server,
      kubeconfig: file.path,
      kube: new NamespaceAlias(kube, name),
      namespace: name,
      bounds,
      api: undefined,
      kubeOf: () => new ClientNodeKubeApi(config),
      markInstalled: () => {},
      close: () => {
        file.remove();
        closed ??= giveBack();
        return closed;
      },
    };
  } catch (error) {
    await giveBack();
    throw error;
  }
}

/** Takes away what runs that were cut short have left; returns their names. Rejects as `borrowCluster` does. */
export async function sweepCluster({ connection, standIns, say }: BorrowOptions): Promise<string[]> {
  const config = connect(connection);
  const target = targetOf(config);
  confirmTarget(target, connection.context);
  const kube = new ClientNodeKubeApi(config);
  await checkCluster(kube, target);
  const emptied = standIns === 'auto' ? (await findControllers(kube)).manager : standIns === 'none';
  const names = await findAbandonedRuns(kube);
  for (const name of names) {
    const left = await removeRun(kube, new WallClock(), name, emptied);
    if (left !== undefined) say(left);
  }
  return names;
}

function describe(name: string, context: string, { scheduler, manager }: Controllers): string {
  const played = [
    ...['a kubelet', ...(scheduler ? [] : ['a scheduler'])],
    ...(manager ? [] : ['a garbage collector']),
  ];
  return `lives in namespace ${name} of ${context}, on a node of the same name; plays ${played.join(', ')}`;
}
