import type { ObjectKey } from '../src/kube/object.ts';
import type { PodPrograms } from './cluster/stand-ins/pod-program.ts';

export interface ProgramExit {
  /** 0 is success. */
  readonly code: number;
  readonly message: string;
}

/** Runs the flash agent for one FlashJob; what `operator/index.ts` exports, with its ports. */
export type RunAgent = (job: ObjectKey, signal: AbortSignal) => Promise<ProgramExit>;

/**
 * Which Pods are flash agents: those that the operator labelled so, whatever their image is called.
 *
 * An old manifest names the image of an old agent; here the job in the Pod's environment is flashed by
 * ours. Every other Pod stays pending, and says why.
 */
export function agentPrograms(runAgent: RunAgent): PodPrograms {
  return (_image, pod) => {
    const env = new Map(pod.spec.containers[0]?.env?.map(({ name, value }) => [name, value]));
    const name = env.get('FLASHJOB_NAME');
    const namespace = env.get('FLASHJOB_NAMESPACE');
    if (name === undefined || namespace === undefined) return undefined;
    return async (_pod, signal) => {
      const { code, message } = await runAgent({ namespace, name }, signal);
      return { exitCode: code, message };
    };
  };
}
