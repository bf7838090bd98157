import { deviceIdOf } from '../../src/attestation/ueid.ts';
import type { FlashJobAction, FlashJobView } from '../../src/flashjob/decide.ts';
import { orderOf } from '../../src/flashjob/order.ts';
import type { Target } from '../../src/flashjob/tally.ts';
import { POD, type Pod, SERVICE } from '../../src/kube/core.ts';
import { DEVICE, type Device, type DeviceUpdate } from '../../src/kube/device.ts';
import { isKubeError } from '../../src/kube/error.ts';
import { FLASH_JOB, FLASH_JOB_FINALIZER, type FlashJob } from '../../src/kube/flash-job.ts';
import { type Kind, type KubeObject, keyOf, keyText, type NewObject } from '../../src/kube/object.ts';
import { timestamp } from '../../src/time/clock.ts';
import { Controller } from '../runtime/controller.ts';
import { listPages } from '../runtime/list-pages.ts';
import { sameJson } from '../runtime/same-json.ts';
import { changeStatus, updateChange, updateOf } from '../twin.ts';
import { agentNameOf, agentPod, agentService, describePod } from './agent-pod.ts';
import { type OperatorContext, ueidOf } from './context.ts';

/** Device events of one job are gathered this long: its status is written once for all of them. */
const GATHER_MS = 2_000;
/** Instance uids whose meaning a job remembers; what the status may cost is bounded by it. */
const ALIASES_MAX = 200;
const DEVICES_PER_PAGE = 500;

/** Reasons of events for actions that fail, as nubificus' operator names them. */
const FAILURE_REASON: Readonly<Record<FlashJobAction['kind'], string>> = {
  'add-finalizer': 'FinalizerError',
  'remove-finalizer': 'FinalizerRemovalFailed',
  'create-pod': 'PodCreationFailed',
  'delete-pod': 'PodDeletionFailed',
  'create-service': 'ServiceCreationFailed',
  'delete-service': 'ServiceDeletionFailed',
  release: 'DeviceReleaseFailed',
};

/** Brings each FlashJob from its order to an outcome for every device: reads the world, asks the decider, acts. */
export function createFlashJobController(context: OperatorContext): Controller {
  const { jobs, devices, pods, services, instances, ports } = context;
  const endedSince = new Map<string, number>();
  const controller = new Controller(
    ports,
    { name: 'flash-job', concurrency: 16 },
    [jobs, devices, pods, services, instances],
    (key) => reconcile(context, endedSince, key),
  );
  jobs.onChange((before, after) => {
    const job = after ?? before;
    if (job !== undefined) controller.enqueue(keyText(keyOf(job)));
  });
  const enqueueHolder = (update: DeviceUpdate | undefined): void => {
    if (update !== undefined)
      controller.enqueueAfter(keyText({ namespace: update.jobNamespace, name: update.jobName }), GATHER_MS);
  };
  devices.onChange((before, after) => {
    const was = before?.status?.update;
    const is = after?.status?.update;
    if (was?.jobUid === is?.jobUid && was?.order === is?.order && was?.outcome === is?.outcome) return;
    enqueueHolder(is);
    if (was?.jobUid !== is?.jobUid) enqueueHolder(was);
  });
  const enqueueOwner = (object: { readonly metadata: Pod['metadata'] } | undefined): void => {
    const { namespace, ownerReferences } = object?.metadata ?? {};
    const owner = ownerReferences?.find(({ kind }) => kind === FLASH_JOB.kind);
    if (owner !== undefined)
      controller.enqueue(keyText({ name: owner.name, ...(namespace !== undefined && { namespace }) }));
  };
  pods.onChange((before, after) => {
    if (after === undefined && before !== undefined) endedSince.delete(before.metadata.uid);
    enqueueOwner(after ?? before);
  });
  services.onChange((before, after) => enqueueOwner(after ?? before));
  return controller;
}

