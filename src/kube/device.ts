import type { Outcome } from '../device/outcome.ts';
import { age, conditions, defineCrd, flag, list, record, text, time, whole } from './crd.ts';
import type { Condition, Kind, KubeObject } from './object.ts';

/** One claim of another's identity that was turned away. */
export interface Impostor {
  /** The Akri Instance that claims this device's UEID. */
  readonly instance: string;
  readonly station: string;
  /** A RefusalCode of src/attestation/appraisal.ts. */
  readonly code: string;
  readonly message: string;
  readonly since: string;
}

/** What the device proved about itself the last time its evidence was accepted. */
export interface AttestedState {
  readonly application: string;
  readonly version: string;
  /** `ota_0`, `ota_1`, … */
  readonly slot: string;
  /** `sha256:…` of the running image. */
  readonly digest: string;
  readonly secureVersion: number;
  /** False while the image still runs on probation (otadata PENDING_VERIFY). */
  readonly confirmed: boolean;
  readonly bootCount: number;
}

/** How the image goes to the device. */
export interface Delivery {
  /** Bytes of the image, and of a delta that makes it, sent in chunks; those sent again count again. */
  readonly imageBytes: number;
  readonly deltaBytes: number;
  /** Measurement of the image that the offered delta is from; absent: none was offered. */
  readonly deltaFrom?: string;
  /** Why the image itself is sent, for people; absent while a delta does. */
  readonly whyFull?: string;
}

/** The update that holds, or last held, the device. One at a time: whoever writes it first, with the version it read, has it. */
export interface DeviceUpdate {
  readonly jobNamespace: string;
  readonly jobName: string;
  readonly jobUid: string;
  /** Fingerprint of what the job asked for when it claimed the device. */
  readonly order: string;
  /** `sha256:…` of the image the device shall run; empty until the image for its chip is known. */
  readonly digest: string;
  readonly phase: 'Claimed' | 'Transferring' | 'Rebooting' | 'Settled';
  /** Conversation in which the image is offered; a restarted agent carries it on. */
  readonly session?: string;
  /** Offers made so far, this one included. */
  readonly attempts: number;
  /** Absent before the first offer. */
  readonly delivery?: Delivery;
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly outcome?: Outcome;
  readonly message?: string;
}

/**
 * The twin of one fleet member: its identity outlives reboots, addresses and applications.
 *
 * The object's name is the device's id: the UEID's 16 random bytes as text, 8-4-4-4-12.
 */
export interface Device extends KubeObject {
  readonly spec: {
    /** Lower-case hex of the UEID. Source: RFC 9711, section 4.2.1, type 01. */
    readonly ueid: string;
    /** Public key of the device's UDS, base64, 32 bytes of Ed25519. Absent: not enrolled, so never flashed. */
    readonly udsPublicKey?: string;
    /** True: evidence is refused whatever it says. */
    readonly revoked?: boolean;
    /** True: left alone by every job and rollout. */
    readonly quarantined?: boolean;
    readonly hardware?: Hardware;
  };
  readonly status?: {
    readonly online?: boolean;
    /** Name and uid of the Akri Instance that stands for it now; absent while nobody discovers it. */
    readonly instance?: { readonly name: string; readonly namespace: string; readonly uid: string };
    readonly configuration?: string;
    readonly station?: string;
    /** Chip name as it announced it. */
    readonly chip?: string;
    readonly attested?: AttestedState;
    readonly attestedAt?: string;
    readonly update?: DeviceUpdate;
    /** Earlier updates, the latest first, at most eight. */
    readonly history?: readonly DeviceUpdate[];
    readonly impostors?: readonly Impostor[];
    /** Of types `Attested`, `Online`, `Impersonated`. */
    readonly conditions?: readonly Condition[];
  };
}

/**
 * What a person or an inventory knows of a board beyond its chip. It chooses between the targets of an artifact and
 * proves nothing: a board still refuses an image that is not for it.
 */
export interface Hardware {
  /** Major × 100 + minor. */
  readonly chipRevision?: number;
  readonly flashSizeBytes?: number;
  /** Keys whose images it boots: the name of a key batch, or the SHA-256 that eFuses hold. */
  readonly keyIds?: readonly string[];
}

export type DeviceStatus = NonNullable<Device['status']>;

export const DEVICE: Kind<Device> = {
  apiVersion: 'fleet.brickproof.dev/v1alpha1',
  kind: 'Device',
  plural: 'devices',
  namespaced: true,
};

