import type { KubeCause } from '../../../src/kube/error.ts';
import { invalidValue } from '../../../src/kube/field-cause.ts';
import { type Clock, timestamp } from '../../../src/time/clock.ts';
import { at, column } from '../printer.ts';
import type { Resource } from '../resource.ts';
import { type Draft, equalJson, isMembers, type Members } from '../stored-object.ts';
import { builtIn } from './built-in.ts';
import { customResource } from './custom-resource.ts';
import { anything, bool, conditions, int, list, object, oneOf, open, text } from './schema.ts';

/** Keeps a definition until its objects are gone. Source: apiextensions/v1. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

/** Source: apiextensions.k8s.io/v1 CustomResourceDefinition. */
export function customResourceDefinitionKind(clock: Clock): Resource {
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
      spec: object(
        {
          group: text,
          names: NAMES,
          scope: oneOf('Cluster', 'Namespaced'),
          versions: { ...list(VERSION), minItems: 1 },
          conversion: object({ strategy: oneOf('None', 'Webhook'), webhook: open }, 'strategy'),
          preserveUnknownFields: bool,
        },
        'group',
        'names',
        'scope',
        'versions',
      ),
      status: object({
        acceptedNames: NAMES,
        storedVersions: list(text),
        conditions,
      }),
    },
    required: ['spec'],
    columns: [column('Created At', (definition) => definition.metadata.creationTimestamp)],
    prepare: (draft, previous) => prepare(draft, previous, clock),
    validate: (draft) => {
      if (!isMembers(draft.spec)) return [];
      const causes: KubeCause[] = [];
      customResource(draft, causes);
      const wanted = `${at(draft, 'spec.names.plural')}.${draft.spec.group}`;
      if (draft.metadata.name !== wanted)
        causes.push(
          invalidValue('metadata.name', draft.metadata.name, `must be spec.names.plural+"."+spec.group`),
        );
      return causes;
    },
  });
}

const NAMES = object(
  {
    plural: text,
    singular: text,
    kind: text,
    listKind: text,
    shortNames: list(text),
    categories: list(text),
  },
  'plural',
  'kind',
);

const VERSION = object(
  {
    name: text,
    served: bool,
    storage: bool,
    deprecated: bool,
    deprecationWarning: text,
    schema: object({ openAPIV3Schema: anything }),
    subresources: object({ status: open, scale: open }),
    selectableFields: list(object({ jsonPath: text }, 'jsonPath')),
    additionalPrinterColumns: list(
      object(
        { name: text, type: text, format: text, description: text, priority: int, jsonPath: text },
        'name',
        'type',
        'jsonPath',
      ),
    ),
  },
  'name',
  'served',
  'storage',
);

function prepare(draft: Draft, previous: Members | undefined, clock: Clock): void {
  const spec = isMembers(draft.spec) ? draft.spec : {};
  const names = isMembers(spec.names) ? spec.names : {};
  const kind = String(names.kind ?? '');
  const full = {
    ...names,
    singular: names.singular ?? kind.toLowerCase(),
    listKind: names.listKind ?? `${kind}List`,
  };
  draft.spec = { ...spec, names: full, conversion: spec.conversion ?? { strategy: 'None' } };
  if (previous === undefined)
    draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), CLEANUP_FINALIZER])];
  const status = isMembers(draft.status) ? draft.status : {};
  if (equalJson(status.acceptedNames, full)) return;
  draft.status = {
    ...status,
    acceptedNames: full,
    storedVersions: storedVersions(spec),
    conditions: accepted(clock),
  };
}

function storedVersions(spec: Members): unknown[] {
  const versions = Array.isArray(spec.versions) ? spec.versions.filter(isMembers) : [];
  return versions.filter((version) => version.storage === true).map((version) => version.name);
}

function accepted(clock: Clock): readonly Members[] {
  const lastTransitionTime = timestamp(clock);
  const met = (type: string, reason: string, message: string): Members => ({
    type,
    status: 'True',
    reason,
    message,
    lastTransitionTime,
  });
  return [
    met('NamesAccepted', 'NoConflicts', 'no conflicts found'),
    met('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
  ];
}
