import { POD, type Pod } from '../../../src/kube/core.ts';
import { isKubeError } from '../../../src/kube/error.ts';
import { keyOf } from '../../../src/kube/object.ts';
import { JOB, type Job, type WorkloadCondition } from '../../../src/kube/workloads.ts';
import { clockMsOf, timestamp } from '../../../src/time/clock.ts';
import { completedIndexes, INDEX_ANNOTATION, missingIndexes } from './job-indexes.ts';
import { type JobCounts, jobEnd } from './job-verdict.ts';
import { claim, unlessGone } from './owner.ts';
import { isActive, isReady, podOf, soonest } from './pod-state.ts';
import type { ControllerHost, Reconciler } from './reconcile-loop.ts';
import { withCondition, writeStatus } from './status-write.ts';
import { tellPod } from './told-event.ts';

/** Wait after a failed Pod before the next, doubled by each further failure. Source: pkg/controller/job (v1.32). */
const BACKOFF_MS = 10_000;
const BACKOFF_MS_MAX = 600_000;

type Status = NonNullable<Job['status']>;

/**
 * Stands in for the Job controller. Pods that have ended are counted where they stand, without the
 * tracking finalizers of the real one; a count that a Job has reached it keeps, though its Pods go.
 */
export class JobController implements Reconciler<Job> {
  readonly kind = JOB;
  readonly owned = [POD];
  readonly adopts = true;
  readonly #host: ControllerHost;

  constructor(host: ControllerHost) {
    this.#host = host;
  }

  async reconcile(job: Job): Promise<number | undefined> {
    const { clock } = this.#host;
    if (job.spec.managedBy !== undefined && job.spec.managedBy !== 'kubernetes.io/job-controller')
      return undefined;
    if (isFinished(job)) return this.#expire(job);
    if (job.metadata.deletionTimestamp !== undefined) return undefined;
    const pods = await claim(this.#host.api, job, job.spec.selector, POD);
    const active = pods.filter(isActive);
    const counts = countsOf(job, pods);
    const now = timestamp(clock);
    const suspended = job.spec.suspend === true;
    const startTime = suspended ? undefined : (job.status?.startTime ?? now);

    const end = jobEnd(job, counts, active.length, startTime, clock);
    if (end !== undefined) {
      for (const pod of active) await this.#delete(pod);
      const terminating = pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).length;
      if (active.length + terminating > 0) {
        await this.#write(job, { ...statusOf(counts, [], pods), startTime }, { ...end, type: end.because });
        return undefined;
      }
      const completed = end.type === 'Complete' ? { completionTime: now } : {};
      const status = { ...statusOf(counts, [], pods), startTime, ...completed };
      await this.#write(job, status, { ...end, type: end.because }, end);
      return job.spec.ttlSecondsAfterFinished === undefined ? undefined : 0;
    }

    const delayMs = suspended ? undefined : this.#backoff(pods, counts.failed);
    const present = suspended
      ? await this.#deleteAll(active)
      : await this.#settle(job, active, counts, (delayMs ?? 0) > 0);
    const status = { ...statusOf(counts, present, pods), startTime };
    const suspension = suspensionOf(job, suspended);
    if (suspension === undefined) await this.#write(job, status);
    else await this.#write(job, status, suspension);
    return soonest([delayMs, this.#untilDeadline(job, startTime)]);
  }

  /** As many Pods as there is work for, and parallelism allows; returns those that are there then. */
  async #settle(
    job: Job,
    active: readonly Pod[],
    counts: JobCounts,
    holdsBack: boolean,
  ): Promise<readonly Pod[]> {
    const { api } = this.#host;
    const { parallelism = 1, completions, completionMode } = job.spec;
    const left =
      completions === undefined
        ? counts.succeeded > 0
          ? active.length
          : parallelism
        : completions - counts.succeeded;
    const wanted = Math.max(0, Math.min(parallelism, left));
    for (const pod of active.slice(wanted)) await this.#delete(pod);
    const kept = active.slice(0, wanted);
    if (holdsBack) return kept;
    const created: Pod[] = [];
    const indexes =
      completionMode === 'Indexed' ? missingIndexes(completions ?? 0, counts.done, kept) : undefined;
    for (let count = kept.length; count < wanted; count++) {
      const index = indexes?.[count - kept.length];
      if (indexes !== undefined && index === undefined) break;
      const pod = await api.create(POD, newPod(job, index));
      await tellPod(this.#host, job, 'SuccessfulCreate', pod);
      created.push(pod);
    }
    return [...kept, ...created];
  }

  async #deleteAll(pods: readonly Pod[]): Promise<readonly Pod[]> {
    for (const pod of pods) await this.#delete(pod);
    return [];
  }

  async #delete(pod: Pod): Promise<void> {
    const preconditions = { uid: pod.metadata.uid };
    await this.#host.api.delete(POD, keyOf(pod), { preconditions }).catch(unlessGone);
  }

