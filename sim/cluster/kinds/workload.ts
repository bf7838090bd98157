import type { KubeCause } from '../../../src/kube/error.ts';
import {
  forbiddenValue,
  invalidValue,
  requiredValue,
  unsupportedValue,
} from '../../../src/kube/field-cause.ts';
import type { LabelSelector } from '../../../src/kube/workloads.ts';
import {
  checkSelector,
  fitsSelector,
  goLabels,
  goSelector,
  invalidGoValue,
  selectorText,
} from '../label-selector.ts';
import { at, column, textAt } from '../printer.ts';
import type { PrinterColumn, ScalePaths } from '../resource.ts';
import { type Draft, equalJson, isMembers, type Members } from '../stored-object.ts';
import { checkPodSpec, defaultPodSpec } from './pod-spec.ts';
import { list, map, object, oneOf, openObject, type Schema, text, time } from './schema.ts';

/** Source: metav1.LabelSelector. */
export const labelSelector: Schema = {
  ...object({
    matchLabels: map(text),
    matchExpressions: list(
      object(
        { key: text, operator: oneOf('In', 'NotIn', 'Exists', 'DoesNotExist'), values: list(text) },
        'key',
        'operator',
      ),
    ),
  }),
  'x-kubernetes-map-type': 'atomic',
};

/** Conditions of workloads: looser than metav1.Condition. */
export const workloadConditions: Schema = {
  ...list(
    openObject(
      {
        type: text,
        status: oneOf('True', 'False', 'Unknown'),
        reason: text,
        message: text,
        lastTransitionTime: time,
        lastUpdateTime: time,
        lastProbeTime: time,
      },
      'type',
      'status',
    ),
  ),
  'x-kubernetes-patch-merge-key': 'type',
  'x-kubernetes-patch-strategy': 'merge',
};

export const SCALE_PATHS: ScalePaths = {
  specReplicas: ['spec', 'replicas'],
  statusReplicas: ['status', 'replicas'],
  selectorOf: (workload) => selectorText(at(workload, 'spec.selector') as LabelSelector | undefined),
};

export function specOf(object: Members | undefined): Members {
  return isMembers(object?.spec) ? object.spec : {};
}

/** Fills in a workload's spec and its Pod template, and gives a new one an empty status. */
export function prepareWorkload(
  draft: Draft,
  previous: Members | undefined,
  defaults: (spec: Members) => Members,
): void {
  if (previous === undefined) draft.status = {};
  else if (draft.spec === previous.spec) return;
  const spec = { ...specOf(draft), ...defaults(specOf(draft)) };
  draft.spec = { ...spec, template: defaultTemplate(spec.template) };
}

export function defaultTemplate(template: unknown): unknown {
  if (!isMembers(template)) return template ?? {};
  return { ...template, ...(template.spec !== undefined && { spec: defaultPodSpec(template.spec) }) };
}

export function notNegative(spec: Members, path: string, ...members: readonly string[]): KubeCause[] {
  return members.flatMap((member) => {
    const value = spec[member];
    return typeof value === 'number' && value < 0
      ? [invalidValue(`${path}.${member}`, value, 'must be greater than or equal to 0')]
      : [];
  });
}

/** The rules that everything with a selector and a template of Pods that never end shares. */
export function checkWorkload(workload: Draft, previous: Members | undefined, noun: string): KubeCause[] {
  const spec = specOf(workload);
  const causes = notNegative(spec, 'spec', 'replicas', 'minReadySeconds', 'revisionHistoryLimit');
  const selector = spec.selector as LabelSelector | undefined;
  if (selector === undefined) causes.push(requiredValue('spec.selector'));
  else {
    causes.push(...checkSelector(selector, 'spec.selector'));
    if (isEmptySelector(selector))
      causes.push(
        invalidGoValue('spec.selector', goSelector(selector), `empty selector is invalid for ${noun}`),
      );
    else causes.push(...checkTemplateLabels(spec.template, selector, 'spec.template'));
  }
  causes.push(...checkPodSpec(at(spec, 'template.spec'), 'spec.template.spec'));
  const restartPolicy = at(spec, 'template.spec.restartPolicy') ?? '';
  if (restartPolicy !== 'Always')
    causes.push(unsupportedValue('spec.template.spec.restartPolicy', restartPolicy, ['Always']));
  if (at(spec, 'template.spec.activeDeadlineSeconds') !== undefined)
    causes.push(
      forbiddenValue(
        'spec.template.spec.activeDeadlineSeconds',
        `activeDeadlineSeconds in ${noun === 'daemonset' ? 'DaemonSet' : 'ReplicaSet'} is not Supported`,
      ),
    );
  const before = specOf(previous).selector as LabelSelector | undefined;
  if (previous !== undefined && selector !== undefined && !equalJson(selector, before))
    causes.push(invalidGoValue('spec.selector', goSelector(selector), 'field is immutable'));
  return causes;
}

export function checkTemplateLabels(template: unknown, selector: LabelSelector, path: string): KubeCause[] {
  const labels = at(template, 'metadata.labels') as Readonly<Record<string, string>> | undefined;
  return fitsSelector(selector, labels)
    ? []
    : [
        invalidGoValue(
          `${path}.metadata.labels`,
          goLabels(labels),
          '`selector` does not match template `labels`',
        ),
      ];
}

function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length + matchExpressions.length === 0;
}

/** `3`, `25%`; what is wrong with anything else. Source: pkg/apis/apps/validation ValidatePositiveIntOrPercent. */
export function checkCountOrShare(value: unknown, path: string, shareMax = false): KubeCause[] {
  if (typeof value === 'number')
    return value < 0 ? [invalidValue(path, value, 'must be greater than or equal to 0')] : [];
  if (typeof value !== 'string') return [];
  const share = /^(\d+)%$/.exec(value);
  if (share === null)
    return [
      invalidValue(
        path,
        value,
        `a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')`,
      ),
    ];
  return shareMax && Number(share[1]) > 100
    ? [invalidValue(path, value, 'must not be greater than 100%')]
    : [];
}

/** True for `0` and `0%`. */
export function isZeroShare(value: unknown): boolean {
  return value === 0 || (typeof value === 'string' && /^0+%$/.test(value));
}

/** The columns that `-o wide` adds to every workload; `root` leads to the template. */
export function wideColumns(root: string, selector: string): readonly PrinterColumn[] {
  const each = (member: string) => (object: unknown) => {
    const containers = at(object, `${root}.spec.containers`);
    return (Array.isArray(containers) ? containers : []).map((one) => textAt(one, member)).join(',');
  };
  return [
    column('Containers', each('name'), 1),
    column('Images', each('image'), 1),
    column('Selector', (object) => selectorText(at(object, selector) as LabelSelector) || '<none>', 1),
  ];
}

/** A column of a number that a controller counts; 0 until it does. */
export function countColumn(name: string, path: string): PrinterColumn {
  return { name, type: 'integer', cell: (object) => at(object, path) ?? 0 };
}
