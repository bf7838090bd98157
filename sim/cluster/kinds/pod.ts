import type { KubeCause } from '../../../src/kube/error.ts';
import { forbiddenValue, invalidValue } from '../../../src/kube/field-cause.ts';
import { nameComplaint } from '../object-name.ts';
import { AGE, at, column, textAt } from '../printer.ts';
import type { Resource } from '../resource.ts';
import { type Draft, equalJson, isMembers, type Members, type StoredObject } from '../stored-object.ts';
import { builtIn } from './built-in.ts';
import { checkPodSpec, defaultPodSpec, podSpec } from './pod-spec.ts';
import { bool, conditions, int, list, oneOf, open, openObject, text, time } from './schema.ts';

/** Source: core/v1 Pod; what the API server itself sets and refuses. */
export function podKind(): Resource {
  return builtIn({
    kind: 'Pod',
    plural: 'pods',
    shortNames: ['po'],
    categories: ['all'],
    description: 'Containers that run together on one node.',
    hasStatus: true,
    members: {
      spec: podSpec,
      status: openObject({
        phase: oneOf('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'),
        conditions,
        message: text,
        reason: text,
        podIP: text,
        hostIP: text,
        startTime: time,
        containerStatuses: list(
          openObject({ name: text, ready: bool, restartCount: int, image: text, state: open }),
        ),
      }),
    },
    required: ['spec'],
    columns: [
      column('Ready', readyContainers),
      column('Status', podStatus),
      { name: 'Restarts', type: 'integer', cell: restarts },
      AGE,
      column('IP', (pod) => textAt(pod, 'status.podIP') || '<none>', 1),
      column('Node', (pod) => textAt(pod, 'spec.nodeName') || '<none>', 1),
      column('Nominated Node', (pod) => textAt(pod, 'status.nominatedNodeName') || '<none>', 1),
      column('Readiness Gates', gatesText, 1),
    ],
    selectableFields: (pod) => ({
      'spec.nodeName': textAt(pod, 'spec.nodeName'),
      'spec.restartPolicy': textAt(pod, 'spec.restartPolicy'),
      'spec.schedulerName': textAt(pod, 'spec.schedulerName'),
      'spec.serviceAccountName': textAt(pod, 'spec.serviceAccountName'),
      'status.phase': textAt(pod, 'status.phase'),
      'status.podIP': textAt(pod, 'status.podIP'),
      'status.podIPs': textAt(pod, 'status.podIP'),
      'status.nominatedNodeName': textAt(pod, 'status.nominatedNodeName'),
      'spec.hostNetwork': String(at(pod, 'spec.hostNetwork') === true),
    }),
    prepare: (draft, previous) => {
      if (previous === undefined) draft.status = { phase: 'Pending' };
      if (draft.spec !== previous?.spec) draft.spec = admitted(defaultPodSpec(draft.spec));
    },
    validate: checkPod,
    graceSeconds,
  });
}

/** A Pod that runs somewhere is given time to stop; the kubelet completes the deletion. */
function graceSeconds(pod: StoredObject): number {
  const phase = at(pod, 'status.phase');
  if (textAt(pod, 'spec.nodeName') === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
  return Number(at(pod, 'spec.terminationGracePeriodSeconds') ?? 30);
}

/** How long a Pod that says nothing about it stays on a node that is lost. */
const LOST_NODE_SECONDS = 300;

/** What admission adds to a new Pod. Source: plugin/pkg/admission/defaulttolerationseconds (v1.32). */
function admitted(spec: unknown): unknown {
  if (!isMembers(spec)) return spec;
  const tolerations = Array.isArray(spec.tolerations) ? spec.tolerations.filter(isMembers) : [];
  const added = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
    .filter(
      (key) =>
        !tolerations.some(
          (one) =>
            (one.key === key || one.key === undefined) &&
            (one.effect === 'NoExecute' || one.effect === undefined),
        ),
    )
    .map((key) => ({
      key,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: LOST_NODE_SECONDS,
    }));
  return { enableServiceLinks: true, ...spec, tolerations: [...tolerations, ...added] };
}

function checkPod(pod: Draft, previous: StoredObject | undefined): readonly KubeCause[] {
  const causes = checkPodSpec(pod.spec, 'spec');
  const nodeName = textAt(pod, 'spec.nodeName');
  const complaint = nodeName === '' ? undefined : nameComplaint('subdomain', nodeName);
  if (complaint !== undefined) causes.push(invalidValue('spec.nodeName', nodeName, complaint));
  if (previous !== undefined && pod.spec !== previous.spec && !equalJson(fixed(pod), fixed(previous, pod)))
    causes.push(
      forbiddenValue(
        'spec',
        'pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` and `spec.nodeName` of an unassigned Pod',
      ),
    );
  return causes;
}

/** A Pod's spec without what may change; a node may be given once. */
function fixed(pod: Members, next: Members = pod): Members {
  const spec = isMembers(pod.spec) ? pod.spec : {};
  const imageless = (path: string): readonly Members[] =>
    listAt(pod, path).map(({ image: _, ...rest }) => rest);
  return {
    ...spec,
    containers: imageless('spec.containers'),
    initContainers: imageless('spec.initContainers'),
    activeDeadlineSeconds: undefined,
    tolerations: undefined,
    nodeName: spec.nodeName ?? at(next, 'spec.nodeName'),
  };
}

function listAt(object: unknown, path: string): readonly Members[] {
  const value = at(object, path);
  return Array.isArray(value) ? value.filter(isMembers) : [];
}

function readyContainers(pod: StoredObject): string {
  const ready = listAt(pod, 'status.containerStatuses').filter((status) => status.ready === true);
  return `${ready.length}/${listAt(pod, 'spec.containers').length}`;
}

function gatesText(pod: StoredObject): string {
  const gates = listAt(pod, 'spec.readinessGates').map((gate) => gate.conditionType);
  if (gates.length === 0) return '<none>';
  const met = listAt(pod, 'status.conditions').filter(
    ({ type, status }) => gates.includes(type) && status === 'True',
  );
  return `${met.length}/${gates.length}`;
}

function restarts(pod: StoredObject): number {
  return listAt(pod, 'status.containerStatuses').reduce(
    (sum, status) => sum + Number(status.restartCount ?? 0),
    0,
  );
}

/** What a person wants to know first: why a container waits or how it ended, else the phase. */
function podStatus(pod: StoredObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  for (const status of listAt(pod, 'status.containerStatuses')) {
    const reason = textAt(status, 'state.waiting.reason') || textAt(status, 'state.terminated.reason');
    if (reason !== '') return reason;
  }
  return textAt(pod, 'status.reason') || textAt(pod, 'status.phase');
}
