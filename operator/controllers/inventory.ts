import { deviceIdOf } from '../../src/attestation/ueid.ts';
import { BROKER_PROPERTY, type Instance } from '../../src/kube/akri.ts';
import { setCondition } from '../../src/kube/condition.ts';
import { DEVICE, DEVICE_LABEL, type Device, type DeviceStatus } from '../../src/kube/device.ts';
import { isKubeError } from '../../src/kube/error.ts';
import { keyOf } from '../../src/kube/object.ts';
import { timestamp } from '../../src/time/clock.ts';
import { Controller } from '../runtime/controller.ts';
import { sameJson } from '../runtime/same-json.ts';
import { changeStatus, type StatusChange } from '../twin.ts';
import { type OperatorContext, ueidOf } from './context.ts';

/** How long a device may be missing from every discovery before it counts as offline. */
const OFFLINE_AFTER_MS = 300_000;

/**
 * Keeps one twin per device that Akri has ever found: the same twin whatever Instance stands for it.
 *
 * It creates twins, labels them, and says whether anything that may be the device is in sight. Which
 * Instance *is* the device, the attestation controller decides by evidence; only a device without an
 * enrolled key, which nobody will ever flash, is bound on its word.
 */
export function createInventory(context: OperatorContext): Controller {
  const { instances, devices, ports } = context;
  /** When the last Instance of a device was lost sight of, by key. */
  const missing = new Map<string, number>();
  const controller = new Controller(
    ports,
    { name: 'inventory', concurrency: 32 },
    [instances, devices],
    (key) => reconcile(context, missing, key),
  );
  instances.onChange((before, after) => {
    for (const instance of [before, after]) {
      const key = instance === undefined ? undefined : twinKeyOf(instance);
      if (key !== undefined) controller.enqueue(key);
    }
  });
  devices.onChange((before, after) => {
    // A twin that somebody deleted comes back while its device is in sight.
    const twin = after ?? before;
    if (twin !== undefined && (after === undefined || concernsInventory(before, after)))
      controller.enqueue(twinKey(twin.metadata.namespace, twin.metadata.name));
  });
  return controller;
}

/** Updates write to twins all the time; the inventory cares for who the device is and what it does. */
function concernsInventory(before: Device | undefined, after: Device): boolean {
  const was = before?.status;
  const is = after.status;
  return (
    before === undefined ||
    before.metadata.generation !== after.metadata.generation ||
    was?.instance?.uid !== is?.instance?.uid ||
    was?.attested?.application !== is?.attested?.application ||
    was?.chip !== is?.chip ||
    was?.online !== is?.online ||
    !sameJson(before.metadata.labels, after.metadata.labels)
  );
}

/** Key of the twin that an Instance claims to be; undefined when it claims no UEID. */
export function twinKeyOf(instance: Instance): string | undefined {
  const ueid = ueidOf(instance);
  return ueid === undefined
    ? undefined
    : twinKey(instance.metadata.namespace, deviceIdOf(Buffer.from(ueid, 'hex')));
}

const twinKey = (namespace: string | undefined, name: string): string => `${namespace ?? 'default'}/${name}`;

async function reconcile(
  context: OperatorContext,
  missing: Map<string, number>,
  key: string,
): Promise<number | undefined> {
  const { devices, ports } = context;
  const device = devices.get(key);
  const [namespace = 'default', name = ''] = key.split('/');
  const ueid = device?.spec.ueid ?? `01${name.replaceAll('-', '')}`;
  const claims = context.instances
    .byIndex('ueid', ueid)
    .filter(({ metadata }) => (metadata.namespace ?? 'default') === namespace);
  if (device === undefined) {
    missing.delete(key);
    const [first] = claims;
    if (first !== undefined) await createTwin(context, namespace, name, ueid, first);
    return undefined;
  }
  const bound = boundTo(device, claims);
  const labels = labelsOf(device, bound ?? claims.find((claim) => !isImpostor(device, claim)));
  let twin = device;
  if (!hasLabels(device, labels)) {
    const body = { metadata: { resourceVersion: device.metadata.resourceVersion, labels } };
    twin = await ports.kube.patch(DEVICE, keyOf(device), { type: 'merge', body });
  }
  const inSight = bound !== undefined || claims.some((claim) => !isImpostor(twin, claim));
  const graceMs = inSight ? 0 : graceLeft(missing, key, ports.clock.nowMs);
  if (inSight) missing.delete(key);
  const change = describe(twin, bound, inSight || graceMs > 0, timestamp(ports.clock));
  if (change !== undefined) await changeStatus(ports.kube, twin, change);
  return graceMs > 0 ? graceMs : undefined;
}

