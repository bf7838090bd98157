import type { KubeCause } from '../../../src/kube/error.ts';
import { invalidValue, requiredValue, unsupportedValue } from '../../../src/kube/field-cause.ts';
import type { LabelSelector } from '../../../src/kube/workloads.ts';
import { goSelector, invalidGoValue } from '../label-selector.ts';
import { AGE, ageText, at, column } from '../printer.ts';
import type { Resource } from '../resource.ts';
import { type Draft, equalJson, isMembers, type Members, type StoredObject } from '../stored-object.ts';
import { builtIn } from './built-in.ts';
import { checkPodSpec, podTemplate } from './pod-spec.ts';
import { bool, int, object, open, openObject, type Schema, text, time } from './schema.ts';
import {
  checkTemplateLabels,
  defaultTemplate,
  labelSelector,
  notNegative,
  specOf,
  wideColumns,
  workloadConditions,
} from './workload.ts';

const MODES = ['NonIndexed', 'Indexed'];

/** Source: batch/v1 JobSpec. */
export const jobSpec: Schema = object({
  parallelism: int,
  completions: int,
  completionMode: text,
  backoffLimit: int,
  backoffLimitPerIndex: int,
  maxFailedIndexes: int,
  activeDeadlineSeconds: int,
  ttlSecondsAfterFinished: int,
  suspend: bool,
  manualSelector: bool,
  managedBy: text,
  podFailurePolicy: open,
  podReplacementPolicy: text,
  successPolicy: open,
  selector: labelSelector,
  template: podTemplate,
});

/** Source: batch/v1 Job; pkg/apis/batch/v1/defaults.go, pkg/registry/batch/job, pkg/apis/batch/validation (v1.32). */
export function jobKind(unixMs: () => number): Resource {
  return builtIn({
    group: 'batch',
    kind: 'Job',
    plural: 'jobs',
    categories: ['all'],
    description: 'Pods that run until enough of them have succeeded.',
    hasGeneration: true,
    hasStatus: true,
    orphansByDefault: true,
    members: {
      spec: jobSpec,
      status: openObject({
        active: int,
        ready: int,
        succeeded: int,
        failed: int,
        terminating: int,
        startTime: time,
        completionTime: time,
        completedIndexes: text,
        failedIndexes: text,
        uncountedTerminatedPods: open,
        conditions: workloadConditions,
      }),
    },
    columns: [
      column('Status', statusWord),
      column('Completions', completionsText),
      column('Duration', (job) => durationText(job, unixMs())),
      AGE,
      ...wideColumns('spec.template', 'spec.selector'),
    ],
    selectableFields: (job) => ({ 'status.successful': String(at(job, 'status.succeeded') ?? 0) }),
    prepare: (draft, previous) => {
      if (previous === undefined) draft.status = {};
      if (draft.spec !== previous?.spec) {
        draft.spec = defaultJobSpec(specOf(draft));
        if (previous === undefined) generateSelector(draft);
      }
      labelLikeTemplate(draft);
    },
    validate: (job, previous) => {
      const spec = specOf(job);
      const causes = [...checkJobSpec(spec, 'spec'), ...checkSelected(spec)];
      if (previous !== undefined && job.spec !== previous.spec)
        causes.push(...checkFixed(spec, specOf(previous), previous));
      return causes;
    },
  });
}

