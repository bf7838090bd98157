import type { Random } from '../../src/random/random.ts';
import type { FleetEvent } from '../../src/scenario/fleet-event.ts';
import type { BoardState } from '../../src/scenario/world.ts';
import type { Timer } from '../../src/time/clock.ts';
import type { Efuse } from './efuse.ts';
import type { BoardIdentity } from './identity.ts';
import type { Radio } from './radio.ts';
import type { ResetReason } from './reset-reason.ts';
import type { RtcMemory } from './rtc-memory.ts';
import type { Hang } from './watchdog.ts';

/** The board as its firmware sees it. */
export interface FirmwareHost {
  readonly name: string;
  readonly chip: string;
  /** Address on the broker. */
  readonly station: string;
  readonly bootCount: number;
  readonly rtcMemory: RtcMemory;
  state: BoardState['state'];
  confirmed: boolean;
  readonly parts: {
    readonly efuse: Efuse;
    readonly identity: BoardIdentity;
    readonly uds: Uint8Array;
    readonly bootloaderDigest: Uint8Array;
    readonly radio: Radio;
    readonly random: Random;
  };
  setOnline(online: boolean): void;
  emit(event: FleetEvent): void;
  reset(reason: ResetReason): void;
  /** The application stops here, until a watchdog bites. */
  hang(what: Hang): void;
  /** False when the supply did not bear it, and the chip resets. */
  startRadio(): boolean;
  /** A timer that dies with this life of the board. */
  after(delayMs: number, callback: () => void): Timer;
  /** Runs code that touches the flash. */
  powered(work: () => void): void;
}