  /** Milliseconds before the next Pod, when the last one to end failed. */
  #backoff(pods: readonly Pod[], failed: number): number | undefined {
    const { clock } = this.#host;
    const ends = pods
      .filter(({ status }) => status?.phase === 'Failed')
      .map((pod) => clockMsOf(clock, finishTime(pod)) ?? 0);
    if (failed === 0 || ends.length === 0) return undefined;
    const waitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** (failed - 1));
    return Math.max(0, Math.max(...ends) + waitMs - clock.nowMs);
  }

  #untilDeadline({ spec }: Job, startTime: string | undefined): number | undefined {
    if (spec.activeDeadlineSeconds === undefined || startTime === undefined) return undefined;
    const startMs = clockMsOf(this.#host.clock, startTime) ?? 0;
    return Math.max(1, startMs + spec.activeDeadlineSeconds * 1000 - this.#host.clock.nowMs);
  }

  async #write(
    job: Job,
    status: Omit<Status, 'startTime'> & { readonly startTime?: string | undefined },
    ...met: readonly Pick<WorkloadCondition, 'type' | 'status' | 'reason' | 'message'>[]
  ): Promise<void> {
    const now = timestamp(this.#host.clock);
    let conditions = job.status?.conditions ?? [];
    for (const condition of met) conditions = withCondition(conditions, condition, now, false);
    const { startTime, ...rest } = status;
    await writeStatus(this.#host.api, JOB, job, {
      ...rest,
      ...(startTime !== undefined && { startTime }),
      ...(conditions.length > 0 && { conditions }),
    });
  }

  /** A Job that has ended goes when its time is up, and its Pods with it. */
  async #expire(job: Job): Promise<number | undefined> {
    const { ttlSecondsAfterFinished: ttl } = job.spec;
    if (ttl === undefined || job.metadata.deletionTimestamp !== undefined) return undefined;
    const { api, clock } = this.#host;
    const finished = job.status?.conditions?.find(isEnd)?.lastTransitionTime ?? '';
    const leftMs = (clockMsOf(clock, finished) ?? 0) + ttl * 1000 - clock.nowMs;
    if (leftMs > 0) return leftMs;
    const options = { propagationPolicy: 'Foreground', preconditions: { uid: job.metadata.uid } } as const;
    await api.delete(JOB, keyOf(job), options).catch((error) => {
      if (!isKubeError(error, 'NotFound')) throw error;
    });
    return undefined;
  }
}

const isEnd = ({ type, status }: WorkloadCondition): boolean =>
  (type === 'Complete' || type === 'Failed') && status === 'True';

export function isFinished({ status }: Job): boolean {
  return status?.conditions?.some(isEnd) === true;
}

function countsOf({ spec, status }: Job, pods: readonly Pod[]): JobCounts {
  const phase = (wanted: string): readonly Pod[] => pods.filter((pod) => pod.status?.phase === wanted);
  const failed = Math.max(status?.failed ?? 0, phase('Failed').length);
  if (spec.completionMode !== 'Indexed')
    return {
      failed,
      succeeded: Math.max(status?.succeeded ?? 0, phase('Succeeded').length),
      done: new Set(),
    };
  const done = completedIndexes(status?.completedIndexes, phase('Succeeded'));
  return { failed, succeeded: done.size, done };
}

function statusOf(counts: JobCounts, active: readonly Pod[], pods: readonly Pod[]): Status {
  const terminating = pods.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp !== undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed',
  ).length;
  return {
    ...(active.length > 0 && { active: active.length }),
    ready: active.filter(isReady).length,
    terminating,
    ...(counts.succeeded > 0 && { succeeded: counts.succeeded }),
    ...(counts.failed > 0 && { failed: counts.failed }),
    ...(counts.done.size > 0 && { completedIndexes: rangesText(counts.done) }),
  };
}

function rangesText(done: ReadonlySet<number>): string {
  const sorted = [...done].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (sorted[end + 1] === (sorted[end] as number) + 1) end++;
    ranges.push(end === start ? `${sorted[start]}` : `${sorted[start]}-${sorted[end]}`);
    start = end + 1;
  }
  return ranges.join(',');
}

function suspensionOf(
  { status }: Job,
  suspended: boolean,
): Omit<WorkloadCondition, 'lastTransitionTime'> | undefined {
  if (suspended)
    return { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' };
  return status?.conditions?.some(({ type }) => type === 'Suspended') === true
    ? { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' }
    : undefined;
}

function finishTime(pod: Pod): string {
  const times = (pod.status?.containerStatuses ?? []).map(
    (one) =>
      (one as { state?: { terminated?: { finishedAt?: string } } }).state?.terminated?.finishedAt ?? '',
  );
  return times.toSorted().at(-1) || pod.metadata.creationTimestamp;
}

function newPod(job: Job, index: number | undefined): ReturnType<typeof podOf> {
  const { template } = job.spec;
  if (index === undefined) return podOf(template, job);
  const text = String(index);
  const pod = podOf(template, job, { [INDEX_ANNOTATION]: text }, `${job.metadata.name}-${text}-`);
  const env = { name: 'JOB_COMPLETION_INDEX', value: text };
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, [INDEX_ANNOTATION]: text } },
    spec: {
      ...pod.spec,
      containers: pod.spec.containers.map((one) => ({ ...one, env: [...(one.env ?? []), env] })),
    },
  };
}
