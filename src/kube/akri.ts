import { age, defineCrd, flag, list, map, record, type Schema, text, whole } from './crd.ts';
import type { Kind, KubeObject } from './object.ts';

/** What Akri should look for. Source: akri.sh/v0 Configuration. */
export interface Configuration extends KubeObject {
  readonly spec: {
    readonly discoveryHandler: {
      readonly name: string;
      /** Opaque to Akri; YAML by convention. */
      readonly discoveryDetails?: string;
      readonly discoveryProperties?: readonly unknown[];
    };
    readonly capacity?: number;
    readonly brokerProperties?: Readonly<Record<string, string>>;
  };
}

/** One discovered device, as Akri sees it: its uid lasts only until the next re-discovery. Source: akri.sh/v0 Instance. */
export interface Instance extends KubeObject {
  readonly spec: {
    readonly configurationName: string;
    /** `akri.sh/<configuration>=<hash>`. */
    readonly cdiName: string;
    readonly capacity: number;
    readonly brokerProperties?: Readonly<Record<string, string>>;
    readonly shared?: boolean;
    readonly nodes?: readonly string[];
    /** `<instance>-<slot>` to `''` (free), `<node>`, or `C:<vdev>:<node>`. */
    readonly deviceUsage?: Readonly<Record<string, string>>;
  };
}

export const CONFIGURATION: Kind<Configuration> = {
  apiVersion: 'akri.sh/v0',
  kind: 'Configuration',
  plural: 'configurations',
  namespaced: true,
};

export const INSTANCE: Kind<Instance> = {
  apiVersion: 'akri.sh/v0',
  kind: 'Instance',
  plural: 'instances',
  namespaced: true,
};

/** Broker properties that carry a device through Akri; the first three are nubificus' names. */
export const BROKER_PROPERTY = {
  endpoint: 'HOST_ENDPOINT',
  device: 'DEVICE',
  application: 'APPLICATION_TYPE',
  version: 'VERSION',
  /** Ours: the claimed UEID, lower-case hex, so that a twin can be found again. */
  ueid: 'UEID',
} as const;

const open: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

export const CONFIGURATION_CRD = defineCrd(CONFIGURATION, {
  description: 'What Akri should discover, and what to run for each find.',
  shortNames: ['akric'],
  categories: ['all'],
  spec: record(
    'The search.',
    {
      discoveryHandler: record(
        'Who searches, and for what.',
        {
          name: text('Name under which the handler registered.'),
          discoveryDetails: text('Handed to the handler as it is.', { default: '' }),
          discoveryProperties: list('Values handed to the handler.', open),
        },
        ['name'],
      ),
      capacity: whole('Slots per Instance.', { default: 1 }),
      brokerSpec: open,
      instanceServiceSpec: open,
      configurationServiceSpec: open,
      brokerProperties: map('Environment for brokers and Instances.', { type: 'string' }),
    },
    ['discoveryHandler'],
  ),
  columns: [{ name: 'Capacity', type: 'integer', jsonPath: '.spec.capacity' }, age],
});

export const INSTANCE_CRD = defineCrd(INSTANCE, {
  description: 'One device that a Configuration found.',
  shortNames: ['akrii'],
  categories: ['all'],
  spec: record(
    'The find.',
    {
      configurationName: text('The Configuration that found it.'),
      cdiName: text('Its name for the container runtime.'),
      capacity: whole('Slots, copied from the Configuration.'),
      brokerProperties: map('What the handler said of it.', { type: 'string' }),
      shared: { ...flag('Whether several nodes may see it.'), default: false },
      nodes: list('Nodes that see it.', { type: 'string' }, { 'x-kubernetes-list-type': 'set' }),
      deviceUsage: map('Who holds which slot.', { type: 'string' }),
    },
    ['configurationName', 'cdiName', 'capacity'],
  ),
  columns: [
    { name: 'Config', type: 'string', jsonPath: '.spec.configurationName' },
    { name: 'Shared', type: 'boolean', jsonPath: '.spec.shared' },
    { name: 'Nodes', type: 'string', jsonPath: '.spec.nodes' },
    age,
  ],
});
