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

/** Leaves an Event about an object; a server that will not have it is no reason to stop. */
export async function tell({ api, clock }: ControllerHost, about: KubeObject, told: Told): Promise<void> {
  const { component, type, reason, message } = told;
  const { namespace = 'default', name, uid } = about.metadata;
  const now = timestamp(clock);
  const unixNs = BigInt(Math.floor((clock.epochMs + clock.nowMs) * 1000)) * 1000n;
  try {
    await api.create(EVENT, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: `${name}.${unixNs.toString(16)}` },
      type,
      reason,
      message,
      involvedObject: { apiVersion: about.apiVersion, kind: about.kind, namespace, name, uid },
      source: { component },
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
    });
  } catch (error) {
    if (!isKubeError(error)) throw error;
  }
}
