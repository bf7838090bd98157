import { HANDLER_NAME } from '../../operator/discovery/announcement-handler.ts';
import { newInstance } from '../../sim/akri/akri-agent.ts';
import { installDefinitions } from '../../sim/install.ts';
import { BROKER_PROPERTY, CONFIGURATION, type Configuration, type Instance } from '../../src/kube/akri.ts';
import { nameDevices } from '../../src/kube/akri-naming.ts';
import type { KubeApi } from '../../src/kube/api.ts';
import type { NewObject } from '../../src/kube/object.ts';

export const NAMESPACE = 'default';

/** Our definitions, and a Configuration that finds are owned by. */
export async function installSearch(kube: KubeApi): Promise<Configuration> {
  await installDefinitions(kube);
  return kube.create(CONFIGURATION, {
    ...{ apiVersion: CONFIGURATION.apiVersion, kind: CONFIGURATION.kind },
    metadata: { namespace: NAMESPACE, name: 'thermo' },
    spec: { discoveryHandler: { name: HANDLER_NAME, discoveryDetails: 'applicationType: thermo\n' } },
  });
}

/** Instances as the Akri agent writes them for that many devices, one by one; `series` makes names and devices others. */
export function* instances(
  configuration: Configuration,
  count: number,
  series = 0,
): Generator<NewObject<Instance>> {
  const stations = Array.from({ length: count }, (_, index) => `10.${series}.${index >> 8}.${index & 255}`);
  for (const [endpoint, hash] of nameDevices(stations)) {
    // As they come out of a device's announcement: texts that were parsed, not joined.
    const properties = JSON.parse(
      JSON.stringify({
        [BROKER_PROPERTY.endpoint]: endpoint,
        [BROKER_PROPERTY.device]: 'esp32c3',
        [BROKER_PROPERTY.application]: 'thermo',
        [BROKER_PROPERTY.version]: '1.0.0',
        [BROKER_PROPERTY.ueid]: `01${hash.padStart(32, '0')}`,
      }),
    );
    yield newInstance(configuration, NAMESPACE, `thermo-${hash}`, properties, 'edge-1');
  }
}

/** The same Instance with its slot in use by `node`. */
export function taken(spec: Instance['spec'], node: string): Instance['spec'] {
  const slots = Object.keys(spec.deviceUsage ?? {});
  return { ...spec, deviceUsage: Object.fromEntries(slots.map((slot) => [slot, node])) };
}
