import type { Pod } from '../../../src/kube/core.ts';
import type { PodExit, PodProgram } from './pod-program.ts';

/*
 * What a kubelet writes about a Pod. Source: core/v1 PodStatus, ContainerStatus.
 */

export type Container = Pod['spec']['containers'][number];
export type Status = Readonly<Record<string, unknown>>;

export function statusOf({ name, image }: Container, state: Status, ready = false): Status {
  return { name, image, ready, restartCount: 0, state };
}

export function running(containers: readonly Container[], startedAt: string): Status {
  return {
    phase: 'Running',
    startTime: startedAt,
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: startedAt }],
    containerStatuses: containers.map((container) => statusOf(container, { running: { startedAt } }, true)),
  };
}

export function waiting(
  containers: readonly Container[],
  programs: readonly (PodProgram | undefined)[],
): Status {
  return {
    phase: 'Pending',
    containerStatuses: containers.map((container, index) =>
      statusOf(container, {
        waiting:
          programs[index] === undefined
            ? { reason: 'ErrImagePull', message: `no program is registered for image ${container.image}` }
            : { reason: 'ContainerCreating' },
      }),
    ),
  };
}

/** What a Pod asks for and does not get. */
export function refused(containers: readonly Container[], message: string): Status {
  const state = { waiting: { reason: 'CreateContainerConfigError', message } };
  return { phase: 'Pending', containerStatuses: containers.map((container) => statusOf(container, state)) };
}

export function ended(
  containers: readonly Container[],
  exits: readonly PodExit[],
  startedAt: string,
  finishedAt: string,
): Status {
  const failed = exits.some(({ exitCode }) => exitCode !== 0);
  return {
    phase: failed ? 'Failed' : 'Succeeded',
    conditions: [{ type: 'Ready', status: 'False', reason: 'PodCompleted', lastTransitionTime: finishedAt }],
    containerStatuses: containers.map((container, index) => {
      const { exitCode, message } = exits[index] as PodExit;
      const reason = exitCode === 0 ? 'Completed' : 'Error';
      const terminated = {
        exitCode,
        reason,
        ...(message !== undefined && { message }),
        startedAt,
        finishedAt,
      };
      return statusOf(container, { terminated });
    }),
  };
}
