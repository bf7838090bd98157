import type { Outcome } from '../device/outcome.ts';
import type { ChipName } from '../esp/chips.ts';
import type { Kind, ObjectKey } from '../kube/object.ts';
import { type BoardSelector, matchesBoard } from './board-selector.ts';
import type { FaultName, FaultOrder } from './fault.ts';
import type { Amount, Measure } from './language/quantity.ts';
import type { YamlSource } from './language/yaml-source.ts';
import type { AlwaysName, SometimesName } from './properties/names.ts';
import type { BoardState, ContentKind } from './world.ts';

/** A scenario with everything resolved: every name checked, every draw drawn. The same file and seed give the same plan. */
export interface ScenarioPlan {
  readonly name: string;
  readonly description: string;
  readonly seed: number;
  /** Virtual time after which the run is a failure. */
  readonly budgetMs: number;
  /** Time every board has to reach a verdict once the last fault has healed. */
  readonly settleWithinMs: number;
  /** In the order of the file. */
  readonly firmware: readonly PlannedFirmware[];
  /** Absent: the scenario says nothing of signatures, and agents ask for none. */
  readonly signatures?: PlannedSignatures;
  /** Sorted by name. */
  readonly boards: readonly PlannedBoard[];
  readonly steps: readonly PlannedStep[];
  readonly properties: PlannedProperties;
  /** Everything the plan was made from, the scenario first. */
  readonly files: readonly ScenarioFile[];
}

/** A file as it was read. Texts can be embedded in a replay, images only named. */
export interface ScenarioFile {
  /** From the scenario's folder. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly kind: 'text' | 'image';
}

export interface PlannedSignatures {
  /** Names; those that sign artifacts are made from the seed, those that sign images from the name alone. */
  readonly keys: readonly string[];
  /** Names of keys by application, or `*`; absent: agents ask for no signature. */
  readonly policy?: Readonly<Record<string, readonly string[]>>;
}

export interface PlannedFirmware {
  /** As the scenario calls it: `thermo:2.0.0`. */
  readonly key: string;
  readonly application: string;
  readonly version: string;
  readonly secureVersion: number;
  readonly rollback: 'esp-idf' | 'boot-counter';
  /** Boots granted before the bootloader goes back; 1 with `esp-idf`. */
  readonly bootsWithoutConfirm: number;
  /** References it is pushed under, `registry.local/<key>` first. */
  readonly references: readonly string[];
  /** Name of the key that signs it; absent: nobody does. */
  readonly signedBy?: string;
  /** Name of the key whose Secure Boot V2 block ends each image; absent: made-up images have none. */
  readonly imageSignedBy?: string;
  /**
   * Keys of the firmware that it is packed with deltas from; absent: none. A generated image is the next
   * build of the first of them that stands before it in the file.
   */
  readonly deltaFrom?: readonly string[];
  /** One per chip, in the order of the chip list. */
  readonly images: readonly PlannedImage[];
  /** The first that matches a board counts; none: healthy. */
  readonly behaviours: readonly PlannedBehaviour[];
}

export interface PlannedImage {
  readonly chip: ChipName;
  readonly source:
    | { readonly kind: 'generated'; readonly sizeBytes: number }
    /** Verified: structure, checksum, hash and chip. */
    | { readonly kind: 'file'; readonly path: string; readonly bytes: Uint8Array };
}

export type Behaviour =
  | { readonly kind: 'healthy' | 'never-confirm' | 'fail-self-test' }
  | { readonly kind: 'crash' | 'hang'; readonly afterMs: number };

export interface PlannedBehaviour {
  /** Without `count`: drawn already. */
  readonly on: BoardSelector;
  readonly does: Behaviour;
}

export interface PlannedLink {
  /** One way. */
  readonly latencyMs: number;
  /** Added to each message, uniformly in 0…jitterMs. */
  readonly jitterMs: number;
  /** Messages lost, each way, 0…1. */
  readonly loss: number;
  /** Absent: not limited. */
  readonly bandwidthBitsPerSecond?: number;
}

export interface PlannedBoard {
  /** `greenhouse-017`. */
  readonly name: string;
  readonly group: string;
  /** Shared by the boards of a group; the enrolled Devices carry them too. */
  readonly labels: Readonly<Record<string, string>>;
  readonly chip: ChipName;
  /** Key of the firmware in its first slot. */
  readonly runs: string;
  readonly link: PlannedLink;
  readonly identity: BoardState['identity'];
  /** Name of the board whose identity a cloned one claims. */
  readonly clones?: string;
  readonly bootloader: 'esp-idf' | 'boot-counter' | 'no-rollback';
  /** Names of the keys whose digests are burnt; absent: secure boot is off. */
  readonly secureBoot?: readonly string[];
  /** The application takes only updates signed by a key that it is signed with itself. */
  readonly signedUpdates?: true;
}

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

