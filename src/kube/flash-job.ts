import type { Outcome } from '../device/outcome.ts';
import { age, conditions, defineCrd, duration, flag, list, map, record, text, time, whole } from './crd.ts';
import type { Condition, Kind, KubeObject } from './object.ts';

/** One device of a job that is not confirmed, or not yet. */
export interface JobDevice {
  /** The id as the job names it. */
  readonly uuid: string;
  /** The Device it means; absent when there is none. */
  readonly device?: string;
  readonly outcome?: Outcome;
  readonly message?: string;
}

/** Puts one firmware on the devices it names, once. Source of the first eight spec members: nubificus/flashjob_operator. */
export interface FlashJob extends KubeObject {
  readonly spec: {
    /** Device ids, or uids of Akri Instances. */
    readonly uuid: readonly string[];
    /** OCI reference; a tag is resolved once, when the job starts. */
    readonly firmware: string;
    readonly version: string;
    /** Chip that every device of the job must have. */
    readonly device?: string;
    /** Station that the job's only device must have. */
    readonly hostEndpoint?: string;
    /** Application that the firmware must hold. */
    readonly applicationType?: string;
    /** Put on the job's Service and handed to the Pod as `EXTERNAL_IP`. */
    readonly externalIP?: string;
    /** Image of the flash agent; absent: the operator's own. */
    readonly flashjobPodImage?: string;
    /** Devices updated at once. */
    readonly parallelism?: number;
    /** Time each device has, from its claim to its outcome. */
    readonly deviceDeadline?: string;
    /** True: no device is started; those that were go on. */
    readonly paused?: boolean;
    /** True: devices not started end as `cancelled`; those that were go on. */
    readonly cancelled?: boolean;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    /** Fingerprint of the order that this status is about: a changed order starts the job anew. */
    readonly order?: string;
    readonly phase?: 'InProgress' | 'Completed' | 'Failed';
    readonly message?: string;
    /** Stations of the devices, comma-separated, the first eight. */
    readonly hostEndpoint?: string;
    /** What ids that are uids of Akri Instances meant when the job started, the first two hundred. */
    readonly aliases?: Readonly<Record<string, string>>;
    /** Agents that ended without finishing. */
    readonly agentFailures?: number;
    /** Ids, as the job names them, of confirmed devices, the first four hundred. */
    readonly completedUUIDs?: readonly string[];
    /** What the reference meant when the job started; nothing else is flashed, wherever the tag moves. */
    readonly firmware?: { readonly reference: string; readonly digest: string };
    /** Devices per outcome, and `pending`. */
    readonly counts?: Readonly<Record<string, number>>;
    /** Devices with an outcome other than `confirmed`, the first hundred by id. */
    readonly devices?: readonly JobDevice[];
    readonly startTime?: string;
    readonly completionTime?: string;
    /** Of types `Complete`, `Failed`, `FirmwareResolved`. */
    readonly conditions?: readonly Condition[];
  };
}

export const FLASH_JOB: Kind<FlashJob> = {
  apiVersion: 'application.flashjob.nbfc.io/v1alpha1',
  kind: 'FlashJob',
  plural: 'flashjobs',
  namespaced: true,
};

export type FlashJobStatus = NonNullable<FlashJob['status']>;

export const FLASH_JOB_FINALIZER = 'application.flashjob.nbfc.io/flashjob-finalizer';

/** Labels on what a job or a rollout makes. */
export const JOB_LABEL = {
  job: 'fleet.brickproof.dev/flashjob',
  rollout: 'fleet.brickproof.dev/rollout',
  wave: 'fleet.brickproof.dev/wave',
  /** `update` or `revert`: what a rollout made the job for. */
  purpose: 'fleet.brickproof.dev/purpose',
  /** Fingerprint of the order a Pod was made for. */
  order: 'fleet.brickproof.dev/order',
} as const;

const optional = { nullable: true } as const;

export const FLASH_JOB_CRD = defineCrd(FLASH_JOB, {
  description: 'Puts one firmware on the devices it names, once.',
  shortNames: ['fj'],
  categories: ['fleet'],
  spec: record(
    'What to flash, and on what.',
    {
      uuid: list(
        'Device ids, or uids of Akri Instances.',
        { type: 'string', minLength: 1, maxLength: 64 },
        { minItems: 1, maxItems: 10_000 },
      ),
      firmware: text('OCI reference of the firmware.', { minLength: 1 }),
      version: text('Version of the firmware, for people; the image itself says which it is.'),
      device: text('Chip that every device must have.', optional),
      hostEndpoint: text('Station that the only device must have.', optional),
      applicationType: text('Application that the firmware must hold.', optional),
      externalIP: text('External address of the Service.', optional),
      flashjobPodImage: text('Image of the flash agent.', optional),
      parallelism: whole('Devices updated at once.', { minimum: 1, maximum: 1000, default: 16 }),
      deviceDeadline: duration('Time each device has.', { default: '30m' }),
      paused: flag('True: no device is started.'),
      cancelled: flag('True: devices not started end as cancelled.'),
    },
    ['firmware', 'uuid', 'version'],
  ),
  status: record('How it fares.', {
    observedGeneration: whole('Generation this status is about.'),
    order: text('Fingerprint of the order this status is about.'),
    phase: text('InProgress, Completed or Failed.', { enum: ['InProgress', 'Completed', 'Failed'] }),
    message: text('One sentence on the whole.'),
    hostEndpoint: text('Stations of the devices, the first eight.'),
    aliases: map('What ids that are uids of Akri Instances meant when the job started.', { type: 'string' }),
    agentFailures: whole('Agents that ended without finishing.'),
    completedUUIDs: list('Ids of confirmed devices.', { type: 'string' }),
    firmware: record('What the reference meant when the job started.', {
      reference: text('The reference.'),
      digest: text('Digest of the index.'),
    }),
    counts: map('Devices per outcome, and pending.', { type: 'integer' }),
    devices: list(
      'Devices with an outcome other than confirmed.',
      record('One of them.', {
        uuid: text('Id as the job names it.'),
        device: text('The Device.'),
        outcome: text('How it ended.'),
        message: text('Why.'),
      }),
      { maxItems: 100 },
    ),
    startTime: time('When work began.'),
    completionTime: time('When the last device had an outcome.'),
    conditions,
  }),
  columns: [
    { name: 'Firmware', type: 'string', jsonPath: '.spec.firmware' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Confirmed', type: 'integer', jsonPath: '.status.counts.confirmed' },
    { name: 'Pending', type: 'integer', jsonPath: '.status.counts.pending' },
    { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
    age,
  ],
});
