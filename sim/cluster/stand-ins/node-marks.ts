import type { KubeApi } from '../../../src/kube/api.ts';
import { NODE, type Node, type Taint } from '../../../src/kube/core.ts';
import { type Clock, timestamp } from '../../../src/time/clock.ts';
import { isNodeReady } from './node-fit.ts';

export const UNREACHABLE = 'node.kubernetes.io/unreachable';

/**
 * Writes that a node is not heard of any more: Ready is Unknown, and nobody who cannot bear that stays.
 * Source: kube-controller-manager, pkg/controller/nodelifecycle (v1.32).
 */
export async function markUnreachable(api: KubeApi, clock: Clock, name: string): Promise<void> {
  const now = timestamp(clock);
  const unknown = {
    type: 'Ready',
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  const body = { status: { conditions: [unknown] } };
  const node = await api.patch(NODE, { name }, { type: 'merge', body }, { subresource: 'status' });
  const added: readonly Taint[] = [
    { key: UNREACHABLE, effect: 'NoSchedule', timeAdded: now },
    { key: UNREACHABLE, effect: 'NoExecute', timeAdded: now },
  ];
  const { resourceVersion } = node.metadata;
  const taints = [...withoutMarks(node), ...added];
  await api.patch(
    NODE,
    { name },
    { type: 'merge', body: { metadata: { resourceVersion }, spec: { taints } } },
  );
}

/** Takes the taints back from a node that is ready. */
export async function markReachable(api: KubeApi, node: Node): Promise<void> {
  const taints = withoutMarks(node);
  if (!isNodeReady(node) || taints.length === (node.spec?.taints ?? []).length) return;
  const { name, resourceVersion } = node.metadata;
  const body = { metadata: { resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } };
  await api.patch(NODE, { name }, { type: 'merge', body });
}

function withoutMarks({ spec }: Node): readonly Taint[] {
  return (spec?.taints ?? []).filter(({ key }) => key !== UNREACHABLE);
}
