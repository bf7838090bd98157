import { isKubeError } from '../../src/kube/error.ts';
import {
  FIRMWARE_ROLLOUT,
  type FirmwareRollout,
  type PinnedFirmware,
} from '../../src/kube/firmware-rollout.ts';
import { FLASH_JOB, type FlashJob, JOB_LABEL } from '../../src/kube/flash-job.ts';
import { keyOf, keyText, type NewObject } from '../../src/kube/object.ts';
import { resolveFirmware } from '../../src/oci/fetch-firmware.ts';
import { FirmwareError } from '../../src/oci/firmware-error.ts';
import type { RolloutAction, RolloutPins } from '../../src/rollout/view.ts';
import { Controller } from '../runtime/controller.ts';
import { sameJson } from '../runtime/same-json.ts';
import type { OperatorContext } from './context.ts';
import { RolloutObserver } from './rollout-observer.ts';

/** A rollout is looked at again at most this often, a second more for every thousand devices in the cluster. */
const GATHER_MS = 1_000;
/** Pause before a reference that did not resolve is asked for again. */
const UNRESOLVED_MS = 15_000;

/** Brings each FirmwareRollout through its waves: reads the world, asks the decider, writes the status, acts. */
export function createFirmwareRolloutController(context: OperatorContext): Controller {
  const { rollouts, jobs, devices, ports } = context;
  const observer = new RolloutObserver(context);
  const controller = new Controller(
    ports,
    { name: 'firmware-rollout', concurrency: 4 },
    [rollouts, jobs, devices],
    (key) => reconcile(context, observer, key),
  );
  const gather = (key: string): void => controller.enqueueAfter(key, GATHER_MS + devices.size);
  rollouts.onChange((before, after) => {
    if (after === undefined && before !== undefined) observer.forget(before);
    const isOurWrite = before?.metadata.generation === after?.metadata.generation;
    if (after !== undefined && !isOurWrite) controller.enqueue(keyText(keyOf(after)));
  });
  jobs.onChange((before, after) => {
    const job = after ?? before;
    const owner = job?.metadata.ownerReferences?.find(({ kind }) => kind === FIRMWARE_ROLLOUT.kind);
    if (job === undefined || owner === undefined) return;
    const key = keyText({ namespace: job.metadata.namespace ?? 'default', name: owner.name });
    // The end of a job is what waves wait for; its progress only changes counts.
    if (before?.status?.phase !== after?.status?.phase) controller.enqueueAfter(key, GATHER_MS);
    else gather(key);
  });
  devices.onChange((before, after) => {
    if (sameJson(before?.metadata.labels, after?.metadata.labels)) return;
    const namespace = (after ?? before)?.metadata.namespace;
    for (const rollout of rollouts.values())
      if (rollout.metadata.namespace === namespace && rollout.status?.completionTime === undefined)
        gather(keyText(keyOf(rollout)));
  });
  return controller;
}

async function reconcile(
  context: OperatorContext,
  observer: RolloutObserver,
  key: string,
): Promise<number | undefined> {
  const { ports, events, deciders } = context;
  const rollout = context.rollouts.get(key);
  if (rollout === undefined || rollout.metadata.deletionTimestamp !== undefined) return undefined;
  const pins = await resolvePins(context, rollout);
  const decision = deciders.decideRollout(observer.observe(rollout, pins));
  let written = rollout;
  if (!sameJson(decision.status, rollout.status))
    written = await ports.kube.replace(
      FIRMWARE_ROLLOUT,
      { ...rollout, status: decision.status },
      { subresource: 'status' },
    );
  for (const { type, reason, message } of decision.events) events.record(rollout, type, reason, message);
  for (const action of decision.actions) await act(context, written, action);
  const hasBegun = decision.status.startTime !== undefined;
  // The status that begins a rollout starts nothing yet: the next look does.
  if (hasBegun && rollout.status?.startTime === undefined) return 1;
  return 'problem' in pins && !hasBegun ? UNRESOLVED_MS : decision.requeueAfterMs;
}

/** What the rollout's references mean: as it remembers them, or asked now. */
async function resolvePins({ ports }: OperatorContext, rollout: FirmwareRollout): Promise<RolloutPins> {
  const { spec, status } = rollout;
  if (status?.firmware !== undefined)
    return {
      firmware: status.firmware,
      ...(status.revertFirmware !== undefined && { revertFirmware: status.revertFirmware }),
    };
  const source = { registry: ports.registry, ...(ports.cache && { cache: ports.cache }) };
  const pin = async (reference: string): Promise<PinnedFirmware> => {
    const { digest } = await resolveFirmware(source, reference);
    return { reference, digest };
  };
  const { action, revertTo = '' } = spec.failurePolicy ?? {};
  try {
    const firmware = await pin(spec.firmware);
    return action === 'revert' && revertTo !== ''
      ? { firmware, revertFirmware: await pin(revertTo) }
      : { firmware };
  } catch (error) {
    if (error instanceof FirmwareError) return { problem: error.message };
    throw error;
  }
}

async function act(
  { ports }: OperatorContext,
  rollout: FirmwareRollout,
  action: RolloutAction,
): Promise<void> {
  const { kube } = ports;
  if (action.kind === 'create-job') {
    try {
      await kube.create(FLASH_JOB, jobOf(rollout, action));
    } catch (error) {
      // Made by an earlier look that this cache has not caught up with.
      if (!isKubeError(error, 'AlreadyExists')) throw error;
    }
    return;
  }
  const spec =
    action.kind === 'cancel-job'
      ? { cancelled: true, paused: false }
      : { paused: action.kind === 'pause-job' };
  const key = { namespace: rollout.metadata.namespace ?? 'default', name: action.name };
  try {
    await kube.patch(FLASH_JOB, key, { type: 'merge', body: { spec } });
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
  }
}

function jobOf(
  { metadata, spec, status }: FirmwareRollout,
  { name, purpose, wave, devices }: Extract<RolloutAction, { kind: 'create-job' }>,
): NewObject<FlashJob> {
  const pin = purpose === 'update' ? status?.firmware : status?.revertFirmware;
  const reference = pin?.reference ?? spec.firmware;
  const { apiVersion, kind } = FIRMWARE_ROLLOUT;
  return {
    apiVersion: FLASH_JOB.apiVersion,
    kind: FLASH_JOB.kind,
    metadata: {
      name,
      namespace: metadata.namespace ?? 'default',
      labels: {
        [JOB_LABEL.rollout]: metadata.name.slice(0, 63),
        [JOB_LABEL.wave]: String(wave + 1),
        [JOB_LABEL.purpose]: purpose,
      },
      ownerReferences: [
        {
          apiVersion,
          kind,
          name: metadata.name,
          uid: metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      uuid: devices,
      firmware: pin === undefined ? reference : `${reference.split('@')[0]}@${pin.digest}`,
      version: (purpose === 'update' ? spec.version : undefined) ?? tagOf(reference),
      parallelism: devices.length,
      ...(spec.deviceDeadline !== undefined && { deviceDeadline: spec.deviceDeadline }),
    },
  };
}

/** The tag of a reference, for people; a port is no tag. */
function tagOf(reference: string): string {
  return /:([^:/@]+)(?:@|$)/.exec(reference)?.[1] ?? 'untagged';
}
