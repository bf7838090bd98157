import { AGE, at, column, textAt } from '../printer.ts';
import type { Resource } from '../resource.ts';
import { type Draft, isMembers } from '../stored-object.ts';
import { builtIn } from './built-in.ts';
import { checkConfigMap, checkSecret, dropEmptyData } from './key-values.ts';
import {
  atomic,
  base64,
  bool,
  conditions,
  int,
  keyedList,
  list,
  map,
  object,
  objectReference,
  open,
  openObject,
  setOf,
  text,
  time,
} from './schema.ts';

/** The plain kinds of the core group and its neighbours. Source: Kubernetes API reference v1.32. */
export function coreKinds(accountActions: NonNullable<Resource['actions']>): readonly Resource[] {
  const account = serviceAccountKind(accountActions);
  return [namespaceKind(), nodeKind(), configMapKind(), secretKind(), account, leaseKind()];
}

function namespaceKind(): Resource {
  return builtIn({
    kind: 'Namespace',
    plural: 'namespaces',
    shortNames: ['ns'],
    description: 'A scope for names.',
    namespaced: false,
    nameRule: 'label',
    hasStatus: true,
    members: {
      spec: object({ finalizers: list(text) }),
      status: object({ phase: text, conditions }),
    },
    columns: [column('Status', (namespace) => at(namespace, 'status.phase')), AGE],
    selectableFields: (namespace) => ({ 'status.phase': textAt(namespace, 'status.phase') }),
    fillIn: (draft) => {
      const label = { 'kubernetes.io/metadata.name': draft.metadata.name };
      draft.metadata.labels = { ...draft.metadata.labels, ...label };
    },
    prepare: (draft, previous) => {
      const deleting = draft.metadata.deletionTimestamp !== undefined;
      if (previous === undefined) draft.spec = { finalizers: ['kubernetes'] };
      const status = isMembers(draft.status) ? draft.status : {};
      draft.status = { ...status, phase: deleting ? 'Terminating' : 'Active' };
    },
    holdsDeletion: (namespace) => {
      const finalizers = at(namespace, 'spec.finalizers');
      return Array.isArray(finalizers) && finalizers.length > 0;
    },
  });
}

function nodeKind(): Resource {
  return builtIn({
    kind: 'Node',
    plural: 'nodes',
    shortNames: ['no'],
    description: 'A machine that runs Pods.',
    namespaced: false,
    hasStatus: true,
    members: {
      spec: openObject({
        podCIDR: text,
        podCIDRs: setOf(text),
        providerID: text,
        unschedulable: bool,
        taints: list(open),
      }),
      status: openObject({
        capacity: open,
        allocatable: open,
        conditions,
        addresses: keyedList('type', object({ type: text, address: text }, 'type', 'address')),
        nodeInfo: open,
      }),
    },
    columns: [
      column('Status', nodeStatus),
      column('Roles', nodeRoles),
      AGE,
      column('Version', (node) => at(node, 'status.nodeInfo.kubeletVersion')),
    ],
    selectableFields: (node) => ({ 'spec.unschedulable': String(at(node, 'spec.unschedulable') === true) }),
  });
}

function nodeStatus(node: unknown): string {
  const all = at(node, 'status.conditions');
  const ready = Array.isArray(all) ? all.find((condition) => at(condition, 'type') === 'Ready') : undefined;
  const word = ready === undefined ? 'Unknown' : at(ready, 'status') === 'True' ? 'Ready' : 'NotReady';
  return at(node, 'spec.unschedulable') === true ? `${word},SchedulingDisabled` : word;
}

function nodeRoles(node: unknown): string {
  const prefix = 'node-role.kubernetes.io/';
  const labels = at(node, 'metadata.labels');
  const roles = Object.keys(isMembers(labels) ? labels : {})
    .filter((label) => label.startsWith(prefix))
    .map((label) => label.slice(prefix.length));
  return roles.length === 0 ? '<none>' : roles.sort().join(',');
}

function countOf(...paths: readonly string[]): (object: unknown) => number {
  return (of) =>
    paths.reduce((sum, path) => {
      const members = at(of, path);
      return (
        sum + (isMembers(members) ? Object.keys(members).length : Array.isArray(members) ? members.length : 0)
      );
    }, 0);
}

function configMapKind(): Resource {
  return builtIn({
    kind: 'ConfigMap',
    plural: 'configmaps',
    shortNames: ['cm'],
    description: 'Configuration as keys and values.',
    members: { data: map(text), binaryData: map(base64), immutable: bool },
    columns: [{ name: 'Data', type: 'integer', cell: countOf('data', 'binaryData') }, AGE],
    fillIn: dropEmptyData,
    validate: checkConfigMap,
  });
}

function secretKind(): Resource {
  return builtIn({
    kind: 'Secret',
    plural: 'secrets',
    description: 'Keys and values that are kept apart from configuration.',
    members: { data: map(base64), stringData: map(text), immutable: bool, type: text },
    columns: [
      column('Type', (secret) => secret.type),
      { name: 'Data', type: 'integer', cell: countOf('data') },
      AGE,
    ],
    selectableFields: (secret) => ({ type: textAt(secret, 'type') }),
    fillIn: (draft) => {
      draft.type ??= 'Opaque';
      foldStringData(draft);
      dropEmptyData(draft);
    },
    validate: checkSecret,
  });
}

/** `stringData` is write-only: its values join `data`. */
function foldStringData(draft: Draft): void {
  const { stringData, data } = draft;
  if (!isMembers(stringData)) return;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ]);
  draft.data = { ...(isMembers(data) ? data : {}), ...Object.fromEntries(encoded) };
  delete draft.stringData;
}

function serviceAccountKind(actions: NonNullable<Resource['actions']>): Resource {
  return builtIn({
    actions,
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    description: 'An identity for programs.',
    members: {
      secrets: keyedList('name', objectReference),
      imagePullSecrets: list(atomic(object({ name: text }))),
      automountServiceAccountToken: bool,
    },
    columns: [{ name: 'Secrets', type: 'integer', cell: countOf('secrets') }, AGE],
  });
}

function leaseKind(): Resource {
  return builtIn({
    group: 'coordination.k8s.io',
    kind: 'Lease',
    plural: 'leases',
    description: 'Who holds something, and until when.',
    allowsUnconditionalUpdate: false,
    members: {
      spec: object({
        holderIdentity: text,
        leaseDurationSeconds: { ...int, minimum: 1 },
        acquireTime: time,
        renewTime: time,
        leaseTransitions: { ...int, minimum: 0 },
      }),
    },
    columns: [column('Holder', (lease) => at(lease, 'spec.holderIdentity')), AGE],
  });
}
