import type { KubeApi } from '../../../src/kube/api.ts';
import { type Kind, type KubeObject, keyOf } from '../../../src/kube/object.ts';
import type { WorkloadCondition } from '../../../src/kube/workloads.ts';
import { equalJson, type Members } from '../stored-object.ts';

/** Makes an object's status be `status`, if it is not already. Rejects with KubeError. */
export async function writeStatus<T extends KubeObject & { readonly status?: object }>(
  api: KubeApi,
  kind: Kind<T>,
  object: T,
  status: NonNullable<T['status']>,
): Promise<void> {
  const before = (object.status ?? {}) as Members;
  const after = status as Members;
  if (equalJson(before, after)) return;
  const gone = Object.keys(before).filter((name) => after[name] === undefined);
  const body = {
    metadata: { uid: object.metadata.uid },
    status: { ...after, ...Object.fromEntries(gone.map((name) => [name, null])) },
  };
  await api.patch(kind, keyOf(object), { type: 'merge', body }, { subresource: 'status' });
}

/** Conditions with one more, or another: its times move only when what they are the times of does. */
export function withCondition(
  conditions: readonly WorkloadCondition[],
  { type, status, reason, message }: Pick<WorkloadCondition, 'type' | 'status' | 'reason' | 'message'>,
  now: string,
  timedUpdates = true,
): readonly WorkloadCondition[] {
  const before = conditions.find((condition) => condition.type === type);
  if (before?.status === status && before.reason === reason && before.message === message) return conditions;
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
  const after: WorkloadCondition = {
    type,
    status,
    reason,
    message,
    ...(timedUpdates && { lastUpdateTime: now }),
    lastTransitionTime,
  };
  return [...conditions.filter((condition) => condition.type !== type), after];
}
