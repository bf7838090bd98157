import { FIRMWARE_ROLLOUT } from '../../kube/firmware-rollout.ts';
import { FLASH_JOB } from '../../kube/flash-job.ts';
import { KIND_NAMES, kindOfManifest, kindOfName, MANIFEST_KINDS } from '../kinds.ts';
import { suggest } from '../language/nearest.ts';
import type { StepEntry } from '../language/schema.ts';
import { type Path, readYaml, type YamlSource } from '../language/yaml-source.ts';
import type { ObjectName, PlannedFill, PlannedObject } from '../plan.ts';
import { complain, type Draft, readNamed } from './draft.ts';
import { REGISTRY_HOST } from './plan-firmware.ts';
import { deviceSelectorOf } from './plan-subject.ts';

interface Found {
  readonly source: YamlSource;
  readonly path: Path;
  readonly value: unknown;
}

/** Objects of an `apply` step: manifest files and inline objects, with what is to be filled in. */
export function planObjects(draft: Draft, at: Path, entry: StepEntry): PlannedObject[] {
  const items = Array.isArray(entry.apply) ? entry.apply : [entry.apply];
  const found = items.flatMap((item, index): Found[] => {
    const place = Array.isArray(entry.apply) ? [...at, 'apply', index] : [...at, 'apply'];
    if (typeof item !== 'string') return [{ source: draft.source, path: place, value: item }];
    return readManifest(draft, place, item);
  });
  const fills = planFills(draft, [...at, 'fill'], entry);
  if (fills.length > 0 && found.length !== 1)
    complain(draft, [...at, 'fill'], `fill needs an apply of one object; this one has ${found.length}`);
  return found.flatMap((object) => planObject(draft, object, fills) ?? []);
}

function readManifest(draft: Draft, at: Path, path: string): Found[] {
  const bytes = readNamed(draft, at, path, 'text');
  if (bytes === undefined) return [];
  const { sources, problems } = readYaml(draft.folder.display(path), new TextDecoder().decode(bytes));
  draft.problems.push(...problems);
  if (sources.length === 0 && problems.length === 0)
    complain(draft, at, `${draft.folder.display(path)} holds no object`);
  return sources.map((source) => ({ source, path: [], value: source.value }));
}

function planObject(draft: Draft, found: Found, fills: readonly PlannedFill[]): PlannedObject | undefined {
  const { source, path } = found;
  const refuse = (where: Path, message: string): undefined => {
    draft.problems.push(source.problemAt([...path, ...where], message));
    return undefined;
  };
  if (typeof found.value !== 'object' || found.value === null || Array.isArray(found.value))
    return refuse([], 'a manifest is a map with apiVersion, kind and metadata');
  const body = found.value as Readonly<Record<string, unknown>>;
  for (const member of ['apiVersion', 'kind'])
    if (typeof body[member] !== 'string') return refuse([], `"${member}" is missing in the manifest`);
  const [apiVersion, kindName] = [String(body.apiVersion), String(body.kind)];
  const kind = kindOfManifest(apiVersion, kindName);
  if (kind === undefined) {
    const wanted = `${apiVersion} ${kindName}`;
    return refuse(['kind'], `there is no kind "${wanted}" here${suggest(wanted, MANIFEST_KINDS)}`);
  }
  const metadata = (body.metadata ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof metadata.name !== 'string' || metadata.name === '')
    return refuse(['metadata'], `"metadata.name" is missing in the ${kindName}`);
  const namespace = typeof metadata.namespace === 'string' ? metadata.namespace : 'default';
  checkFirmwareOrder(draft, found, body, fills);
  return {
    kind,
    key: kind.namespaced ? { namespace, name: metadata.name } : { name: metadata.name },
    body,
    source,
    sourcePath: path,
    fills,
  };
}

/** What a job or rollout gets wrong that can be known before anything runs. */
function checkFirmwareOrder(
  draft: Draft,
  { source, path }: Found,
  body: Readonly<Record<string, unknown>>,
  fills: readonly PlannedFill[],
): void {
  const spec = (body.spec ?? {}) as Readonly<Record<string, unknown>>;
  const refuse = (where: Path, message: string): void => {
    draft.problems.push(source.problemAt([...path, 'spec', ...where], message));
  };
  const filled = fills.some((fill) => fill.path.join('.') === 'spec.uuid');
  if (body.kind === FLASH_JOB.kind && !filled && Array.isArray(spec.uuid) && spec.uuid.length === 0)
    refuse(['uuid'], 'uuid is empty: name at least one device, or fill it from the fleet');
  if (body.kind !== FLASH_JOB.kind && body.kind !== FIRMWARE_ROLLOUT.kind) return;
  const revertTo = (spec.failurePolicy as Readonly<Record<string, unknown>> | undefined)?.revertTo;
  const known = draft.firmware.flatMap((firmware) => firmware.references);
  for (const [where, reference] of [
    [['firmware'], spec.firmware],
    [['failurePolicy', 'revertTo'], revertTo],
  ] as const) {
    if (typeof reference !== 'string' || !reference.startsWith(`${REGISTRY_HOST}/`)) continue;
    if (known.includes(reference) || reference.includes('@')) continue;
    refuse(where, `the scenario pushes no firmware as "${reference}"${suggest(reference, known)}`);
  }
}

function planFills(draft: Draft, at: Path, entry: StepEntry): PlannedFill[] {
  return Object.entries(entry.fill ?? {}).map(([path, fill]) => ({
    path: path.split('.'),
    devices: deviceSelectorOf(draft, [...at, path, 'devices'], fill.devices),
    amount: fill.count ?? { kind: 'share', share: 1 },
    id: fill.id ?? 'device',
  }));
}

/** Reads `rollout/thermo-2`; a problem at `at` when it names no kind or no name. */
export function planObjectName(
  draft: Draft,
  at: Path,
  text: string,
  namespace = 'default',
): ObjectName | undefined {
  const [kindName = '', name = '', ...more] = text.split('/');
  const kind = kindOfName(kindName);
  if (more.length > 0 || name === '') {
    complain(draft, at, `"${text}" names no object; write kind/name, as rollout/thermo-2`);
    return undefined;
  }
  if (kind === undefined) {
    complain(draft, at, `unknown kind "${kindName}"${suggest(kindName, KIND_NAMES)}`);
    return undefined;
  }
  return { kind, key: kind.namespaced ? { namespace, name } : { name } };
}
