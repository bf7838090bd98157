import { BROKER_PROPERTY, INSTANCE, type Instance } from '../../src/kube/akri.ts';
import { POD, type Pod, SERVICE, type Service } from '../../src/kube/core.ts';
import { DEVICE, type Device } from '../../src/kube/device.ts';
import { FIRMWARE_ROLLOUT, type FirmwareRollout } from '../../src/kube/firmware-rollout.ts';
import { FLASH_JOB, type FlashJob, JOB_LABEL } from '../../src/kube/flash-job.ts';
import type { Deciders, OperatorPorts } from '../ports.ts';
import { EventRecorder } from '../runtime/events.ts';
import { Informer } from '../runtime/informer.ts';
import { Metrics } from '../runtime/metrics.ts';
import type { AgentPlacement } from './agent-pod.ts';

/** What the controllers of one operator share: one copy of each kind, one recorder, one table of counters. */
export interface OperatorContext {
  readonly ports: OperatorPorts & { readonly metrics: Metrics };
  readonly deciders: Deciders;
  readonly events: EventRecorder;
  readonly agentImage: string;
  readonly agentEnvironment: Readonly<Record<string, string>>;
  readonly agentPlacement: AgentPlacement;
  /** Indexed by `ueid` and by `uid`. */
  readonly instances: Informer<Instance>;
  /** Indexed by `holder`: uid of the job whose unfinished update holds the device. */
  readonly devices: Informer<Device>;
  /** Indexed by `owner`: uid of the controlling owner. */
  readonly jobs: Informer<FlashJob>;
  readonly rollouts: Informer<FirmwareRollout>;
  /** Flash agents only. */
  readonly pods: Informer<Pod>;
  readonly services: Informer<Service>;
}

/** `namespace` absent: the whole cluster. */
export function createContext(
  ports: OperatorPorts,
  deciders: Deciders,
  options: Pick<OperatorContext, 'agentImage' | 'agentEnvironment' | 'agentPlacement'> & {
    readonly namespace?: string;
  },
): OperatorContext {
  const shared = { ...ports, metrics: new Metrics() };
  const scope = options.namespace === undefined ? {} : { namespace: options.namespace };
  const ours = { ...scope, labelSelector: JOB_LABEL.job };
  return {
    ports: shared,
    deciders,
    events: new EventRecorder(shared, 'brickproof-operator'),
    agentImage: options.agentImage,
    agentEnvironment: options.agentEnvironment,
    agentPlacement: options.agentPlacement,
    instances: new Informer(shared, INSTANCE, {
      ...scope,
      indexes: { ueid: (instance) => textsOf(ueidOf(instance)), uid: ({ metadata }) => [metadata.uid] },
    }),
    devices: new Informer(shared, DEVICE, {
      ...scope,
      indexes: {
        holder: ({ status }) =>
          status?.update === undefined || status.update.phase === 'Settled' ? NONE : [status.update.jobUid],
      },
    }),
    jobs: new Informer(shared, FLASH_JOB, {
      ...scope,
      indexes: {
        owner: ({ metadata }) => textsOf(metadata.ownerReferences?.find(({ controller }) => controller)?.uid),
      },
    }),
    rollouts: new Informer(shared, FIRMWARE_ROLLOUT, scope),
    pods: new Informer(shared, POD, ours),
    services: new Informer(shared, SERVICE, ours),
  };
}

/** The UEID that an Instance claims, lower-case hex; undefined when it claims none of our kind. */
export function ueidOf(instance: Instance): string | undefined {
  const claimed = instance.spec.brokerProperties?.[BROKER_PROPERTY.ueid]?.toLowerCase();
  return claimed !== undefined && /^01[0-9a-f]{32}$/.test(claimed) ? claimed : undefined;
}

const NONE: readonly string[] = [];
const textsOf = (text: string | undefined): readonly string[] => (text === undefined ? NONE : [text]);
