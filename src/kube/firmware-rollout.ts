import type { Outcome } from '../device/outcome.ts';
import { age, conditions, defineCrd, duration, flag, list, map, record, text, time, whole } from './crd.ts';
import type { Condition, Kind, KubeObject } from './object.ts';

/** When a wave may be followed by the next. */
export interface Gate {
  /** Confirmed or failed devices needed before the gate may pass; capped at the size of the wave. */
  readonly minSamples?: number;
  /** Confirmed devices among those that count, at least, in percent. */
  readonly minSuccessPercent?: number;
  /** How long the wave is watched after its last verdict, as `10m`. */
  readonly bakeTime?: string;
}

export interface WaveStatus {
  /** Devices of the fleet in this wave and those before. */
  readonly percent: number;
  readonly devices: number;
  readonly confirmed: number;
  readonly failed: number;
  /** Refused or unknown devices: not evidence about the firmware. */
  readonly excluded: number;
  readonly pending: number;
  readonly gate: 'Waiting' | 'Open' | 'Baking' | 'Passed' | 'Failed';
  /** When the last device of the wave had its verdict. */
  readonly settledAt?: string;
}

export interface PinnedFirmware {
  readonly reference: string;
  readonly digest: string;
}

export type RolloutPhase = 'Progressing' | 'Paused' | 'Reverting' | 'Completed' | 'Aborted';

/** Brings a firmware to the devices that match, wave by wave, and stops when a gate says so. */
export interface FirmwareRollout extends KubeObject {
  readonly spec: {
    readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly firmware: string;
    readonly version?: string;
    /** Cumulative, rising, the last one 100. */
    readonly waves: readonly { readonly percent: number; readonly gate?: Gate }[];
    readonly gate?: Gate;
    readonly failurePolicy?: {
      /** Failed devices, of the whole rollout, that stop it at once; a count or `10%` of the fleet. */
      readonly maxFailures?: number | string;
      readonly action?: 'hold' | 'revert';
      /** What `revert` puts back. */
      readonly revertTo?: string;
    };
    /** Devices in update at once; a count or a percentage of the fleet. */
    readonly maxUnavailable?: number | string;
    /** Devices per FlashJob. */
    readonly batchSize?: number;
    readonly deviceDeadline?: string;
    readonly paused?: boolean;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly phase?: RolloutPhase;
    readonly message?: string;
    readonly startTime?: string;
    readonly completionTime?: string;
    /** What the references meant when it began; nothing else is flashed, wherever tags move. */
    readonly firmware?: PinnedFirmware;
    readonly revertFirmware?: PinnedFirmware;
    /** Index of the wave in work, from 0. */
    readonly wave?: number;
    readonly waves?: readonly WaveStatus[];
    /** Devices per outcome, and `pending`. */
    readonly counts?: Readonly<Record<string, number>>;
    /** Devices that failed, then those excluded, each by id; the first fifty. */
    readonly failures?: readonly {
      readonly device: string;
      readonly outcome: Outcome;
      readonly message?: string;
    }[];
    /** Of types `Progressing`, `Completed`, `Aborted`, `Reverted`. */
    readonly conditions?: readonly Condition[];
  };
}

export type FirmwareRolloutStatus = NonNullable<FirmwareRollout['status']>;

export const FIRMWARE_ROLLOUT: Kind<FirmwareRollout> = {
  apiVersion: 'fleet.brickproof.dev/v1alpha1',
  kind: 'FirmwareRollout',
  plural: 'firmwarerollouts',
  namespaced: true,
};

const countOrPercent = (description: string, fallback: number | string) => ({
  description,
  'x-kubernetes-int-or-string': true,
  anyOf: [{ type: 'integer' as const }, { type: 'string' as const }],
  pattern: '^[0-9]{1,3}%$',
  default: fallback,
});

const pinned = (description: string) =>
  record(description, { reference: text('The reference.'), digest: text('Digest of the index.') });

const gate = record('When a wave may be followed by the next.', {
  minSamples: whole('Verdicts needed.', { minimum: 1 }),
  minSuccessPercent: whole('Confirmed among those that count.', { minimum: 0, maximum: 100 }),
  bakeTime: duration('Time watched after the last verdict.'),
});