/** Labels that the inventory keeps on a twin, for selectors. */
export const DEVICE_LABEL = {
  application: 'fleet.brickproof.dev/application',
  chip: 'fleet.brickproof.dev/chip',
} as const;

const update = (description: string) =>
  record(description, {
    jobNamespace: text('Namespace of the FlashJob.'),
    jobName: text('Name of the FlashJob.'),
    jobUid: text('Uid of the FlashJob.'),
    order: text('Fingerprint of what the job asked for.'),
    digest: text('Digest wanted.'),
    phase: text('How far it is.', { enum: ['Claimed', 'Transferring', 'Rebooting', 'Settled'] }),
    session: text('Conversation in which the image is offered.'),
    attempts: whole('Offers made.'),
    delivery: record('How the image goes to it.', {
      imageBytes: whole('Bytes of the image sent, repetitions included.'),
      deltaBytes: whole('Bytes of a delta sent, repetitions included.'),
      deltaFrom: text('What the offered delta is from.'),
      whyFull: text('Why the image itself is sent.'),
    }),
    startedAt: time('When it was claimed.'),
    finishedAt: time('When it was settled.'),
    outcome: text('How it ended.'),
    message: text('Why.'),
  });

export const DEVICE_CRD = defineCrd(DEVICE, {
  description: 'The twin of one fleet member.',
  shortNames: ['dev'],
  categories: ['fleet'],
  spec: record(
    'Who it is.',
    {
      ueid: text('UEID, lower-case hex, type 01 (RFC 9711).', {
        pattern: '^01[0-9a-f]{32}$',
        'x-kubernetes-validations': [
          { rule: 'self == oldSelf', message: 'the identity of a device is for life' },
        ],
      }),
      udsPublicKey: text('Public key of its UDS, base64. Absent: not enrolled, never flashed.', {
        pattern: '^[A-Za-z0-9+/]{43}=$',
      }),
      revoked: flag('Evidence is refused whatever it says.'),
      quarantined: flag('Left alone by every job and rollout.'),
      hardware: record('What decides between targets of one chip, where firmware has several.', {
        chipRevision: whole('Revision of the chip, major × 100 + minor.', { minimum: 0 }),
        flashSizeBytes: whole('Size of its flash.', { minimum: 0 }),
        keyIds: list('Keys whose images it boots, by name or SHA-256.', text('One of them.')),
      }),
    },
    ['ueid'],
  ),
  status: record('What is known of it.', {
    online: flag('Whether the broker holds a live connection.'),
    instance: record('The Akri Instance that stands for it now.', {
      name: text('Its name.'),
      namespace: text('Its namespace.'),
      uid: text('Its uid; changes with every re-discovery.'),
    }),
    configuration: text('The Akri Configuration that lists it now.'),
    station: text('Its address on the broker.'),
    chip: text('Chip name as announced.'),
    attested: record('What it last proved.', {
      application: text('Application.'),
      version: text('Application version.'),
      slot: text('Running slot.'),
      digest: text('Measurement of the running image.'),
      secureVersion: whole('Secure version of the running image.'),
      confirmed: flag('Whether the running image is off probation.'),
      bootCount: whole('Boots so far.'),
    }),
    attestedAt: time('When evidence was last accepted.'),
    update: update('The update that holds, or last held, it.'),
    history: list('Earlier updates, the latest first.', update('One of them.'), { maxItems: 8 }),
    impostors: list(
      'Boards that claimed this identity and were refused; the latest eight.',
      record('One of them.', {
        instance: text('Its Akri Instance.'),
        station: text('Its address on the broker.'),
        code: text('Why, for machines.'),
        message: text('Why, for people.'),
        since: time('When it was first refused.'),
      }),
      { maxItems: 8 },
    ),
    conditions,
  }),
  columns: [
    { name: 'Application', type: 'string', jsonPath: '.status.attested.application' },
    { name: 'Version', type: 'string', jsonPath: '.status.attested.version' },
    { name: 'Slot', type: 'string', jsonPath: '.status.attested.slot' },
    { name: 'Attested', type: 'string', jsonPath: '.status.conditions[?(@.type=="Attested")].status' },
    { name: 'Online', type: 'boolean', jsonPath: '.status.online' },
    { name: 'Update', type: 'string', jsonPath: '.status.update.outcome' },
    { name: 'Chip', type: 'string', jsonPath: '.status.chip', priority: 1 },
    { name: 'Station', type: 'string', jsonPath: '.status.station', priority: 1 },
    age,
  ],
});
