import type { Device } from '../../kube/device.ts';
import { isKubeError, type KubeError } from '../../kube/error.ts';
import { FLASH_JOB } from '../../kube/flash-job.ts';
import type { KubeObject, NewObject } from '../../kube/object.ts';
import { shuffled } from '../../random/random.ts';
import { ScenarioError } from '../language/problem.ts';
import type { Path } from '../language/yaml-source.ts';
import type { PlannedFill, PlannedObject } from '../plan.ts';
import { countOf } from '../planning/plan-selector.ts';
import { objectText } from '../planning/plan-steps.ts';
import { type Stage, StepFailure } from './observatory.ts';
import { matchesDevice } from './population.ts';

/** Creates each object, or merges it into the one that is there. Returns what was done, in words. */
export async function applyObjects(stage: Stage, objects: readonly PlannedObject[]): Promise<string> {
  const done: string[] = [];
  const bodies = objects.map((object) => fillIn(stage, object));
  // All are checked before the first is sent: nothing half-done.
  for (const [index, object] of objects.entries()) checkDeviceIds(stage, object, bodies[index]);
  for (const [index, object] of objects.entries())
    done.push(`${objectText(object)} ${await applyOne(stage, object, bodies[index] as KubeObject)}`);
  return done.join(', ');
}

async function applyOne(stage: Stage, object: PlannedObject, body: KubeObject): Promise<string> {
  const { kube } = stage.world;
  try {
    try {
      await kube.create(object.kind, body as NewObject<KubeObject>);
      return 'created';
    } catch (error) {
      if (!isKubeError(error, 'AlreadyExists')) throw error;
      await kube.patch(object.kind, object.key, { type: 'merge', body });
      return 'updated';
    }
  } catch (error) {
    if (isKubeError(error, 'Invalid', 'BadRequest')) throw new ScenarioError(problemsOf(object, error));
    throw error;
  }
}

/** The cluster's complaints, each at its place in the manifest. */
function problemsOf(object: PlannedObject, error: KubeError) {
  const causes = error.details.causes ?? [];
  if (causes.length === 0) return [object.source.problemAt([...object.sourcePath], error.message)];
  return causes.map((cause) => {
    const path = cause.field.split(/[.[\]]+/).filter((part) => part !== '');
    const typed = path.map((part) => (/^\d+$/.test(part) ? Number(part) : part));
    return object.source.problemAt([...object.sourcePath, ...typed], `${cause.field}: ${cause.message}`);
  });
}

function fillIn(stage: Stage, object: PlannedObject): KubeObject {
  const namespaced = { ...object.key, ...(object.body.metadata as object) };
  let body: Readonly<Record<string, unknown>> = { ...object.body, metadata: namespaced };
  for (const fill of object.fills)
    body = withMember(
      body,
      fill.path,
      drawIds(stage, `fill/${objectText(object)}/${fill.path.join('.')}`, fill),
    );
  return body as unknown as KubeObject;
}

function withMember(
  body: Readonly<Record<string, unknown>>,
  path: readonly string[],
  value: unknown,
): Readonly<Record<string, unknown>> {
  const [first = '', ...rest] = path;
  if (rest.length === 0) return { ...body, [first]: value };
  const inner = body[first];
  const member = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
  return { ...body, [first]: withMember(member, rest, value) };
}

/** Ids of so many matching devices, drawn by the seed, sorted by the names of their boards. */
function drawIds(stage: Stage, stream: string, fill: PlannedFill): string[] {
  const { fleet, cluster } = stage.observatory;
  const idOf = (device: Device): string | undefined =>
    fill.id === 'device' ? device.metadata.name : device.status?.instance?.uid;
  const boardName = (device: Device): string => fleet.boardOfDevice(device.metadata.name)?.name ?? '';
  const byBoard = (a: Device, b: Device): number => (boardName(a) < boardName(b) ? -1 : 1);
  const matching = [...cluster.devices.objects]
    .filter((device) => matchesDevice(fill.devices, device, fleet) && idOf(device) !== undefined)
    .sort(byBoard);
  const count = countOf(fill.amount, matching.length);
  if (count === 0 || count > matching.length)
    throw new StepFailure(`${matching.length} devices match, and ${Math.max(1, count)} are to be filled in`);
  const drawn = shuffled(stage.random.split(stream), matching).slice(0, count).sort(byBoard);
  return drawn.flatMap((device) => idOf(device) ?? []);
}

/** A FlashJob that names a device nobody has would be a mistake of the scenario, told at its place. */
function checkDeviceIds(stage: Stage, object: PlannedObject, body: unknown): void {
  if (object.kind.kind !== FLASH_JOB.kind) return;
  const spec = (body as { spec?: { uuid?: unknown } }).spec;
  const uuids = Array.isArray(spec?.uuid) ? spec.uuid : [];
  const { cluster, fleet } = stage.observatory;
  const known = new Set([
    ...fleet.boards.map((board) => board.deviceId),
    ...[...cluster.devices.objects].map((device) => device.metadata.name),
    ...[...cluster.instances.objects].map((instance) => instance.metadata.uid),
  ]);
  const problems = uuids.flatMap((uuid, index) => {
    if (known.has(String(uuid))) return [];
    const at: Path = [...object.sourcePath, 'spec', 'uuid', index];
    const message = `unknown device "${uuid}": no Device and no Akri Instance has this id; fill it from the fleet`;
    return [object.source.problemAt(at, message)];
  });
  if (problems.length > 0) throw new ScenarioError(problems);
}