const WAVE_RULES = [
  { rule: 'self[self.size() - 1].percent == 100', message: 'the last wave must reach 100 percent' },
  {
    rule: 'self.map(wave, wave.percent).isSorted() && self.all(wave, self.exists_one(other, other.percent == wave.percent))',
    message: 'each wave must reach more percent than the wave before',
  },
];

const REVERT_RULE = {
  rule: "self.action != 'revert' || (has(self.revertTo) && self.revertTo != '')",
  message: 'name the firmware that revert puts back',
  fieldPath: '.revertTo',
};

export const FIRMWARE_ROLLOUT_CRD = defineCrd(FIRMWARE_ROLLOUT, {
  description: 'Brings a firmware to the devices that match, wave by wave, and stops when a gate says so.',
  shortNames: ['fwr'],
  categories: ['fleet'],
  spec: record(
    'What goes where, how fast, and when to stop.',
    {
      selector: record('Which devices.', {
        matchLabels: map('Labels a device must have.', { type: 'string' }),
      }),
      firmware: text('OCI reference of the firmware.', { minLength: 1 }),
      version: text('Version, for people.'),
      waves: list(
        'Cumulative, rising, the last one 100.',
        record('One wave.', { percent: whole('Of the fleet.', { minimum: 1, maximum: 100 }), gate }, [
          'percent',
        ]),
        { minItems: 1, maxItems: 20, 'x-kubernetes-validations': WAVE_RULES },
      ),
      gate,
      failurePolicy: {
        ...record('What failures do.', {
          maxFailures: countOrPercent('Failed devices that stop it at once.', '100%'),
          action: text('hold leaves devices as they are; revert puts revertTo back.', {
            enum: ['hold', 'revert'],
            default: 'hold',
          }),
          revertTo: text('OCI reference that revert puts back.'),
        }),
        'x-kubernetes-validations': [REVERT_RULE],
      },
      maxUnavailable: countOrPercent('Devices in update at once.', '100%'),
      batchSize: whole('Devices per FlashJob.', { minimum: 1, maximum: 100, default: 50 }),
      deviceDeadline: duration('Time each device has.', { default: '30m' }),
      paused: flag('True: nothing new is started.'),
    },
    ['selector', 'firmware', 'waves'],
  ),
  status: record('How it fares.', {
    observedGeneration: whole('Generation this status is about.'),
    phase: text('Where it stands.', {
      enum: ['Progressing', 'Paused', 'Reverting', 'Completed', 'Aborted'],
    }),
    message: text('One sentence on the whole: why it moves, waits or stopped.'),
    startTime: time('When it began; devices enrolled later join the last wave.'),
    completionTime: time('When it ended.'),
    firmware: pinned('What the firmware meant when it began.'),
    revertFirmware: pinned('What revertTo meant when it began.'),
    wave: whole('Wave in work, from 0.'),
    waves: list(
      'Each wave.',
      record('One wave.', {
        percent: whole('Of the fleet, cumulative.'),
        devices: whole('Devices in it.'),
        confirmed: whole('Confirmed.'),
        failed: whole('Failed.'),
        excluded: whole('Refused or unknown.'),
        pending: whole('Without a verdict.'),
        gate: text('Its gate.', { enum: ['Waiting', 'Open', 'Baking', 'Passed', 'Failed'] }),
        settledAt: time('When its last device had its verdict.'),
      }),
    ),
    counts: map('Devices per outcome, and pending.', { type: 'integer' }),
    failures: list(
      'Devices that failed, then those excluded.',
      record('One of them.', {
        device: text('The Device.'),
        outcome: text('How it ended.'),
        message: text('Why.'),
      }),
      { maxItems: 50 },
    ),
    conditions,
  }),
  columns: [
    { name: 'Firmware', type: 'string', jsonPath: '.spec.firmware' },
    { name: 'Phase', type: 'string', jsonPath: '.status.phase' },
    { name: 'Wave', type: 'integer', jsonPath: '.status.wave' },
    { name: 'Confirmed', type: 'integer', jsonPath: '.status.counts.confirmed' },
    { name: 'Pending', type: 'integer', jsonPath: '.status.counts.pending' },
    { name: 'Message', type: 'string', jsonPath: '.status.message', priority: 1 },
    age,
  ],
});
