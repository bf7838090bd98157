import type { KubeApi } from '../../../src/kube/api.ts';
import { POD, type Pod } from '../../../src/kube/core.ts';
import { type Clock, timestamp } from '../../../src/time/clock.ts';
import { writePersistently } from './persistent-write.ts';
import type { PodExit, PodProgram, PodPrograms } from './pod-program.ts';

/** Exit code of a process that was told to stop: 128 + SIGTERM. */
const TERMINATED_EXIT_CODE = 143;
/** Exit code of a process that nobody knows the end of: 128 + SIGKILL. */
const LOST_EXIT_CODE = 137;

type Container = Pod['spec']['containers'][number];
type Members = Readonly<Record<string, unknown>>;

/** What running a Pod takes. */
export interface PodHost {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly programs: PodPrograms;
}

/** One Pod on this node, from its first status to its last. */
export class PodRun {
  readonly #host: PodHost;
  readonly #pod: Pod;
  readonly #kubeletSignal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;
  #finishing = false;
  #running = false;

  constructor(host: PodHost, pod: Pod, kubeletSignal: AbortSignal) {
    this.#host = host;
    this.#pod = pod;
    this.#kubeletSignal = kubeletSignal;
    this.#ended = this.#live();
  }

  get isRunning(): boolean {
    return this.#running;
  }

  /** Tells the program to stop and writes nothing more. */
  stop(): void {
    this.#abort.abort(new Error('the Pod is gone'));
  }

  /** The Pod is marked for deletion: stops the program, then lets the object go. */
  finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    this.#abort.abort(new Error('the Pod is being deleted'));
    void this.#ended.then(() => this.#release());
  }

  async #live(): Promise<void> {
    const phase = this.#pod.status?.phase;
    if (phase === 'Succeeded' || phase === 'Failed') return;
    const { containers, restartPolicy } = this.#pod.spec;
    if (phase === 'Running') return this.#write(this.#lost(containers));
    const programs = containers.map(({ image }) => this.#host.programs(image, this.#pod));
    if (programs.some((program) => program === undefined)) return this.#write(waiting(containers, programs));
    if (restartPolicy !== 'Never') return this.#write(refused(containers, restartPolicy ?? 'Always'));

    const startedAt = timestamp(this.#host.clock);
    this.#running = true;
    await this.#write(running(containers, startedAt));
    const exits = await Promise.all(
      (programs as readonly PodProgram[]).map((program) => this.#exitOf(program)),
    );
    this.#running = false;
    await this.#write(ended(containers, exits, startedAt, timestamp(this.#host.clock)));
  }

  async #exitOf(program: PodProgram): Promise<PodExit> {
    const { signal } = this.#abort;
    if (signal.aborted) return { exitCode: TERMINATED_EXIT_CODE };
    try {
      return await program(this.#pod, signal);
    } catch (error) {
      if (signal.aborted) return { exitCode: TERMINATED_EXIT_CODE };
      return { exitCode: 1, message: error instanceof Error ? error.message : String(error) };
    }
  }

  /** A kubelet that starts anew knows nothing of programs that an earlier one ran. */
  #lost(containers: readonly Container[]): Members {
    const terminated = {
      exitCode: LOST_EXIT_CODE,
      reason: 'ContainerStatusUnknown',
      message: 'the kubelet was restarted while the container ran',
      finishedAt: timestamp(this.#host.clock),
    };
    return {
      phase: 'Failed',
      containerStatuses: containers.map((container) => statusOf(container, { terminated })),
    };
  }

  async #write(status: Members): Promise<void> {
    const { api, clock } = this.#host;
    const { namespace = '', name, uid } = this.#pod.metadata;
    const body = { metadata: { uid }, status };
    const write = (): Promise<Pod> =>
      api.patch(POD, { namespace, name }, { type: 'merge', body }, { subresource: 'status' });
    await writePersistently(write, clock, this.#kubeletSignal);
  }

  async #release(): Promise<void> {
    const { api, clock } = this.#host;
    const { namespace = '', name, uid } = this.#pod.metadata;
    const options = { preconditions: { uid }, gracePeriodSeconds: 0 };
    await writePersistently(() => api.delete(POD, { namespace, name }, options), clock, this.#kubeletSignal);
  }
}

function statusOf({ name, image }: Container, state: Members, ready = false): Members {
  return { name, image, ready, restartCount: 0, state };
}

function running(containers: readonly Container[], startedAt: string): Members {
  return {
    phase: 'Running',
    startTime: startedAt,
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: startedAt }],
    containerStatuses: containers.map((container) => statusOf(container, { running: { startedAt } }, true)),
  };
}

function waiting(containers: readonly Container[], programs: readonly (PodProgram | undefined)[]): Members {
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

function refused(containers: readonly Container[], restartPolicy: string): Members {
  const message = `restartPolicy ${restartPolicy} is not supported by this kubelet stand-in: it runs containers once (Never)`;
  const state = { waiting: { reason: 'CreateContainerConfigError', message } };
  return { phase: 'Pending', containerStatuses: containers.map((container) => statusOf(container, state)) };
}

function ended(
  containers: readonly Container[],
  exits: readonly PodExit[],
  startedAt: string,
  finishedAt: string,
): Members {
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
