import type { KubeApi } from '../../../src/kube/api.ts';
import type { Pod } from '../../../src/kube/core.ts';
import { type Clock, timestamp } from '../../../src/time/clock.ts';
import { PodReport } from './pod-report.ts';
import type { PodScript } from './pod-script.ts';
import { type Container, ended, running, type Status, statusOf } from './pod-status.ts';

/** Wait before the first restart, doubled by each further one. Source: Kubernetes documentation, "Pod Lifecycle", restart policy. */
const BACKOFF_MS = 10_000;
const BACKOFF_MS_MAX = 300_000;

/** One Pod on this node that only pretends: phases in the order and at the times of its script. */
export class ScriptedRun {
  readonly #clock: Clock;
  readonly #pod: Pod;
  readonly #script: PodScript;
  readonly #report: PodReport;
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;
  #running = false;
  #finishing = false;

  constructor(
    host: { readonly api: KubeApi; readonly clock: Clock },
    pod: Pod,
    script: PodScript,
    kubeletSignal: AbortSignal,
  ) {
    this.#clock = host.clock;
    this.#pod = pod;
    this.#script = script;
    this.#report = new PodReport(host, pod, kubeletSignal);
    this.#ended = this.#live().catch((error: unknown) => {
      if (!this.#abort.signal.aborted) throw error;
    });
  }

  get isRunning(): boolean {
    return this.#running;
  }

  /** Writes nothing more. */
  stop(): void {
    this.#running = false;
    this.#abort.abort(new Error('the Pod is gone'));
  }

  /** The Pod is marked for deletion: lets the object go. */
  finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    this.stop();
    void this.#ended.then(() => this.#report.release());
  }

  async #live(): Promise<void> {
    const { status, spec } = this.#pod;
    if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return;
    const { startsAfterMs, endsAfterMs, exitCode } = this.#script;
    const { containers, restartPolicy = 'Always' } = spec;
    // The node was away: what ran on it does not run any more.
    let restarts = status?.phase === 'Running' ? 1 : 0;
    if (restarts > 0 && restartPolicy === 'Never') return this.#report.write(this.#end(containers, 137, ''));
    const pending = containers.map((one) => statusOf(one, { waiting: { reason: 'ContainerCreating' } }));
    if (startsAfterMs > 0) await this.#report.write({ phase: 'Pending', containerStatuses: pending });
    await this.#pause(startsAfterMs);
    for (;;) {
      const startedAt = timestamp(this.#clock);
      this.#running = true;
      await this.#report.write(counted(running(containers, startedAt), restarts));
      if (endsAfterMs === undefined) return;
      await this.#pause(endsAfterMs);
      this.#running = false;
      const restarting = restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && exitCode !== 0);
      if (!restarting)
        return this.#report.write(counted(this.#end(containers, exitCode, startedAt), restarts));
      await this.#report.write(counted(this.#crashed(containers), restarts));
      await this.#pause(Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** restarts));
      restarts++;
    }
  }

  async #pause(durationMs: number): Promise<void> {
    if (durationMs > 0) await this.#clock.sleep(durationMs, this.#abort.signal);
    this.#abort.signal.throwIfAborted();
  }

  #end(containers: readonly Container[], exitCode: number, startedAt: string): Status {
    const finishedAt = timestamp(this.#clock);
    return ended(
      containers,
      containers.map(() => ({ exitCode })),
      startedAt || finishedAt,
      finishedAt,
    );
  }

  #crashed(containers: readonly Container[]): Status {
    const lastTransitionTime = timestamp(this.#clock);
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off before the container is restarted' };
    return {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime }],
      containerStatuses: containers.map((one) => statusOf(one, { waiting })),
    };
  }
}

function counted(status: Status, restartCount: number): Status {
  if (restartCount === 0) return status;
  const containers = status.containerStatuses as readonly Status[];
  return { ...status, containerStatuses: containers.map((one) => ({ ...one, restartCount })) };
}
