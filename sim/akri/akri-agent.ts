import { parse as parseYaml } from 'yaml';
import {
  type AnnouncementHandler,
  type DiscoveryDetails,
  HANDLER_NAME,
} from '../../operator/discovery/announcement-handler.ts';
import { CONFIGURATION, type Configuration, INSTANCE, type Instance } from '../../src/kube/akri.ts';
import { akriHash, nameDevices } from '../../src/kube/akri-naming.ts';
import type { KubeApi } from '../../src/kube/api.ts';
import { isKubeError } from '../../src/kube/error.ts';
import type { NewObject } from '../../src/kube/object.ts';
import type { Clock } from '../../src/time/clock.ts';

export interface AkriPorts {
  readonly kube: KubeApi;
  readonly clock: Clock;
  readonly handler: AnnouncementHandler;
  /** The node that this agent runs on. */
  readonly node: string;
  /** Whose Configurations it serves; absent: those of all namespaces. */
  readonly namespace?: string;
}

/** Time between two scans. Source: the pause of Akri's own handlers, 10 s. */
const SCAN_MS = 10_000;
/** A scan without news is skipped, but not for longer than Akri's own requeue of 600 s. */
const RESCAN_MS = 600_000;

/**
 * A stand-in for the Akri agent: Configurations and what a handler finds in, Instances out.
 *
 * As the real one does: an Instance is named `<configuration>-<hash>`, owned by its Configuration,
 * created when the device is listed and deleted when it is not, without any grace; a device that changes
 * its application leaves one Configuration's Instances for another's, and gets a new uid on the way.
 */
export async function runAkriAgent(ports: AkriPorts, signal: AbortSignal): Promise<void> {
  const hashOf = remembering(akriHash);
  const scope = ports.namespace === undefined ? {} : { namespace: ports.namespace };
  let news = true;
  ports.handler.onChange(() => {
    news = true;
  });
  let seen = '';
  let scannedMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    try {
      const { items } = await ports.kube.list(CONFIGURATION, scope);
      const configurations = items.filter((item) => item.spec.discoveryHandler.name === HANDLER_NAME);
      const generation = configurations.map((item) => item.metadata.resourceVersion).join();
      if (news || generation !== seen || ports.clock.nowMs - scannedMs >= RESCAN_MS) {
        news = false;
        for (const configuration of configurations) await reconcile(ports, configuration, hashOf);
        seen = generation;
        scannedMs = ports.clock.nowMs;
      }
    } catch (error) {
      if (!isKubeError(error)) throw error;
      news = true;
    }
    await ports.clock.sleep(SCAN_MS, signal).catch(() => {});
  }
}

/** Makes the Instances of one Configuration what the handler lists now. */
async function reconcile(
  ports: AkriPorts,
  configuration: Configuration,
  hashOf: (deviceId: string) => string,
): Promise<void> {
  const namespace = configuration.metadata.namespace ?? 'default';
  const found = ports.handler.discover(detailsOf(configuration));
  const names = nameDevices(
    found.map((device) => device.id),
    hashOf,
  );
  // The Configuration wins where both name a property. Source: akri, brokerProperties.
  const { brokerProperties: own } = configuration.spec;
  const wanted = new Map<string, Readonly<Record<string, string>>>();
  for (const { id, properties } of found)
    wanted.set(
      `${configuration.metadata.name}-${names.get(id) ?? ''}`,
      own === undefined ? properties : { ...properties, ...own },
    );

  const present = await ports.kube.list(INSTANCE, { namespace });
  const unmade = new Set(wanted.keys());
  for (const instance of present.items) {
    if (instance.spec.configurationName !== configuration.metadata.name) continue;
    const brokerProperties = wanted.get(instance.metadata.name);
    if (brokerProperties === undefined) {
      await ports.kube.delete(INSTANCE, instance.metadata).catch(ignore('NotFound'));
    } else {
      unmade.delete(instance.metadata.name);
      if (!sameProperties(instance, brokerProperties))
        await ports.kube.patch(INSTANCE, instance.metadata, {
          type: 'merge',
          body: { spec: { brokerProperties } },
        });
    }
  }
  for (const name of unmade) {
    await ports.kube
      .create(INSTANCE, newInstance(configuration, namespace, name, wanted.get(name) ?? {}, ports.node))
      .catch(ignore('AlreadyExists'));
  }
}

/** A find as an object that is yet to be created; nobody uses it. */
export function newInstance(
  configuration: Configuration,
  namespace: string,
  name: string,
  brokerProperties: Readonly<Record<string, string>>,
  node: string,
): NewObject<Instance> {
  const { name: configurationName, uid } = configuration.metadata;
  const capacity = configuration.spec.capacity ?? 1;
  const slots = Array.from({ length: capacity }, (_, slot) => [`${name}-${slot}`, ''] as const);
  return {
    apiVersion: INSTANCE.apiVersion,
    kind: INSTANCE.kind,
    metadata: {
      name,
      namespace,
      ownerReferences: [
        {
          apiVersion: CONFIGURATION.apiVersion,
          kind: CONFIGURATION.kind,
          name: configurationName,
          uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      configurationName,
      cdiName: `akri.sh/${configurationName}=${name.slice(configurationName.length + 1)}`,
      capacity,
      brokerProperties,
      shared: true,
      nodes: [node],
      deviceUsage: Object.fromEntries(slots),
    },
  };
}

function sameProperties(instance: Instance, wanted: Readonly<Record<string, string>>): boolean {
  const said = instance.spec.brokerProperties ?? {};
  for (const name in wanted) if (said[name] !== wanted[name]) return false;
  return true;
}

/** `compute`, once for each text. */
function remembering(compute: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const value = compute(text);
    known.set(text, value);
    return value;
  };
}

function detailsOf(configuration: Configuration): DiscoveryDetails {
  const text = configuration.spec.discoveryHandler.discoveryDetails ?? '';
  const parsed: unknown = text === '' ? {} : parseYaml(text);
  if (typeof parsed !== 'object' || parsed === null) return {};
  const { applicationType, device } = parsed as Record<string, unknown>;
  return {
    ...(typeof applicationType === 'string' && { applicationType }),
    ...(typeof device === 'string' && { device }),
  };
}

const ignore =
  (reason: 'NotFound' | 'AlreadyExists') =>
  (error: unknown): undefined => {
    if (!isKubeError(error, reason)) throw error;
    return undefined;
  };
