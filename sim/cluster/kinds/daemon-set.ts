import type { KubeCause } from '../../../src/kube/error.ts';
import { invalidValue, requiredValue, unsupportedValue } from '../../../src/kube/field-cause.ts';
import type { LabelSelector } from '../../../src/kube/workloads.ts';
import { selectorText } from '../label-selector.ts';
import { AGE, at, column } from '../printer.ts';
import type { Resource } from '../resource.ts';
import { type Draft, equalJson, isMembers, type Members } from '../stored-object.ts';
import { builtIn } from './built-in.ts';
import { podTemplate } from './pod-spec.ts';
import { int, intOrText, object, openObject, text } from './schema.ts';
import {
  checkCountOrShare,
  checkWorkload,
  countColumn,
  isZeroShare,
  labelSelector,
  prepareWorkload,
  specOf,
  wideColumns,
  workloadConditions,
} from './workload.ts';

/** Counts changes of the template; older clients read it. Source: apps/v1 DeprecatedTemplateGeneration. */
export const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

/** Source: apps/v1 DaemonSet. */
export function daemonSetKind(): Resource {
  return builtIn({
    group: 'apps',
    kind: 'DaemonSet',
    plural: 'daemonsets',
    shortNames: ['ds'],
    categories: ['all'],
    description: 'One Pod of a template on every node that fits.',
    hasGeneration: true,
    hasStatus: true,
    members: {
      spec: object({
        minReadySeconds: int,
        revisionHistoryLimit: int,
        selector: labelSelector,
        updateStrategy: object({
          type: text,
          rollingUpdate: object({ maxSurge: intOrText, maxUnavailable: intOrText }),
        }),
        template: podTemplate,
      }),
      status: openObject({
        desiredNumberScheduled: int,
        currentNumberScheduled: int,
        numberMisscheduled: int,
        numberReady: int,
        updatedNumberScheduled: int,
        numberAvailable: int,
        numberUnavailable: int,
        observedGeneration: int,
        conditions: workloadConditions,
      }),
    },
    columns: [
      countColumn('Desired', 'status.desiredNumberScheduled'),
      countColumn('Current', 'status.currentNumberScheduled'),
      countColumn('Ready', 'status.numberReady'),
      countColumn('Up-to-date', 'status.updatedNumberScheduled'),
      countColumn('Available', 'status.numberAvailable'),
      column('Node Selector', nodeSelectorText),
      AGE,
      ...wideColumns('spec.template', 'spec.selector'),
    ],
    prepare: (draft, previous) => {
      prepareWorkload(draft, previous, (spec) => ({
        revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
        updateStrategy: defaultStrategy(spec.updateStrategy),
      }));
      if (previous === undefined) draft.status = NOTHING_SCHEDULED;
      countTemplate(draft, previous);
    },
    validate: (draft, previous) => [
      ...checkWorkload(draft, previous, 'daemonset'),
      ...checkStrategy(specOf(draft).updateStrategy),
    ],
  });
}

const NOTHING_SCHEDULED: Members = {
  currentNumberScheduled: 0,
  desiredNumberScheduled: 0,
  numberMisscheduled: 0,
  numberReady: 0,
};

function defaultStrategy(given: unknown): Members {
  const strategy = isMembers(given) ? given : {};
  const type = strategy.type ?? 'RollingUpdate';
  if (type !== 'RollingUpdate') return { ...strategy, type };
  const shares = { maxSurge: 0, maxUnavailable: 1 };
  return {
    type,
    rollingUpdate: { ...shares, ...(isMembers(strategy.rollingUpdate) && strategy.rollingUpdate) },
  };
}

function checkStrategy(strategy: unknown): KubeCause[] {
  const { type, rollingUpdate } = isMembers(strategy) ? strategy : {};
  if (type === 'OnDelete') return [];
  if (type !== 'RollingUpdate')
    return [unsupportedValue('spec.updateStrategy', type, ['RollingUpdate', 'OnDelete'])];
  const path = 'spec.updateStrategy.rollingUpdate';
  const { maxUnavailable, maxSurge } = isMembers(rollingUpdate) ? rollingUpdate : {};
  const causes = [
    ...checkCountOrShare(maxUnavailable, `${path}.maxUnavailable`, true),
    ...checkCountOrShare(maxSurge, `${path}.maxSurge`, true),
  ];
  if (isZeroShare(maxUnavailable) && isZeroShare(maxSurge))
    causes.push(requiredValue(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  else if (!isZeroShare(maxUnavailable) && !isZeroShare(maxSurge))
    causes.push(invalidValue(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'));
  return causes;
}

function countTemplate(draft: Draft, previous: Members | undefined): void {
  const annotations = draft.metadata.annotations ?? {};
  const before = Number(at(previous, 'metadata.annotations')?.[TEMPLATE_GENERATION as never] ?? 0);
  const same = previous !== undefined && equalJson(specOf(draft).template, specOf(previous).template);
  const count = String(same ? before : before + 1);
  if (annotations[TEMPLATE_GENERATION] !== count)
    draft.metadata.annotations = { ...annotations, [TEMPLATE_GENERATION]: count };
}

function nodeSelectorText(one: unknown): string {
  const nodes = at(one, 'spec.template.spec.nodeSelector') as LabelSelector['matchLabels'];
  return selectorText({ matchLabels: nodes ?? {} }) || '<none>';
}
