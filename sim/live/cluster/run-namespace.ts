import type { ClientNodeKubeApi } from '../../../operator/adapters/kube-client-node.ts';
import { AGENT_ACCOUNT_NAME } from '../../../operator/index.ts';
import { LEASE, NAMESPACE, NODE, POD, SERVICE_ACCOUNT } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { FLASH_JOB, FLASH_JOB_FINALIZER } from '../../../src/kube/flash-job.ts';
import { keyOf } from '../../../src/kube/object.ts';
import { type Clock, timestamp } from '../../../src/time/clock.ts';
import { LEASE_NAMESPACE, LEASE_SECONDS, NodeHeartbeat } from '../../cluster/stand-ins/node-heartbeat.ts';
import { isHeld } from './preflight.ts';

/** On the namespace and the node of a run; its value on the node is the name that both have. */
export const RUN_LABEL = 'brickproof.dev/run';
const STARTED = 'brickproof.dev/started';

/** A namespace may take this long to go; what holds it then is said, not waited for. */
const REMOVAL_MS_MAX = 60_000;
const ASK_MS = 200;

/** Makes the namespace that a run lives in, with the account of its agents; returns its name, which no other run has. */
export async function createRunNamespace(kube: ClientNodeKubeApi, clock: Clock): Promise<string> {
  const { metadata } = await kube.create(NAMESPACE, {
    ...{ apiVersion: 'v1', kind: 'Namespace' },
    metadata: {
      generateName: 'brickproof-run-',
      labels: { [RUN_LABEL]: '' },
      annotations: { [STARTED]: timestamp(clock) },
    },
  });
  const { name: namespace } = metadata;
  const account = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace, name: AGENT_ACCOUNT_NAME },
  };
  await kube.create(SERVICE_ACCOUNT, account);
  return namespace;
}

/** Names of the runs that ended without giving the cluster back: those whose node is not heard of any more. */
export async function findAbandonedRuns(kube: ClientNodeKubeApi): Promise<string[]> {
  const [namespaces, nodes, leases] = await Promise.all([
    kube.list(NAMESPACE, { labelSelector: RUN_LABEL }),
    kube.list(NODE, { labelSelector: RUN_LABEL }),
    kube.list(LEASE, { namespace: LEASE_NAMESPACE }),
  ]);
  const alive = leases.items.filter((lease) => isHeld(lease, LEASE_SECONDS * 1000));
  const names = [...namespaces.items, ...nodes.items].map(({ metadata }) => metadata.name);
  return [...new Set(names)].filter((name) => !alive.some(({ metadata }) => metadata.name === name)).sort();
}

/**
 * Takes a run out of its cluster: namespace, node, and all that was in them. Nobody of the run works any more.
 *
 * `emptied`: by a namespace controller; otherwise we are it. Returns what is still there, in words; undefined: nothing.
 */
export async function removeRun(
  kube: ClientNodeKubeApi,
  clock: Clock,
  name: string,
  emptied: boolean,
): Promise<string | undefined> {
  await releaseJobs(kube, name);
  await kube.delete(NAMESPACE, { name }).catch(unlessGone);
  await stopPods(kube, name);
  await new NodeHeartbeat(kube, clock, name).retire();
  if (!emptied) await emptyNamespace(kube, name);
  for (const deadlineMs = clock.nowMs + REMOVAL_MS_MAX; clock.nowMs < deadlineMs; await clock.sleep(ASK_MS))
    if (await isGone(kube, name)) return undefined;
  return `namespace ${name} is still being deleted; kubectl describe namespace ${name} says what holds it`;
}

/** The operator that would let its jobs go runs no more. */
async function releaseJobs(kube: ClientNodeKubeApi, namespace: string): Promise<void> {
  const { items } = await kube.list(FLASH_JOB, { namespace });
  for (const job of items) {
    const kept = (job.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FLASH_JOB_FINALIZER);
    const body = { metadata: { finalizers: kept } };
    await kube.patch(FLASH_JOB, keyOf(job), { type: 'merge', body }).catch(unlessGone);
  }
}

/** Their programs ended with us; nobody else would say so. */
async function stopPods(kube: ClientNodeKubeApi, namespace: string): Promise<void> {
  const { items } = await kube.list(POD, { namespace });
  for (const pod of items) await kube.delete(POD, keyOf(pod), { gracePeriodSeconds: 0 }).catch(unlessGone);
}

/** What kube-controller-manager does for a namespace that is being deleted, where there is none. */
async function emptyNamespace(kube: ClientNodeKubeApi, namespace: string): Promise<void> {
  const kinds = (await kube.kinds()).filter(({ namespaced }) => namespaced);
  for (const kind of kinds)
    await kube.deleteCollection(kind, { namespace }, { propagationPolicy: 'Background' });
  const left = await kube.get(NAMESPACE, { name: namespace }).catch(unlessGone);
  if (left !== undefined) await kube.finalizeNamespace(left).catch(unlessGone);
}

async function isGone(kube: ClientNodeKubeApi, name: string): Promise<boolean> {
  return (await kube.get(NAMESPACE, { name }).catch(unlessGone)) === undefined;
}

function unlessGone(error: unknown): undefined {
  if (!isKubeError(error, 'NotFound')) throw error;
  return undefined;
}
