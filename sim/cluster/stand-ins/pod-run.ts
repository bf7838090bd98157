import type { KubeApi } from '../../../src/kube/api.ts';
import type { Pod } from '../../../src/kube/core.ts';
import { type Clock, timestamp } from '../../../src/time/clock.ts';
import type { PodExit, PodProgram, PodPrograms } from './pod-program.ts';
import { PodReport } from './pod-report.ts';
import { type Container, ended, refused, running, type Status, statusOf, waiting } from './pod-status.ts';

/** Exit code of a process that was told to stop: 128 + SIGTERM. */
const TERMINATED_EXIT_CODE = 143;
/** Exit code of a process that nobody knows the end of: 128 + SIGKILL. */
const LOST_EXIT_CODE = 137;

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
  readonly #report: PodReport;
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;
  #finishing = false;
  #running = false;

  constructor(host: PodHost, pod: Pod, kubeletSignal: AbortSignal) {
    this.#host = host;
    this.#pod = pod;
    this.#report = new PodReport(host, pod, kubeletSignal);
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
    void this.#ended.then(() => this.#report.release());
  }

  async #live(): Promise<void> {
    const phase = this.#pod.status?.phase;
    if (phase === 'Succeeded' || phase === 'Failed') return;
    const { containers, restartPolicy } = this.#pod.spec;
    if (phase === 'Running') return this.#report.write(this.#lost(containers));
    const programs = containers.map(({ image }) => this.#host.programs(image, this.#pod));
    if (programs.some((program) => program === undefined))
      return this.#report.write(waiting(containers, programs));
    if (restartPolicy !== 'Never') return this.#report.write(refused(containers, onceOnly(restartPolicy)));

    const startedAt = timestamp(this.#host.clock);
    this.#running = true;
    await this.#report.write(running(containers, startedAt));
    const exits = await Promise.all(
      (programs as readonly PodProgram[]).map((program) => this.#exitOf(program)),
    );
    this.#running = false;
    await this.#report.write(ended(containers, exits, startedAt, timestamp(this.#host.clock)));
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
  #lost(containers: readonly Container[]): Status {
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
}

function onceOnly(restartPolicy = 'Always'): string {
  return `restartPolicy ${restartPolicy} is not supported by this kubelet stand-in: it runs containers once (Never)`;
}