async function reconcile(
  context: OperatorContext,
  endedSince: Map<string, number>,
  key: string,
): Promise<number | undefined> {
  const { ports, events, deciders } = context;
  const job = context.jobs.get(key);
  if (job === undefined) return undefined;
  let seen: Seen = {
    device: (name) => context.devices.get(name),
    pod: context.pods.get(keyText(agentKeyOf(job))),
  };
  let view = observe(context, endedSince, job, seen);
  let decision = deciders.decideFlashJob(view);
  if ((decision.status?.agentFailures ?? 0) > (job.status?.agentFailures ?? 0)) {
    // Nobody is blamed on hearsay: a watch may have stalled, and what it has not told may be the outcome.
    seen = await lookAgain(context, job);
    view = observe(context, endedSince, job, seen);
    decision = deciders.decideFlashJob(view);
  }
  if (decision.status !== undefined && !sameJson(decision.status, job.status)) {
    try {
      await ports.kube.replace(FLASH_JOB, { ...job, status: decision.status }, { subresource: 'status' });
    } catch (error) {
      if (isKubeError(error) && error.reason !== 'Conflict' && error.reason !== 'NotFound')
        events.record(job, 'Warning', 'StatusUpdateFailed', error.message);
      throw error;
    }
  }
  for (const { type, reason, message } of decision.events) events.record(job, type, reason, message);
  for (const action of decision.actions) {
    try {
      await act(context, job, view, seen, action);
    } catch (error) {
      if (isKubeError(error) && error.reason !== 'Conflict')
        events.record(job, 'Warning', FAILURE_REASON[action.kind], error.message);
      throw error;
    }
  }
  return decision.requeueAfterMs;
}

/** What is known of a job's devices and agent: from the caches, or from the API itself. */
interface Seen {
  /** By `namespace/name`. */
  device(name: string): Device | undefined;
  readonly pod: Pod | undefined;
}

/** Asks the API what the caches may have missed. */
async function lookAgain({ ports: { kube } }: OperatorContext, job: FlashJob): Promise<Seen> {
  const agent = agentKeyOf(job);
  const pod = await kube.get(POD, agent).catch((error: unknown) => {
    if (!isKubeError(error, 'NotFound')) throw error;
    return undefined;
  });
  const { objects } = await listPages(kube, DEVICE, { namespace: agent.namespace }, DEVICES_PER_PAGE);
  return { device: (name) => objects.get(name), pod };
}

function observe(
  context: OperatorContext,
  endedSince: Map<string, number>,
  job: FlashJob,
  seen: Seen,
): FlashJobView {
  const { ports, devices } = context;
  const { namespace = 'default', uid } = job.metadata;
  const order = orderOf(job.spec);
  const uuids = [...new Set(job.spec.uuid)];
  const isBegun = job.status?.order === order;
  const aliases = isBegun ? (job.status?.aliases ?? {}) : resolveAliases(context, namespace, uuids);
  const targets = uuids.map((uuid): Target => {
    const device = seen.device(`${namespace}/${aliases[uuid] ?? uuid}`);
    if (device === undefined) return { uuid };
    const update = updateOf(device, uid, order);
    const station = device.status?.station;
    return {
      uuid,
      device: device.metadata.name,
      ...(station !== undefined && { station }),
      ...(update !== undefined && { update }),
    };
  });
  const { pod } = seen;
  return {
    job,
    order,
    now: timestamp(ports.clock),
    targets,
    aliases,
    held: devices.byIndex('holder', uid).map(({ metadata }) => metadata.name),
    pod: pod === undefined ? undefined : describePod(pod, endedForMs(endedSince, pod, ports.clock.nowMs)),
    hasService: context.services.get(keyText(agentKeyOf(job))) !== undefined,
  };
}

/** Ids that are no Device but the uid of an Akri Instance, and the Devices these stand for now. */
function resolveAliases(
  { devices, instances }: OperatorContext,
  namespace: string,
  uuids: readonly string[],
): Readonly<Record<string, string>> {
  const aliases: Record<string, string> = {};
  let count = 0;
  for (const uuid of uuids) {
    if (devices.get(`${namespace}/${uuid}`) !== undefined || count >= ALIASES_MAX) continue;
    const [instance] = instances.byIndex('uid', uuid);
    const ueid = instance === undefined ? undefined : ueidOf(instance);
    if (ueid === undefined) continue;
    aliases[uuid] = deviceIdOf(Buffer.from(ueid, 'hex'));
    count += 1;
  }
  return aliases;
}

