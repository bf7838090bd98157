import type { DeviceUpdateView, Evidence } from '../src/flashjob/device-update-view.ts';
import type { KubeApi } from '../src/kube/api.ts';
import { codeOfReason, findCondition, reasonOfCode, setCondition } from '../src/kube/condition.ts';
import { DEVICE, type Device, type DeviceStatus, type DeviceUpdate } from '../src/kube/device.ts';
import { keyOf } from '../src/kube/object.ts';
import { type Clock, clockMsOf, timestamp } from '../src/time/clock.ts';

/** Members of a status to change; null removes one. Arrays replace arrays. Source: RFC 7396. */
export type StatusChange = { readonly [Key in keyof DeviceStatus]?: DeviceStatus[Key] | null };

const HISTORY_MAX = 8;

/**
 * Changes a twin's status if it is still the one that was read.
 *
 * Rejects with KubeError `Conflict` when it is not: read again and decide again.
 */
export function changeStatus(kube: KubeApi, device: Device, change: StatusChange): Promise<Device> {
  const body = { metadata: { resourceVersion: device.metadata.resourceVersion }, status: change };
  return kube.patch(DEVICE, keyOf(device), { type: 'merge', body }, { subresource: 'status' });
}

/** The change that makes `update` the device's update; a former one of another job goes to the history. */
export function updateChange(device: Device, update: DeviceUpdate): StatusChange {
  const before = device.status?.update;
  const isNew = before !== undefined && !isSameUpdate(before, update);
  return {
    // Members that the former update had and this one lacks would stay under a merge patch.
    update: { ...ABSENT, ...update } as unknown as DeviceUpdate,
    ...(isNew && { history: [before, ...(device.status?.history ?? [])].slice(0, HISTORY_MAX) }),
  };
}

const ABSENT = { session: null, delivery: null, finishedAt: null, outcome: null, message: null };

function isSameUpdate(left: DeviceUpdate, right: DeviceUpdate): boolean {
  return left.jobUid === right.jobUid && left.order === right.order && left.startedAt === right.startedAt;
}

/** The change that says what evidence proved, or that it was refused and why. */
export function evidenceChange(clock: Clock, device: Device, evidence: Evidence): StatusChange {
  const now = timestamp(clock);
  const conditions = device.status?.conditions;
  if (evidence.result === 'refused') {
    const refused = {
      status: 'False',
      reason: reasonOfCode(evidence.code),
      message: evidence.message,
    } as const;
    return { conditions: setCondition(conditions, { type: 'Attested', ...refused }, now) };
  }
  const accepted = {
    status: 'True',
    reason: 'Accepted',
    message: 'its latest evidence was accepted',
  } as const;
  return {
    attested: evidence.state,
    attestedAt: now,
    conditions: setCondition(conditions, { type: 'Attested', ...accepted }, now),
  };
}

/** What the twin says of the last evidence in the device's name, where that was refused. */
export function refusalOf(clock: Clock, { status }: Device): DeviceUpdateView['refusal'] {
  const attested = findCondition(status?.conditions, 'Attested');
  if (attested?.status !== 'False') return undefined;
  const { reason, message, lastTransitionTime } = attested;
  const sinceMs = clockMsOf(clock, lastTransitionTime) ?? clock.nowMs;
  return { code: codeOfReason(reason), message, sinceMs };
}

/**
 * The update that a job with this order gave the device: the present one, or a former one that was settled.
 * An unsettled one that is no longer the present one was taken away: it counts for nothing.
 */
export function updateOf(device: Device, jobUid: string, order: string): DeviceUpdate | undefined {
  const isOurs = (update: DeviceUpdate): boolean => update.jobUid === jobUid && update.order === order;
  const { update, history = [] } = device.status ?? {};
  if (update !== undefined && isOurs(update)) return update;
  return history.find((former) => isOurs(former) && former.phase === 'Settled');
}
