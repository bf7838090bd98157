/**
 * What really happens to boards, told by the world itself and by nobody who is under test.
 *
 * Properties judge these and the API's objects; the operator's own opinion of its work is no evidence.
 * `board` is the board's name in the scenario, for example `greenhouse-017`.
 */
export type FleetEvent =
  /** The bootloader handed over; `slot` null means it found nothing to boot and the board is a brick. */
  | {
      readonly kind: 'boot';
      readonly board: string;
      readonly slot: string | null;
      /** `sha256:…` of the image that runs. */
      readonly digest: string;
      readonly application: string;
      readonly version: string;
      /** `power-on`, `software`, `panic`, `task-watchdog`, … */
      readonly resetReason: string;
      /** The image that ran before did not confirm and was abandoned just now. */
      readonly rolledBack: boolean;
    }
  | { readonly kind: 'online' | 'offline'; readonly board: string }
  /** The application on probation confirmed itself. */
  | { readonly kind: 'confirm'; readonly board: string; readonly digest: string }
  /** Evidence left the board. */
  | { readonly kind: 'evidence'; readonly board: string; readonly session: string }
  /** An offer reached the board; `busy` when it already holds another session. */
  | {
      readonly kind: 'offer';
      readonly board: string;
      readonly session: string;
      readonly digest: string;
      readonly busy: boolean;
    }
  /** The first byte of an image, or of what a delta makes, is about to be written. */
  | {
      readonly kind: 'write-begin';
      readonly board: string;
      readonly session: string;
      readonly digest: string;
      readonly offsetBytes: number;
      /** `sha256:…` of the running image that a delta is applied to; absent: the image itself is written. */
      readonly deltaFrom?: string;
    }
  | {
      readonly kind: 'write-end';
      readonly board: string;
      readonly session: string;
      readonly digest: string;
      /** `abandoned` with a code: the delta was of no use, and the image itself follows. */
      readonly result: 'written' | 'failed' | 'abandoned';
      readonly code?: string;
    }
  | { readonly kind: 'power'; readonly board: string; readonly on: boolean }
  | {
      readonly kind: 'fault';
      readonly fault: string;
      readonly on: boolean;
      readonly boards: readonly string[];
    };

/** A fleet event with its place in the story. */
export type StampedEvent = FleetEvent & { readonly atMs: number };