interface StepFrame {
  /** From 1. */
  readonly number: number;
  /** For people: `wait for rollout/thermo-2: Aborted`. */
  readonly label: string;
  readonly place: Place;
  readonly atMs?: number;
  readonly afterMs?: number;
}

export type PlannedStep = StepFrame &
  (
    | { readonly verb: 'apply'; readonly objects: readonly PlannedObject[] }
    | { readonly verb: 'delete'; readonly objects: readonly ObjectName[] }
    | { readonly verb: 'inject'; readonly order: FaultOrder; readonly forMs?: number }
    | { readonly verb: 'heal'; readonly fault: FaultName }
    | {
        readonly verb: 'wait';
        readonly object: ObjectName;
        readonly until: WaitGoal;
        readonly withinMs: number;
      }
    | { readonly verb: 'expect'; readonly expectation: Expectation; readonly withinMs: number }
  );

export interface ObjectName {
  readonly kind: Kind;
  readonly key: ObjectKey;
}

/** One object of a manifest. */
export interface PlannedObject extends ObjectName {
  readonly body: Readonly<Record<string, unknown>>;
  /** Where it stands, for complaints that only the cluster can make. */
  readonly source: YamlSource;
  /** Members of `source` that lead to this object; empty for an object of a manifest file. */
  readonly sourcePath: readonly (string | number)[];
  readonly fills: readonly PlannedFill[];
}

export interface PlannedFill {
  readonly path: readonly string[];
  readonly devices: DeviceSelector;
  readonly amount: Amount;
  readonly id: 'device' | 'instance';
}

export type WaitGoal =
  | { readonly kind: 'condition'; readonly type: string; readonly status: string }
  | { readonly kind: 'phase'; readonly phase: string }
  | { readonly kind: 'deleted' };

/** What a device's twin says. The members of BoardSelector are about the board behind it. */
export interface DeviceSelector extends BoardSelector {
  /** What that board truly is; absent: genuine. A cloned board has no twin of its own. */
  readonly identity?: BoardState['identity'];
  readonly application?: string;
  readonly version?: string;
  readonly attested?: boolean;
  readonly confirmed?: boolean;
  readonly online?: boolean;
  readonly updating?: boolean;
  readonly impersonated?: boolean;
  readonly outcome?: Outcome;
  /** Words of its last update's message. */
  readonly message?: string;
  readonly configuration?: string;
}

/** What a board truly does. */
export interface BoardStateSelector extends BoardSelector {
  readonly application?: string;
  readonly version?: string;
  readonly identity?: BoardState['identity'];
  readonly state?: BoardState['state'];
  readonly online?: boolean;
  readonly confirmed?: boolean;
  readonly slot?: string;
}

export interface InstanceSelector extends BoardSelector {
  readonly configuration?: string;
  readonly application?: string;
}

export type Subject =
  | { readonly of: 'devices'; readonly selector: DeviceSelector }
  | { readonly of: 'boards'; readonly selector: BoardStateSelector }
  | { readonly of: 'instances'; readonly selector: InstanceSelector }
  | {
      readonly of: 'outcomes';
      readonly parent: ObjectName;
      readonly outcome: Outcome | 'pending';
    }
  /** Bytes that the registry has sent to the node that got most; of every kind when none is named. */
  | { readonly of: 'bytes-per-node'; readonly selector: { readonly content?: ContentKind } };

/** Subjects that are so many of all there could be. */
export type Countable = Extract<Subject, { of: 'devices' | 'boards' | 'instances' }>;

export interface Expectation {
  readonly subject: Subject;
  readonly bound: 'exactly' | 'at-least' | 'at-most';
  /** A size for bytes, and for nothing else. */
  readonly amount: Measure;
}

export interface PlannedProperties {
  readonly always: readonly AlwaysName[];
  readonly never: readonly NeverRule[];
  readonly sometimes: readonly SometimesName[];
}

/** More than `moreThan` of the subject at once is a violation. */
export interface NeverRule {
  /** For people: `never more than 10% of devices updating`. */
  readonly label: string;
  readonly subject: Extract<Subject, { of: 'devices' | 'boards' }>;
  readonly moreThan: Amount;
  /** Counts only while this FirmwareRollout is progressing. */
  readonly whileRollout?: string;
}

/** What `board` does when it runs `firmware`. */
export function behaviourOf(firmware: PlannedFirmware, board: PlannedBoard): Behaviour {
  return firmware.behaviours.find((entry) => matchesBoard(entry.on, board))?.does ?? { kind: 'healthy' };
}
