import { agentAccess, OPERATOR_ACCESS } from '../operator/index.ts';
import { CONFIGURATION_CRD, INSTANCE_CRD } from '../src/kube/akri.ts';
import type { KubeApi } from '../src/kube/api.ts';
import { NAMESPACE } from '../src/kube/core.ts';
import type { CustomResourceDefinition } from '../src/kube/crd.ts';
import { DEVICE, DEVICE_CRD, type Device } from '../src/kube/device.ts';
import { isKubeError } from '../src/kube/error.ts';
import { FIRMWARE_ROLLOUT_CRD } from '../src/kube/firmware-rollout.ts';
import { FLASH_JOB_CRD } from '../src/kube/flash-job.ts';
import type { Kind, KubeObject, NewObject } from '../src/kube/object.ts';
import type { Clock } from '../src/time/clock.ts';
import { AKRI_ACCESS } from './akri/access.ts';
import { LEASE_NAMESPACE, NodeHeartbeat } from './cluster/stand-ins/node-heartbeat.ts';

/** The definitions a cluster needs before anything of ours can live in it. */
export const DEFINITIONS: readonly CustomResourceDefinition[] = [
  CONFIGURATION_CRD,
  INSTANCE_CRD,
  FLASH_JOB_CRD,
  DEVICE_CRD,
  FIRMWARE_ROLLOUT_CRD,
];

export const DEFINITION: Kind<CustomResourceDefinition & KubeObject> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

/** Puts our definitions into a cluster; those that are there already stay. Rejects with KubeError. */
export async function installDefinitions(kube: KubeApi): Promise<void> {
  for (const definition of DEFINITIONS) {
    const object = definition as NewObject<CustomResourceDefinition & KubeObject>;
    await kube.create(DEFINITION, object).catch(unless('AlreadyExists'));
  }
}

/** The accounts of everybody who acts in a cluster, and what they may do; those that are there already stay. */
export async function installAccounts(kube: KubeApi): Promise<void> {
  for (const object of [...OPERATOR_ACCESS, ...agentAccess('default'), ...AKRI_ACCESS]) {
    const { apiVersion, kind, metadata } = object;
    const plural = `${kind.toLowerCase()}s`;
    const namespaced = metadata.namespace !== undefined;
    await kube.create({ apiVersion, kind, plural, namespaced }, object).catch(unless('AlreadyExists'));
  }
}

/** One node, ready: what a cluster has before its first Pod. Rejects with KubeError. */
export async function addNode(kube: KubeApi, clock: Clock, node: string): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: LEASE_NAMESPACE } };
  await kube.create(NAMESPACE, namespace).catch(unless('AlreadyExists'));
  await new NodeHeartbeat(kube, clock, node).start();
}

/** The factory's list of devices: what is known of a fleet before its first board has power. Rejects with KubeError. */
export async function enrol(kube: KubeApi, enrolment: readonly NewObject<Device>[]): Promise<void> {
  for (const device of enrolment) await kube.create(DEVICE, device);
}

const unless =
  (reason: 'AlreadyExists') =>
  (error: unknown): undefined => {
    if (!isKubeError(error, reason)) throw error;
    return undefined;
  };
