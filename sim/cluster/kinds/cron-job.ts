import type { KubeCause } from '../../../src/kube/error.ts';
import { invalidValue, requiredValue, unsupportedValue } from '../../../src/kube/field-cause.ts';
import type { LabelSelector } from '../../../src/kube/workloads.ts';
import { parseSchedule, ScheduleError } from '../cron/schedule.ts';
import { isTimeZone } from '../cron/time-zone.ts';
import { goSelector, invalidGoValue } from '../label-selector.ts';
import { AGE, ageText, at, column, textAt } from '../printer.ts';
import type { Resource } from '../resource.ts';
import { type Draft, isMembers, type Members } from '../stored-object.ts';
import { builtIn } from './built-in.ts';
import { checkJobSpec, defaultJobSpec, jobSpec } from './job.ts';
import { bool, int, list, map, object, objectReference, openObject, text, time } from './schema.ts';
import { defaultTemplate, notNegative, specOf, wideColumns } from './workload.ts';

const POLICIES = ['Allow', 'Forbid', 'Replace'];
/** Eleven characters are left for the time in the names of its Jobs. */
const NAME_LENGTH_MAX = 52;

/** Source: batch/v1 CronJob; pkg/apis/batch/validation (v1.32). */
export function cronJobKind(unixMs: () => number): Resource {
  return builtIn({
    group: 'batch',
    kind: 'CronJob',
    plural: 'cronjobs',
    shortNames: ['cj'],
    categories: ['all'],
    description: 'Makes Jobs by the clock.',
    hasGeneration: true,
    hasStatus: true,
    members: {
      spec: object({
        schedule: text,
        timeZone: text,
        concurrencyPolicy: text,
        startingDeadlineSeconds: int,
        suspend: bool,
        successfulJobsHistoryLimit: int,
        failedJobsHistoryLimit: int,
        jobTemplate: object({
          metadata: openObject({ labels: map(text), annotations: map(text) }),
          spec: jobSpec,
        }),
      }),
      status: openObject({ active: list(objectReference), lastScheduleTime: time, lastSuccessfulTime: time }),
    },
    columns: [
      column('Schedule', (one) => at(one, 'spec.schedule')),
      column('Timezone', (one) => at(one, 'spec.timeZone') ?? '<none>'),
      {
        name: 'Suspend',
        type: 'boolean',
        cell: (one) => (at(one, 'spec.suspend') === true ? 'True' : 'False'),
      },
      { name: 'Active', type: 'integer', cell: activeCount },
      column('Last Schedule', (one) => {
        const last = at(one, 'status.lastScheduleTime');
        return last === undefined ? '<none>' : ageText(last, unixMs());
      }),
      AGE,
      ...wideColumns('spec.jobTemplate.spec.template', 'spec.jobTemplate.spec.selector'),
    ],
    prepare: (draft, previous) => {
      if (previous === undefined) draft.status = {};
      else if (draft.spec === previous.spec) return;
      const spec = specOf(draft);
      const jobTemplate = isMembers(spec.jobTemplate) ? spec.jobTemplate : {};
      draft.spec = {
        ...spec,
        concurrencyPolicy: spec.concurrencyPolicy ?? 'Allow',
        suspend: spec.suspend ?? false,
        successfulJobsHistoryLimit: spec.successfulJobsHistoryLimit ?? 3,
        failedJobsHistoryLimit: spec.failedJobsHistoryLimit ?? 1,
        jobTemplate: { ...jobTemplate, spec: templateSpec(specOf(jobTemplate)) },
      };
    },
    validate: checkCronJob,
  });
}

/** Inside a template only the Pod's spec gets defaults; the rest waits for the Jobs. */
function templateSpec(given: Members): Members {
  return { ...given, template: defaultTemplate(given.template) };
}

function activeCount(one: unknown): number {
  const active = at(one, 'status.active');
  return Array.isArray(active) ? active.length : 0;
}

function checkCronJob(cronJob: Draft, previous: Members | undefined): readonly KubeCause[] {
  const spec = specOf(cronJob);
  const causes = notNegative(
    spec,
    'spec',
    'startingDeadlineSeconds',
    'successfulJobsHistoryLimit',
    'failedJobsHistoryLimit',
  );
  const { name } = cronJob.metadata;
  if (previous === undefined && name.length > NAME_LENGTH_MAX)
    causes.push(invalidValue('metadata.name', name, `must be no more than ${NAME_LENGTH_MAX} characters`));
  causes.push(...checkSchedule(textAt(spec, 'schedule')));
  if (spec.timeZone !== undefined && spec.timeZone !== specOf(previous).timeZone)
    causes.push(...checkTimeZone(String(spec.timeZone)));
  if (!POLICIES.includes(String(spec.concurrencyPolicy)))
    causes.push(unsupportedValue('spec.concurrencyPolicy', spec.concurrencyPolicy, POLICIES));
  const job = defaultJobSpec(specOf(isMembers(spec.jobTemplate) ? spec.jobTemplate : undefined));
  causes.push(...checkJobSpec(job, 'spec.jobTemplate.spec'));
  if (job.selector !== undefined)
    causes.push(
      invalidGoValue(
        'spec.jobTemplate.spec.selector',
        goSelector(job.selector as LabelSelector),
        '`selector` will be auto-generated',
      ),
    );
  if (job.manualSelector === true)
    causes.push(unsupportedValue('spec.jobTemplate.spec.manualSelector', true, ['nil', 'false']));
  return causes;
}

function checkSchedule(schedule: string): KubeCause[] {
  const path = 'spec.schedule';
  if (schedule === '') return [requiredValue(path)];
  if (schedule.includes('TZ'))
    return [invalidValue(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')];
  try {
    parseSchedule(schedule);
    return [];
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error;
    return [invalidValue(path, schedule, error.message)];
  }
}

function checkTimeZone(zone: string): KubeCause[] {
  const complain = (detail: string): KubeCause[] => [invalidValue('spec.timeZone', zone, detail)];
  if (zone === '') return complain('timeZone must be nil or non-empty string');
  if (zone.toLowerCase() === 'local')
    return complain('timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones');
  return isTimeZone(zone) ? [] : complain(`unknown time zone ${zone}`);
}
