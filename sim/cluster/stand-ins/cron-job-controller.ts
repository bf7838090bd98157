import { isKubeError } from '../../../src/kube/error.ts';
import { keyOf } from '../../../src/kube/object.ts';
import { CRON_JOB, type CronJob, JOB, type Job } from '../../../src/kube/workloads.ts';
import { dueTime } from '../cron/due-time.ts';
import { nextTime } from '../cron/next-time.ts';
import { parseSchedule } from '../cron/schedule.ts';
import { zonedTimestamp } from '../cron/time-zone.ts';
import { isFinished } from './job-controller.ts';
import { controlledBy, controllerOf, unlessGone } from './owner.ts';
import type { ControllerHost, Reconciler } from './reconcile-loop.ts';
import { writeStatus } from './status-write.ts';
import { type Told, tell } from './told-event.ts';

const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
/** The zone of schedules that name none: that of kube-controller-manager, which is UTC in a container. */
const DEFAULT_ZONE = 'UTC';

type Status = NonNullable<CronJob['status']>;

/** Stands in for the CronJob controller, on the cluster's clock. Source: pkg/controller/cronjob (v1.32). */
export class CronJobController implements Reconciler<CronJob> {
  readonly kind = CRON_JOB;
  readonly owned = [JOB];
  readonly adopts = false;
  readonly #host: ControllerHost;

  constructor(host: ControllerHost) {
    this.#host = host;
  }

  async reconcile(cronJob: CronJob): Promise<number | undefined> {
    const { api } = this.#host;
    const { namespace = '', uid, deletionTimestamp } = cronJob.metadata;
    const { items } = await api.list(JOB, { namespace });
    const jobs = items.filter((job) => controllerOf(job)?.uid === uid);
    let status = observed(cronJob, jobs);
    let delayMs: number | undefined;
    if (deletionTimestamp === undefined && cronJob.spec.suspend !== true)
      [status, delayMs] = await this.#keepTime(cronJob, status, jobs);
    await writeStatus(api, CRON_JOB, cronJob, status);
    await this.#forget(cronJob, jobs);
    return delayMs;
  }

