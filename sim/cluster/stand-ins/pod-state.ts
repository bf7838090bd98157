import type { Pod, PodCondition } from '../../../src/kube/core.ts';
import type { KubeObject, NewObject } from '../../../src/kube/object.ts';
import type { PodTemplate } from '../../../src/kube/workloads.ts';
import { type Clock, clockMsOf } from '../../../src/time/clock.ts';
import { controlledBy } from './owner.ts';

/** Neither ended nor going. */
export function isActive({ status, metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && !hasEnded({ status } as Pod);
}

export function hasEnded({ status }: Pick<Pod, 'status'>): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

export function readyCondition({ status }: Pod): PodCondition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === 'True';
}

/** Milliseconds until a Pod has been ready for long enough: 0 when it has, undefined when it is not ready. */
export function untilAvailableMs(pod: Pod, minReadySeconds: number, clock: Clock): number | undefined {
  const ready = readyCondition(pod);
  if (ready?.status !== 'True') return undefined;
  const sinceMs = clockMsOf(clock, ready.lastTransitionTime ?? '') ?? clock.nowMs;
  return Math.max(0, sinceMs + minReadySeconds * 1000 - clock.nowMs);
}

/** The earliest of some waits; undefined when nothing is waited for. */
export function soonest(waitsMs: readonly (number | undefined)[]): number | undefined {
  return waitsMs.reduce((first, wait) => {
    if (wait === undefined || wait <= 0) return first;
    return first === undefined ? wait : Math.min(first, wait);
  }, undefined);
}

/** A Pod of a template, made and looked after by `owner`; the server completes its name. */
export function podOf(
  template: PodTemplate,
  owner: KubeObject,
  labels: Readonly<Record<string, string>> = {},
  generateName = `${owner.metadata.name}-`,
): NewObject<Pod> {
  const { annotations } = template.metadata ?? {};
  const { namespace = '' } = owner.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace,
      generateName,
      labels: { ...template.metadata?.labels, ...labels },
      ...(annotations !== undefined && { annotations }),
      ownerReferences: [controlledBy(owner)],
    },
    spec: template.spec,
  };
}