function endedForMs(endedSince: Map<string, number>, pod: Pod, nowMs: number): number {
  const { uid } = pod.metadata;
  if (pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed') return 0;
  const sinceMs = endedSince.get(uid) ?? nowMs;
  endedSince.set(uid, sinceMs);
  return nowMs - sinceMs;
}

async function act(
  context: OperatorContext,
  job: FlashJob,
  view: FlashJobView,
  seen: Seen,
  action: FlashJobAction,
): Promise<void> {
  const { kube } = context.ports;
  const { resourceVersion } = job.metadata;
  const agent = agentKeyOf(job);
  switch (action.kind) {
    case 'add-finalizer':
    case 'remove-finalizer': {
      const others = (job.metadata.finalizers ?? []).filter((finalizer) => finalizer !== FLASH_JOB_FINALIZER);
      const finalizers = action.kind === 'add-finalizer' ? [...others, FLASH_JOB_FINALIZER] : others;
      const body = { metadata: { resourceVersion, finalizers } };
      await kube.patch(FLASH_JOB, keyOf(job), { type: 'merge', body });
      return;
    }
    case 'create-pod':
      await createOwn(context, POD, agentPod(job, view.order, context, devicesOf(context, view)));
      return;
    case 'create-service':
      await createOwn(context, SERVICE, agentService(job));
      return;
    case 'delete-pod':
      // That one, and not another which has taken its name.
      if (seen.pod !== undefined)
        await unlessGone(kube.delete(POD, agent, { preconditions: { uid: seen.pod.metadata.uid } }));
      return;
    case 'delete-service':
      await unlessGone(kube.delete(SERVICE, agent));
      return;
    case 'release':
      await release(context, job, action);
      return;
  }
}

/** Creates what the job shall own; one that is there already is taken for it only when the job owns it. */
async function createOwn<T extends KubeObject>(
  { ports }: OperatorContext,
  kind: Kind<T>,
  object: NewObject<T>,
): Promise<void> {
  try {
    await ports.kube.create(kind, object);
  } catch (error) {
    if (!isKubeError(error, 'AlreadyExists')) throw error;
    const { namespace = 'default', name = '', ownerReferences = [] } = object.metadata;
    const present = await ports.kube.get(kind, { namespace, name });
    const owner = present.metadata.ownerReferences?.find(({ controller }) => controller);
    if (owner?.uid !== ownerReferences[0]?.uid) throw error;
  }
}

async function release(
  context: OperatorContext,
  job: FlashJob,
  { device: name, outcome, message }: Extract<FlashJobAction, { kind: 'release' }>,
): Promise<void> {
  const { ports, devices } = context;
  const device = devices.get(`${job.metadata.namespace ?? 'default'}/${name}`);
  const update = device?.status?.update;
  if (device === undefined || update?.jobUid !== job.metadata.uid || update.phase === 'Settled') return;
  const { session: _, ...rest } = update;
  const finishedAt = timestamp(ports.clock);
  const settled: DeviceUpdate = { ...rest, phase: 'Settled', finishedAt, outcome, message };
  await changeStatus(ports.kube, device, updateChange(device, settled));
}

function devicesOf({ devices }: OperatorContext, { job, targets }: FlashJobView): Device[] {
  const namespace = job.metadata.namespace ?? 'default';
  return targets.flatMap(({ device }) => devices.get(`${namespace}/${device}`) ?? []);
}

/** A conflict says that what was to go is gone, and another is in its place. */
async function unlessGone(deleted: Promise<void>): Promise<void> {
  try {
    await deleted;
  } catch (error) {
    if (!isKubeError(error, 'NotFound', 'Conflict')) throw error;
  }
}

function agentKeyOf({ metadata: { namespace = 'default', name } }: FlashJob): {
  namespace: string;
  name: string;
} {
  return { namespace, name: agentNameOf(name) };
}