async function createTwin(
  { ports }: OperatorContext,
  namespace: string,
  name: string,
  ueid: string,
  claim: Instance,
): Promise<void> {
  const { apiVersion, kind } = DEVICE;
  const labels = labelsOf(undefined, claim);
  try {
    await ports.kube.create(DEVICE, {
      apiVersion,
      kind,
      metadata: { namespace, name, labels },
      spec: { ueid },
    });
  } catch (error) {
    if (!isKubeError(error, 'AlreadyExists')) throw error;
  }
}

/** The Instance that stands for the device: the one bound before, or any when the device is not enrolled. */
function boundTo({ spec, status }: Device, claims: readonly Instance[]): Instance | undefined {
  const before = claims.find(({ metadata }) => metadata.uid === status?.instance?.uid);
  return before ?? (spec.udsPublicKey === undefined ? claims[0] : undefined);
}

function isImpostor({ status }: Device, claim: Instance): boolean {
  const station = claim.spec.brokerProperties?.[BROKER_PROPERTY.endpoint];
  return status?.impostors?.some((impostor) => impostor.station === station) === true;
}

/** What it proved to be comes before what its Instance says. */
function labelsOf(device: Device | undefined, claim: Instance | undefined): Readonly<Record<string, string>> {
  const said = claim?.spec.brokerProperties ?? {};
  const application = device?.status?.attested?.application ?? said[BROKER_PROPERTY.application];
  const chip = device?.status?.chip ?? said[BROKER_PROPERTY.device];
  return {
    ...(isLabelValue(application) && { [DEVICE_LABEL.application]: application }),
    ...(isLabelValue(chip) && { [DEVICE_LABEL.chip]: chip }),
  };
}

/** Source: Kubernetes labels, syntax of values. */
function isLabelValue(text: string | undefined): text is string {
  return text !== undefined && /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(text);
}

function hasLabels({ metadata }: Device, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(labels).every(([name, value]) => metadata.labels?.[name] === value);
}

function graceLeft(missing: Map<string, number>, key: string, nowMs: number): number {
  const sinceMs = missing.get(key) ?? nowMs;
  missing.set(key, sinceMs);
  return sinceMs + OFFLINE_AFTER_MS - nowMs;
}

/** The change that brings the status up to date; undefined when it is. */
function describe(
  { spec, status }: Device,
  bound: Instance | undefined,
  online: boolean,
  now: string,
): StatusChange | undefined {
  const isEnrolled = spec.udsPublicKey !== undefined;
  // A device that has never proved itself gets its first status with its first evidence.
  if (isEnrolled && status?.instance === undefined && status?.online === undefined) return undefined;
  const condition = online
    ? ({ status: 'True', reason: 'Discovered', message: 'a discovery lists it' } as const)
    : ({ status: 'False', reason: 'NotDiscovered', message: 'no discovery lists it any more' } as const);
  const said = bound?.spec.brokerProperties ?? {};
  const station = said[BROKER_PROPERTY.endpoint];
  const chip = said[BROKER_PROPERTY.device];
  const wanted: DeviceStatus = {
    online,
    conditions: setCondition(status?.conditions, { type: 'Online', ...condition }, now),
    ...(bound !== undefined && { configuration: bound.spec.configurationName }),
    ...(bound !== undefined &&
      !isEnrolled && {
        instance: instanceRef(bound),
        ...(station !== undefined && { station }),
        ...(chip !== undefined && { chip }),
      }),
  };
  const isNews = Object.entries(wanted).some(
    ([name, value]) => !sameJson((status as Record<string, unknown> | undefined)?.[name], value),
  );
  return isNews ? wanted : undefined;
}

export function instanceRef({ metadata }: Instance): NonNullable<DeviceStatus['instance']> {
  return { name: metadata.name, namespace: metadata.namespace ?? 'default', uid: metadata.uid };
}
