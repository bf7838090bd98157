import type { Pod } from '../../../src/kube/core.ts';

export interface PodExit {
  /** 0 is success. */
  readonly exitCode: number;
  /** What a container leaves in its termination message; shown in the Pod's status. */
  readonly message?: string;
}

/** What runs instead of a container. Ends early when `signal` is aborted: the Pod is being deleted. */
export type PodProgram = (pod: Pod, signal: AbortSignal) => Promise<PodExit>;

/** The program behind an image; undefined leaves the Pod pending, with a reason. */
export type PodPrograms = (image: string, pod: Pod) => PodProgram | undefined;
