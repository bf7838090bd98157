import type { KubeCause } from '../../../src/kube/error.ts';
import { forbiddenValue, invalidValue, unsupportedValue } from '../../../src/kube/field-cause.ts';
import { AGE, at, column } from '../printer.ts';
import type { Resource } from '../resource.ts';
import { type Draft, isMembers, type Members } from '../stored-object.ts';
import { builtIn } from './built-in.ts';
import { podTemplate } from './pod-spec.ts';
import { bool, int, intOrText, object, openObject, text } from './schema.ts';
import {
  checkCountOrShare,
  checkWorkload,
  isZeroShare,
  labelSelector,
  notNegative,
  prepareWorkload,
  SCALE_PATHS,
  specOf,
  wideColumns,
  workloadConditions,
} from './workload.ts';

const DEFAULT_SHARE = '25%';

/** Source: apps/v1 Deployment; pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation (v1.32). */
export function deploymentKind(): Resource {
  return builtIn({
    group: 'apps',
    kind: 'Deployment',
    plural: 'deployments',
    shortNames: ['deploy'],
    categories: ['all'],
    description: 'Pods of one template, kept in number and replaced step by step when the template changes.',
    hasGeneration: true,
    generationCountsAnnotations: true,
    statusTakesAnnotations: true,
    hasStatus: true,
    scale: SCALE_PATHS,
    members: {
      spec: object({
        replicas: int,
        minReadySeconds: int,
        paused: bool,
        revisionHistoryLimit: int,
        progressDeadlineSeconds: int,
        selector: labelSelector,
        strategy: object({
          type: text,
          rollingUpdate: object({ maxSurge: intOrText, maxUnavailable: intOrText }),
        }),
        template: podTemplate,
      }),
      status: openObject({
        replicas: int,
        updatedReplicas: int,
        readyReplicas: int,
        availableReplicas: int,
        unavailableReplicas: int,
        observedGeneration: int,
        collisionCount: int,
        conditions: workloadConditions,
      }),
    },
    columns: [
      column('Ready', (one) => `${at(one, 'status.readyReplicas') ?? 0}/${at(one, 'spec.replicas') ?? 0}`),
      column('Up-to-date', (one) => String(at(one, 'status.updatedReplicas') ?? 0)),
      column('Available', (one) => String(at(one, 'status.availableReplicas') ?? 0)),
      AGE,
      ...wideColumns('spec.template', 'spec.selector'),
    ],
    prepare: (draft, previous) =>
      prepareWorkload(draft, previous, (spec) => ({
        replicas: spec.replicas ?? 1,
        revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
        progressDeadlineSeconds: spec.progressDeadlineSeconds ?? 600,
        strategy: defaultStrategy(spec.strategy),
      })),
    validate: (draft, previous) => [
      ...checkWorkload(draft, previous, 'deployment'),
      ...checkStrategy(specOf(draft).strategy),
      ...checkDeadline(draft),
    ],
  });
}

function defaultStrategy(given: unknown): Members {
  const strategy = isMembers(given) ? given : {};
  const type = strategy.type ?? 'RollingUpdate';
  if (type !== 'RollingUpdate') return { ...strategy, type };
  const shares = { maxUnavailable: DEFAULT_SHARE, maxSurge: DEFAULT_SHARE };
  return {
    type,
    rollingUpdate: { ...shares, ...(isMembers(strategy.rollingUpdate) && strategy.rollingUpdate) },
  };
}

function checkStrategy(strategy: unknown): KubeCause[] {
  const { type, rollingUpdate } = isMembers(strategy) ? strategy : {};
  const path = 'spec.strategy.rollingUpdate';
  if (type === 'Recreate')
    return rollingUpdate === undefined
      ? []
      : [forbiddenValue(path, "may not be specified when strategy `type` is 'Recreate'")];
  if (type !== 'RollingUpdate')
    return [unsupportedValue('spec.strategy', type, ['Recreate', 'RollingUpdate'])];
  const { maxUnavailable, maxSurge } = isMembers(rollingUpdate) ? rollingUpdate : {};
  return [
    ...checkCountOrShare(maxUnavailable, `${path}.maxUnavailable`, true),
    ...checkCountOrShare(maxSurge, `${path}.maxSurge`),
    ...(isZeroShare(maxUnavailable) && isZeroShare(maxSurge)
      ? [invalidValue(`${path}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0')]
      : []),
  ];
}

function checkDeadline(draft: Draft): KubeCause[] {
  const spec = specOf(draft);
  const causes = notNegative(spec, 'spec', 'progressDeadlineSeconds');
  if (Number(spec.progressDeadlineSeconds) <= Number(spec.minReadySeconds ?? 0))
    causes.push(
      invalidValue(
        'spec.progressDeadlineSeconds',
        spec.progressDeadlineSeconds,
        'must be greater than minReadySeconds',
      ),
    );
  return causes;
}
