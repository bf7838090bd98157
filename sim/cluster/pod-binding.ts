import { type Clock, timestamp } from '../../src/time/clock.ts';
import type { Resource } from './resource.ts';
import { badRequest, conflict } from './status-errors.ts';
import { isMembers, type Members, type StoredObject } from './stored-object.ts';

/**
 * A Pod as a Binding leaves it: on its node, and told so. Throws BadRequest on what is no binding, and
 * Conflict for a Pod that has a node or is going.
 * Source: k8s.io/kubernetes, pkg/registry/core/pod/storage, setPodHostAndAnnotations (v1.32).
 */
export function boundPod(resource: Resource, pod: StoredObject, binding: unknown, clock: Clock): Members {
  const { target } = isMembers(binding) ? binding : {};
  const { kind, name } = isMembers(target) ? target : {};
  if (typeof name !== 'string' || name === '' || (kind !== undefined && kind !== 'Node'))
    throw badRequest('a Binding names a Node as its target');
  const refuse = (why: string): Error => conflict(resource, pod.metadata.name, why);
  if (pod.metadata.deletionTimestamp !== undefined)
    throw refuse(`pod ${pod.metadata.name} is being deleted, cannot be assigned to a host`);
  const spec = isMembers(pod.spec) ? pod.spec : {};
  if (typeof spec.nodeName === 'string' && spec.nodeName !== '')
    throw refuse(`pod ${pod.metadata.name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  const status = isMembers(pod.status) ? pod.status : {};
  const conditions = Array.isArray(status.conditions) ? status.conditions.filter(isMembers) : [];
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: timestamp(clock) };
  return {
    ...pod,
    spec: { ...spec, nodeName: name },
    status: {
      ...status,
      conditions: [...conditions.filter(({ type }) => type !== 'PodScheduled'), scheduled],
    },
  };
}
