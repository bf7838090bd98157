import type { KubeCause } from '../../../src/kube/error.ts';
import { invalidValue } from '../../../src/kube/field-cause.ts';
import { at, column, textAt } from '../printer.ts';
import type { PrinterColumn, Resource } from '../resource.ts';
import type { Draft, Members, StoredObject } from '../stored-object.ts';
import { builtIn } from './built-in.ts';
import { int, object, objectReference, text, time } from './schema.ts';

/** Core Events, and the same ones under their newer name. Source: core/v1 and events.k8s.io/v1 Event. */
export function eventKinds(): readonly Resource[] {
  const core = builtIn({
    kind: 'Event',
    plural: 'events',
    shortNames: ['ev'],
    description: 'Something that happened to an object.',
    columns: COLUMNS,
    members: {
      involvedObject: objectReference,
      reason: text,
      message: text,
      source: object({ component: text, host: text }),
      firstTimestamp: time,
      lastTimestamp: time,
      count: int,
      type: text,
      eventTime: { ...time, nullable: true },
      series: object({ count: int, lastObservedTime: time }),
      action: text,
      related: objectReference,
      reportingComponent: text,
      reportingInstance: text,
    },
    required: ['involvedObject'],
    validate: checkNamespace,
    selectableFields: (event) => ({
      'involvedObject.kind': textAt(event, 'involvedObject.kind'),
      'involvedObject.namespace': textAt(event, 'involvedObject.namespace'),
      'involvedObject.name': textAt(event, 'involvedObject.name'),
      'involvedObject.uid': textAt(event, 'involvedObject.uid'),
      'involvedObject.apiVersion': textAt(event, 'involvedObject.apiVersion'),
      'involvedObject.resourceVersion': textAt(event, 'involvedObject.resourceVersion'),
      'involvedObject.fieldPath': textAt(event, 'involvedObject.fieldPath'),
      reason: textAt(event, 'reason'),
      reportingComponent: textAt(event, 'reportingComponent'),
      source: textAt(event, 'source.component') || textAt(event, 'reportingComponent'),
      type: textAt(event, 'type'),
    }),
  });
  return [core, newerView(core)];
}

const COLUMNS: readonly PrinterColumn[] = [
  { name: 'Last Seen', type: 'date', cell: lastSeen },
  column('Type', (event) => event.type),
  column('Reason', (event) => event.reason),
  column('Object', (event) => {
    const { kind = '', name = '' } = (event.involvedObject ?? event.regarding ?? {}) as Record<
      string,
      string
    >;
    return `${kind.toLowerCase()}/${name}`;
  }),
  column('Message', (event) => event.message ?? event.note),
];

function lastSeen(event: StoredObject): unknown {
  return (
    event.lastTimestamp ??
    event.deprecatedLastTimestamp ??
    at(event, 'series.lastObservedTime') ??
    event.eventTime ??
    event.metadata.creationTimestamp
  );
}

/** An Event lives beside its object; those of cluster-scoped objects live in `default`. */
function checkNamespace(event: Draft): readonly KubeCause[] {
  const about = at(event, 'involvedObject.namespace') ?? at(event, 'regarding.namespace') ?? 'default';
  const wanted = about === '' ? 'default' : about;
  const { namespace } = event.metadata;
  return namespace === wanted || (wanted === 'default' && namespace === 'kube-system')
    ? []
    : [invalidValue('involvedObject.namespace', about, 'does not match event.namespace')];
}

/** Member names of events.k8s.io/v1 and what core/v1 calls them. */
const NEWER_NAMES: readonly (readonly [string, string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

function newerView(core: Resource): Resource {
  return {
    ...builtIn({
      group: 'events.k8s.io',
      kind: 'Event',
      plural: 'events',
      shortNames: ['ev'],
      description: 'Something that happened to an object.',
      columns: COLUMNS,
      members: {
        eventTime: { ...time, nullable: true },
        series: object({ count: int, lastObservedTime: time }),
        reportingController: text,
        reportingInstance: text,
        action: text,
        reason: text,
        regarding: objectReference,
        related: objectReference,
        note: text,
        type: text,
        deprecatedSource: object({ component: text, host: text }),
        deprecatedFirstTimestamp: time,
        deprecatedLastTimestamp: time,
        deprecatedCount: int,
      },
      validate: checkNamespace,
    }),
    storedAs: core,
    storageVersion: core.storageVersion,
    selectableFields: (event) => newerFields(core.selectableFields?.(event) ?? {}),
    fromVersion: (_version, event) => renamed(event, NEWER_NAMES, core.storageVersion),
    toVersion: (_version, event) =>
      renamed(
        event,
        NEWER_NAMES.map(([newer, older]) => [older, newer] as const),
        'events.k8s.io/v1',
      ) as StoredObject,
  };
}

/** Selectable by their newer names; of the old ones, `source` has none. */
function newerFields({ source: _, reportingComponent = '', ...fields }: Readonly<Record<string, string>>) {
  const renamed = Object.entries(fields).map(([path, value]) => [
    path.replace(/^involvedObject\./, 'regarding.'),
    value,
  ]);
  return { ...Object.fromEntries(renamed), reportingController: reportingComponent };
}

function renamed(event: Members, names: readonly (readonly [string, string])[], apiVersion: string): Members {
  const to = new Map(names);
  const members = Object.entries(event).map(([name, value]) => [to.get(name) ?? name, value]);
  return { ...Object.fromEntries(members), apiVersion };
}
