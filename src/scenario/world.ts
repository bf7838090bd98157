import type { KubeApi } from '../kube/api.ts';
import type { Clock } from '../time/clock.ts';
import type { FaultOrder } from './fault.ts';
import type { StampedEvent } from './fleet-event.ts';

export type WorldKind = 'sim' | 'live' | 'bench';

/** One board as it truly is; plain data, read at one instant. */
export interface BoardState {
  readonly name: string;
  readonly group: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly chip: string;
  /** Id of the device it is or claims to be (name of its Device). */
  readonly deviceId: string;
  readonly identity: 'genuine' | 'cloned' | 'forged' | 'replayed';
  readonly state: 'off' | 'booting' | 'running' | 'updating' | 'bricked';
  readonly online: boolean;
  readonly application: string;
  readonly version: string;
  /** `sha256:…` of the running image. */
  readonly digest: string;
  readonly slot: string;
  /** Off probation. */
  readonly confirmed: boolean;
}

/** An image that the world packed and pushed: the only ones that a board may run. */
export interface PackedImage {
  /** Key of the firmware in the plan. */
  readonly firmware: string;
  readonly chip: string;
  /** `sha256:…` as boards measure it and events name it. */
  readonly digest: string;
  /** `sha256:…` of the index that it was pushed under, which jobs pin. */
  readonly index: string;
  readonly application: string;
  readonly version: string;
}

/** What content of a registry is, as the manifests that name it say. */
export const CONTENT_KINDS = ['index', 'manifest', 'image', 'delta', 'signature', 'other'] as const;
export type ContentKind = (typeof CONTENT_KINDS)[number];

/** Content that a registry sent to one node, whatever became of it: what was sent twice counts twice. */
export interface RegistryTraffic {
  readonly node: string;
  readonly content: ContentKind;
  /** Answers that carried such content, or a part of it. */
  readonly answers: number;
  /** Of content alone; headers, lists and logins are not in it. */
  readonly bytes: number;
}

/**
 * The stage on which a scenario is told: a cluster, a registry, a broker, a clock and boards.
 *
 * The engine knows nothing else of where it runs. What a world cannot do it says by throwing
 * WorldError `unsupported`; the engine reports the step as skipped, never as passed.
 */
export interface World {
  readonly kind: WorldKind;
  readonly clock: Clock;
  /** The API as an administrator sees it. In virtual time its calls settle without time passing. */
  readonly kube: KubeApi;
  /**
   * Sorted by name. Cheap to call often: the array is the world's own and changes in place. What it
   * says of a board is true once the board's last event has been told. Names, identities and device
   * ids are there before `start`.
   */
  readonly boards: readonly BoardState[];
  /** Complete once `start` has settled. */
  readonly images: readonly PackedImage[];
  /** Since `start` began to run the operator; sorted by node, and by content as CONTENT_KINDS is. */
  readonly traffic: readonly RegistryTraffic[];
  /** Called with every event, in order, from `start` on. One listener. */
  onEvent(listener: (event: StampedEvent) => void): void;
  /** CRDs and enrolment are applied, firmware is in the registry, boards have power, the operator runs. */
  start(): Promise<void>;
  /** Lets time pass until `done()` is true, asked after every event, or the clock reads `deadlineMs`; says whether it was. */
  runUntil(done: () => boolean, deadlineMs: number): Promise<boolean>;
  /** Turns a fault on. The returned function heals it; healing twice does nothing. */
  inject(fault: FaultOrder): Promise<() => Promise<void>>;
  /** Events handled so far, for the report. */
  readonly eventCount: number;
  /** Ends every task and frees every port; idempotent. */
  stop(): Promise<void>;
}

export type WorldErrorCode =
  /** This world cannot do it, or it is not built yet; the message says which. */
  | 'unsupported'
  /** Something it needs is not there: a port, a broker, a board. */
  | 'unavailable'
  /** The scenario asks for something impossible, found only when told to the world. */
  | 'bad-scenario';

export class WorldError extends Error {
  override readonly name = 'WorldError';
  readonly code: WorldErrorCode;

  constructor(code: WorldErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
