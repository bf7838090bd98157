import type { DeleteOptions } from '../../src/kube/api.ts';
import { type Clock, timestamp } from '../../src/time/clock.ts';
import type { Resource } from './resource.ts';
import type { Draft, StoredObject } from './stored-object.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

/**
 * The finalizers that a deletion leaves on an object: the propagation policy is itself a finalizer, taken
 * away by the garbage collector. Without a policy, one that is already there stays.
 */
export function finalizersOnDelete(
  finalizers: readonly string[],
  policy: DeleteOptions['propagationPolicy'],
): readonly string[] {
  const wanted = policy === 'Foreground' ? FOREGROUND : policy === 'Orphan' ? ORPHAN : undefined;
  if (policy === undefined || (wanted !== undefined && finalizers.includes(wanted))) return finalizers;
  const others = finalizers.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  return wanted === undefined ? others : [...others, wanted];
}

/** The object marked for deletion; marking twice changes nothing but the finalizers and a shorter grace. */
export function marked(
  current: StoredObject,
  finalizers: readonly string[],
  graceSeconds: number,
  clock: Clock,
): Draft {
  const { metadata } = current;
  const draft: Draft = { ...current, metadata: { ...metadata } };
  if (finalizers.length === 0) delete draft.metadata.finalizers;
  else draft.metadata.finalizers = finalizers;
  if (metadata.deletionTimestamp === undefined) {
    if (metadata.generation !== undefined) draft.metadata.generation = metadata.generation + 1;
    const deadline = { nowMs: clock.nowMs + graceSeconds * 1000, epochMs: clock.epochMs } as Clock;
    draft.metadata.deletionTimestamp = timestamp(deadline);
  }
  draft.metadata.deletionGracePeriodSeconds = graceSeconds;
  return draft;
}

/** True when a marked object has nothing left that holds it. */
export function isGone(resource: Resource, object: StoredObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  return (
    deletionTimestamp !== undefined &&
    (finalizers === undefined || finalizers.length === 0) &&
    (deletionGracePeriodSeconds ?? 0) === 0 &&
    resource.holdsDeletion?.(object) !== true
  );
}
