import { EVENT } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { timestamp } from '../../../src/time/clock.ts';
import type { ControllerHost } from './reconcile-loop.ts';

export interface Told {
  readonly component: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What a controller says of a Pod that it has made or taken away. */
export function tellPod(
  host: ControllerHost,
  owner: KubeObject,
  reason: 'SuccessfulCreate' | 'SuccessfulDelete',
  { metadata }: KubeObject,
): Promise<void> {
  const message = `${reason === 'SuccessfulCreate' ? 'Created' : 'Deleted'} pod: ${metadata.name}`;
  return tell(host, owner, { component: componentOf(owner), type: 'Normal', reason, message });
}

/** `ReplicaSet`: `replicaset-controller`. */
function componentOf({ kind }: KubeObject): string {
  return `${kind.toLowerCase()}-controller`;
}

/** Events of one instant about one object: more than these are not told. */
const SAME_INSTANT_MAX = 100;

/** Leaves an Event about an object; a server that will not have it is no reason to stop. */
export async function tell({ api, clock }: ControllerHost, about: KubeObject, told: Told): Promise<void> {
  const { component, type, reason, message } = told;
  const { namespace = 'default', name, uid } = about.metadata;
  const now = timestamp(clock);
  const unixNs = BigInt(Math.floor((clock.epochMs + clock.nowMs) * 1000)) * 1000n;
  const create = (attempt: number): Promise<unknown> =>
    api.create(EVENT, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: `${name}.${(unixNs + BigInt(attempt)).toString(16)}` },
      type,
      reason,
      message,
      involvedObject: { apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid },
      source: { component },
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
    });
  for (let attempt = 0; attempt < SAME_INSTANT_MAX; attempt++)
    try {
      await create(attempt);
      return;
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (error.reason !== 'AlreadyExists') return;
    }
}
