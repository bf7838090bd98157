import { AGE, at, textAt } from '../printer.ts';
import type { Resource } from '../resource.ts';
import { builtIn } from './built-in.ts';
import { podTemplate } from './pod-spec.ts';
import { int, object, openObject } from './schema.ts';
import {
  checkWorkload,
  countColumn,
  labelSelector,
  prepareWorkload,
  SCALE_PATHS,
  wideColumns,
  workloadConditions,
} from './workload.ts';

/** Source: apps/v1 ReplicaSet. */
export function replicaSetKind(): Resource {
  return builtIn({
    group: 'apps',
    kind: 'ReplicaSet',
    plural: 'replicasets',
    shortNames: ['rs'],
    categories: ['all'],
    description: 'Pods of one template, kept in number.',
    hasGeneration: true,
    hasStatus: true,
    scale: SCALE_PATHS,
    members: {
      spec: object({ replicas: int, minReadySeconds: int, selector: labelSelector, template: podTemplate }),
      status: openObject({
        replicas: int,
        fullyLabeledReplicas: int,
        readyReplicas: int,
        availableReplicas: int,
        observedGeneration: int,
        conditions: workloadConditions,
      }),
    },
    columns: [
      countColumn('Desired', 'spec.replicas'),
      countColumn('Current', 'status.replicas'),
      countColumn('Ready', 'status.readyReplicas'),
      AGE,
      ...wideColumns('spec.template', 'spec.selector'),
    ],
    prepare: (draft, previous) => {
      prepareWorkload(draft, previous, (spec) => ({ replicas: spec.replicas ?? 1 }));
      if (previous === undefined) draft.status = { replicas: 0 };
    },
    validate: (draft, previous) => checkWorkload(draft, previous, 'deployment'),
  });
}

/** What a workload looked like before: kept for going back to it. Source: apps/v1 ControllerRevision. */
export function controllerRevisionKind(): Resource {
  return builtIn({
    group: 'apps',
    kind: 'ControllerRevision',
    plural: 'controllerrevisions',
    description: 'A former state of a workload, for going back to it.',
    members: { data: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, revision: int },
    required: ['revision'],
    columns: [
      { name: 'Controller', type: 'string', cell: controllerOf },
      { name: 'Revision', type: 'integer', cell: (one) => at(one, 'revision') },
      AGE,
    ],
    validate: (draft, previous) =>
      previous !== undefined && JSON.stringify(draft.data) !== JSON.stringify(previous.data)
        ? [{ reason: 'FieldValueInvalid', message: 'Invalid value: field is immutable', field: 'data' }]
        : [],
  });
}

function controllerOf(one: unknown): string {
  const owners = at(one, 'metadata.ownerReferences');
  const owner = Array.isArray(owners) ? owners.find((each) => at(each, 'controller') === true) : undefined;
  if (owner === undefined) return '<none>';
  const group = textAt(owner, 'apiVersion').split('/').slice(0, -1).join('');
  const kind = textAt(owner, 'kind').toLowerCase();
  return `${group === '' ? kind : `${kind}.${group}`}/${textAt(owner, 'name')}`;
}
