import { equalJson } from '../../../src/kube/json-equal.ts';
import { recordOf, recordsOf } from '../../../src/kube/json-record.ts';
import { type Clock, timestamp } from '../../../src/time/clock.ts';
import { column } from '../printer.ts';
import type { Resource } from '../resource.ts';
import type { Draft, Members, StoredObject } from '../stored-object.ts';
import { builtIn } from './built-in.ts';
import { customResource } from './custom-resource.ts';
import { definitionComplaints } from './definition-complaints.ts';
import { acceptedNamesOf, decideNames, type NameDecision } from './definition-names.ts';
import { tidyDefinition } from './definition-schema.ts';
import { anything, bool, conditions, int, list, object, open, text } from './schema.ts';

/** Keeps a definition until its objects are gone. Source: apiextensions/v1. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/**
 * Source: apiextensions.k8s.io/v1 CustomResourceDefinition. `definitions` are those stored now.
 *
 * Names are decided and the kind is served by the time that a definition is stored; a real server takes
 * a moment for both.
 */
export function customResourceDefinitionKind(
  clock: Clock,
  definitions: () => readonly StoredObject[],
): Resource {
  return builtIn({
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    description: 'A kind that the cluster learns.',
    namespaced: false,
    hasGeneration: true,
    hasStatus: true,
    allowsUnconditionalUpdate: false,
    members: {
      spec: object({
        group: text,
        names: NAMES,
        scope: text,
        versions: list(VERSION),
        conversion: object({ strategy: text, webhook: open }),
        preserveUnknownFields: bool,
      }),
      status: object({
        acceptedNames: NAMES,
        storedVersions: list(text),
        conditions,
      }),
    },
    required: ['spec'],
    columns: [column('Created At', (definition) => definition.metadata.creationTimestamp)],
    prepare: (draft, previous) => prepare(draft, previous, clock, definitions),
    tidy: tidyDefinition,
    holdsDeletion: ({ metadata }) => metadata.deletionTimestamp === undefined,
    validate: (draft, previous) => {
      const causes = definitionComplaints(draft, previous);
      customResource(draft, causes);
      return causes;
    },
  });
}

const NAMES = object({
  plural: text,
  singular: text,
  kind: text,
  listKind: text,
  shortNames: list(text),
  categories: list(text),
});

const VERSION = object({
  name: text,
  served: bool,
  storage: bool,
  deprecated: bool,
  deprecationWarning: text,
  schema: object({ openAPIV3Schema: anything }),
  subresources: object({ status: open, scale: open }),
  selectableFields: list(object({ jsonPath: text })),
  additionalPrinterColumns: list(
    object({ name: text, type: text, format: text, description: text, priority: int, jsonPath: text }),
  ),
});

/** Defaults, and what a real server's controllers decide a moment later: names, and whether it is served. */
function prepare(
  draft: Draft,
  previous: Members | undefined,
  clock: Clock,
  definitions: () => readonly StoredObject[],
): void {
  const spec = recordOf(draft.spec);
  const names = recordOf(spec.names);
  const kind = typeof names.kind === 'string' ? names.kind : '';
  const requested = {
    ...names,
    ...(!names.singular && { singular: kind.toLowerCase() }),
    ...(!names.listKind && kind !== '' && { listKind: `${kind}List` }),
  };
  draft.spec = {
    ...spec,
    ...(spec.names !== undefined && { names: requested }),
    conversion: spec.conversion ?? { strategy: 'None' },
  };
  const status = recordOf(draft.status);
  const stored = storedVersions(spec, status.storedVersions);
  const others = definitions().filter(
    (other) => other.metadata.name !== draft.metadata.name && recordOf(other.spec).group === spec.group,
  );
  const decision = decideNames(requested, recordOf(status.acceptedNames), others.map(acceptedNamesOf));
  const leaves = draft.metadata.deletionTimestamp !== undefined;
  const conditions = conditionsAfter(recordsOf(status.conditions), decision, leaves, clock);
  const after = { ...status, acceptedNames: decision.accepted, storedVersions: stored, conditions };
  if (!equalJson(after, draft.status)) draft.status = after;
  const { finalizers = [] } = draft.metadata;
  if (leaves && recordOf(previous?.metadata).deletionTimestamp === undefined)
    draft.metadata.finalizers = [...finalizers, CLEANUP_FINALIZER];
}

/** Every version that objects were ever stored in stays named until somebody says that none is left in it. */
function storedVersions(spec: Members, before: unknown): readonly unknown[] {
  const list = Array.isArray(before) ? before : [];
  const current = recordsOf(spec.versions).find(({ storage }) => storage === true)?.name;
  return current === undefined || list.includes(current) ? list : [...list, current];
}

const LEAVING = 'CustomResource deletion is in progress';

function conditionsAfter(
  before: readonly Members[],
  { conflict }: NameDecision,
  leaves: boolean,
  clock: Clock,
): readonly Members[] {
  const condition = (type: string, status: string, reason: string, message: string): Members => {
    const old = before.find((one) => one.type === type);
    const since = old?.status === status ? old.lastTransitionTime : timestamp(clock);
    return { type, status, reason, message, lastTransitionTime: since };
  };
  const wasEstablished = before.some(({ type, status }) => type === 'Established' && status === 'True');
  const decided = ['NamesAccepted', 'Established', ...(leaves ? ['Terminating'] : [])];
  const message = 'the initial names have been accepted';
  return [
    conflict === undefined
      ? condition('NamesAccepted', 'True', 'NoConflicts', 'no conflicts found')
      : condition('NamesAccepted', 'False', conflict.reason, conflict.message),
    conflict === undefined || wasEstablished
      ? condition('Established', 'True', 'InitialNamesAccepted', message)
      : condition('Established', 'False', 'NotAccepted', 'not all names are accepted'),
    ...before.filter(({ type }) => !decided.includes(String(type))),
    ...(leaves ? [condition('Terminating', 'True', 'InstanceDeletionInProgress', LEAVING)] : []),
  ];
}