export function defaultJobSpec(spec: Members): Members {
  const single = spec.completions === undefined && spec.parallelism === undefined;
  const perIndex = spec.backoffLimitPerIndex !== undefined;
  return {
    ...spec,
    ...(single && { completions: 1 }),
    parallelism: spec.parallelism ?? 1,
    backoffLimit: spec.backoffLimit ?? (perIndex ? 2 ** 31 - 1 : 6),
    completionMode: spec.completionMode ?? 'NonIndexed',
    suspend: spec.suspend ?? false,
    manualSelector: spec.manualSelector ?? false,
    podReplacementPolicy:
      spec.podReplacementPolicy ?? (spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed'),
    template: defaultTemplate(spec.template),
  };
}

const UID_LABEL = 'batch.kubernetes.io/controller-uid';

/** A Job without labels has those of its Pods. Source: pkg/apis/batch/v1/defaults.go, SetDefaults_Job. */
function labelLikeTemplate(draft: Draft): void {
  const labels = at(draft, 'spec.template.metadata.labels') as Draft['metadata']['labels'];
  if (labels !== undefined && Object.keys(draft.metadata.labels ?? {}).length === 0)
    draft.metadata = { ...draft.metadata, labels };
}

/** A Job selects its own Pods and no others: by its uid, which its template carries. */
function generateSelector(draft: Draft): void {
  const spec = specOf(draft);
  if (spec.manualSelector === true) return;
  const { uid, name } = draft.metadata;
  const template = isMembers(spec.template) ? spec.template : {};
  const metadata = isMembers(template.metadata) ? template.metadata : {};
  const given = isMembers(metadata.labels) ? metadata.labels : {};
  const own = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  const selector = isMembers(spec.selector) ? spec.selector : {};
  const matchLabels = isMembers(selector.matchLabels) ? selector.matchLabels : {};
  draft.spec = {
    ...spec,
    selector: { ...selector, matchLabels: { [UID_LABEL]: uid, ...matchLabels } },
    template: { ...template, metadata: { ...metadata, labels: { ...own, ...given } } },
  };
}

export function checkJobSpec(spec: Members, path: string): KubeCause[] {
  const causes = notNegative(
    spec,
    path,
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  );
  const { completionMode, completions } = spec;
  if (!MODES.includes(String(completionMode)))
    causes.push(unsupportedValue(`${path}.completionMode`, completionMode, MODES));
  if (completionMode === 'Indexed') {
    if (completions === undefined)
      causes.push(requiredValue(`${path}.completions`, 'when completion mode is Indexed'));
    if (Number(spec.parallelism) > 100_000)
      causes.push(
        invalidValue(
          `${path}.parallelism`,
          spec.parallelism,
          'must be less than or equal to 100000 when completion mode is Indexed',
        ),
      );
  } else
    for (const member of ['backoffLimitPerIndex', 'maxFailedIndexes'])
      if (spec[member] !== undefined)
        causes.push(invalidValue(`${path}.${member}`, spec[member], 'requires indexed completion mode'));
  causes.push(...checkPodSpec(at(spec, 'template.spec'), `${path}.template.spec`));
  const restartPolicy = at(spec, 'template.spec.restartPolicy');
  if (restartPolicy !== 'OnFailure' && restartPolicy !== 'Never')
    causes.push(requiredValue(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  return causes;
}

function checkSelected({ selector, template }: Members): KubeCause[] {
  if (!isMembers(selector)) return [requiredValue('spec.selector')];
  return checkTemplateLabels(template, selector as LabelSelector, 'spec.template');
}

function checkFixed(spec: Members, before: Members, previous: StoredObject): KubeCause[] {
  const causes: KubeCause[] = [];
  const fixed = (member: string, goText: string): void => {
    if (!equalJson(spec[member], before[member]))
      causes.push(invalidGoValue(`spec.${member}`, goText, 'field is immutable'));
  };
  if (spec.completionMode !== 'Indexed') fixed('completions', String(spec.completions));
  else if (spec.completions !== before.completions && spec.completions !== spec.parallelism)
    causes.push(
      invalidValue(
        'spec.completions',
        spec.completions,
        'can only be modified in tandem with spec.parallelism',
      ),
    );
  fixed('selector', goSelector((spec.selector ?? {}) as LabelSelector));
  if (!equalJson(spec.template, schedulable(before, spec, previous)))
    causes.push(invalidGoValue('spec.template', 'core.PodTemplateSpec{…}', 'field is immutable'));
  for (const member of [
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
  ])
    fixed(member, JSON.stringify(spec[member] ?? null));
  return causes;
}

/** The template as it was, but for where its Pods may run: that may change until the Job has started. */
function schedulable(before: Members, spec: Members, previous: StoredObject): unknown {
  if (before.suspend !== true || at(previous, 'status.startTime') !== undefined) return before.template;
  const old = isMembers(before.template) ? before.template : {};
  const next = isMembers(spec.template) ? spec.template : {};
  const { nodeSelector, tolerations, affinity, schedulingGates } = specOf(next);
  return {
    ...old,
    ...(next.metadata !== undefined && { metadata: next.metadata }),
    spec: { ...specOf(old), nodeSelector, tolerations, affinity, schedulingGates },
  };
}

function hasCondition(job: StoredObject, type: string): boolean {
  const conditions = at(job, 'status.conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some((one) => at(one, 'type') === type && at(one, 'status') === 'True')
  );
}

function statusWord(job: StoredObject): string {
  if (hasCondition(job, 'Complete')) return 'Complete';
  if (hasCondition(job, 'Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (hasCondition(job, 'Suspended')) return 'Suspended';
  return hasCondition(job, 'FailureTarget') ? 'FailureTarget' : 'Running';
}

function completionsText(job: StoredObject): string {
  const succeeded = at(job, 'status.succeeded') ?? 0;
  const { completions, parallelism = 0 } = specOf(job);
  if (completions !== undefined) return `${succeeded}/${completions}`;
  return Number(parallelism) > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationText(job: StoredObject, nowUnixMs: number): string | undefined {
  const start = at(job, 'status.startTime');
  if (start === undefined) return undefined;
  const end = at(job, 'status.completionTime');
  return ageText(start, typeof end === 'string' ? Date.parse(end) : nowUnixMs);
}