  /** Starts what is due; returns the status then, and the time until the next run. */
  async #keepTime(
    cronJob: CronJob,
    before: Status,
    jobs: readonly Job[],
  ): Promise<[Status, number | undefined]> {
    const { clock } = this.#host;
    const { schedule: text, timeZone = DEFAULT_ZONE, startingDeadlineSeconds } = cronJob.spec;
    const schedule = parseSchedule(text);
    const nowMs = clock.epochMs + clock.nowMs;
    const next = nextTime(schedule, nowMs, timeZone);
    const delayMs = next === undefined ? undefined : next - nowMs;
    const due = dueTime(schedule, timeZone, {
      sinceMs: Date.parse(before.lastScheduleTime ?? cronJob.metadata.creationTimestamp),
      nowMs,
      deadlineMs: startingDeadlineSeconds === undefined ? undefined : startingDeadlineSeconds * 1000,
    });
    if (due === undefined) return [before, delayMs];
    if (due.missedMany)
      await this.#tell(
        cronJob,
        'Warning',
        'TooManyMissedTimes',
        'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
      );
    if (startingDeadlineSeconds !== undefined && due.atMs + startingDeadlineSeconds * 1000 < nowMs)
      return [before, delayMs];
    return [await this.#start(cronJob, before, jobs, due.atMs, timeZone), delayMs];
  }

  async #start(
    cronJob: CronJob,
    before: Status,
    jobs: readonly Job[],
    atMs: number,
    zone: string,
  ): Promise<Status> {
    const { api } = this.#host;
    const { concurrencyPolicy = 'Allow', jobTemplate } = cronJob.spec;
    let active = before.active ?? [];
    if (active.length > 0 && concurrencyPolicy === 'Forbid') {
      await this.#tell(
        cronJob,
        'Normal',
        'JobAlreadyActive',
        'Not starting job because prior execution is running and concurrency policy is Forbid',
      );
      return before;
    }
    if (concurrencyPolicy === 'Replace') {
      for (const { name } of active) {
        const job = jobs.find(({ metadata }) => metadata.name === name);
        if (job === undefined) continue;
        await api.delete(JOB, keyOf(job), { propagationPolicy: 'Background' }).catch(unlessGone);
      }
      active = [];
    }
    const { namespace = '', name } = cronJob.metadata;
    const { labels, annotations } = jobTemplate.metadata ?? {};
    const metadata = {
      namespace,
      name: `${name}-${Math.floor(atMs / 60_000)}`,
      ...(labels !== undefined && { labels }),
      annotations: { ...annotations, [SCHEDULED_AT]: zonedTimestamp(atMs, zone) },
      ownerReferences: [controlledBy(cronJob)],
    };
    const lastScheduleTime = `${new Date(atMs).toISOString().slice(0, 19)}Z`;
    try {
      const job = await api.create(JOB, {
        apiVersion: JOB.apiVersion,
        kind: JOB.kind,
        metadata,
        spec: jobTemplate.spec,
      });
      await this.#tell(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${metadata.name}`);
      const { uid, resourceVersion } = job.metadata;
      const reference = {
        apiVersion: 'batch/v1',
        kind: 'Job',
        name: metadata.name,
        namespace,
        uid,
        resourceVersion,
      };
      return { ...before, active: [...active, reference], lastScheduleTime };
    } catch (error) {
      // Made before its maker could write it down: it counts as started.
      if (isKubeError(error, 'AlreadyExists')) return { ...before, lastScheduleTime };
      throw error;
    }
  }

  /** Deletes the oldest of more ended Jobs than are to be kept. */
  async #forget({ spec }: CronJob, jobs: readonly Job[]): Promise<void> {
    const limits = {
      Complete: spec.successfulJobsHistoryLimit ?? 3,
      Failed: spec.failedJobsHistoryLimit ?? 1,
    };
    for (const type of ['Complete', 'Failed'] as const) {
      const ended = jobs
        .filter((job) => hasMet(job, type) && job.metadata.deletionTimestamp === undefined)
        .toSorted((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
      for (const job of ended.slice(0, Math.max(0, ended.length - limits[type])))
        await this.#host.api.delete(JOB, keyOf(job), { propagationPolicy: 'Background' }).catch(unlessGone);
    }
  }

  #tell(about: CronJob, type: Told['type'], reason: string, message: string): Promise<void> {
    return tell(this.#host, about, { component: 'cronjob-controller', type, reason, message });
  }
}

/** Without the Jobs that have ended; with the time of the last that succeeded. */
function observed({ status = {} }: CronJob, jobs: readonly Job[]): Status {
  const running = new Set(jobs.filter((job) => !isFinished(job)).map(({ metadata }) => metadata.uid));
  const active = (status.active ?? []).filter(({ uid }) => running.has(uid));
  const successes = jobs.flatMap((job) =>
    hasMet(job, 'Complete') ? [job.status?.completionTime ?? ''] : [],
  );
  const lastSuccessfulTime = [status.lastSuccessfulTime ?? '', ...successes].toSorted().at(-1) ?? '';
  const { active: _, lastSuccessfulTime: __, ...rest } = status;
  return {
    ...rest,
    ...(active.length > 0 && { active }),
    ...(lastSuccessfulTime !== '' && { lastSuccessfulTime }),
  };
}

function hasMet({ status }: Job, wanted: 'Complete' | 'Failed'): boolean {
  return status?.conditions?.some(({ type, status: met }) => type === wanted && met === 'True') === true;
}

function startOf({ metadata, status }: Job): string {
  return `${status?.startTime ?? metadata.creationTimestamp} ${metadata.name}`;
}
