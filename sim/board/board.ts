import { deviceIdOf } from '../../src/attestation/ueid.ts';
import type { Random } from '../../src/random/random.ts';
import type { FleetEvent } from '../../src/scenario/fleet-event.ts';
import type { BoardState } from '../../src/scenario/world.ts';
import type { Clock, Timer } from '../../src/time/clock.ts';
import type { Program, Programs } from './behaviour.ts';
import { BOOT_MS, BootLoop } from './boot-loop.ts';
import { type BootFailure, type BootloaderBuild, type BootOutcome, boot } from './bootloader.ts';
import type { Efuse } from './efuse.ts';
import { Firmware, type RunningImage } from './firmware.ts';
import type { FirmwareHost } from './firmware-host.ts';
import type { BoardIdentity } from './identity.ts';
import { type NorFlash, PowerLoss } from './nor-flash.ts';
import { VERIFY_BYTES_PER_MS } from './ota.ts';
import type { Radio } from './radio.ts';
import type { ResetReason } from './reset-reason.ts';
import { keepsRtcMemory, RtcMemory } from './rtc-memory.ts';
import { type RunningApp, startApp } from './running-app.ts';
import { describeSlot } from './slot-verdict.ts';
import { brownsOut, RADIO_START_MILLIAMPERES, SOUND_SUPPLY, type Supply } from './supply.ts';
import { type Hang, WATCHDOGS } from './watchdog.ts';

/** What is inside a board's case, and what it is soldered to. */
export interface BoardParts {
  readonly name: string;
  readonly group: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly flash: NorFlash;
  readonly efuse: Efuse;
  readonly bootloader: BootloaderBuild;
  /** See RunningApp; absent: no. */
  readonly signedUpdates?: boolean;
  /** SHA-256 of the bootloader's bytes, for the first DICE layer. */
  readonly bootloaderDigest: Uint8Array;
  readonly identity: BoardIdentity;
  /** Unique device secret, 32 random bytes. */
  readonly uds: Uint8Array;
  readonly radio: Radio;
  readonly clock: Clock;
  readonly random: Random;
  readonly programs: Programs;
  /** Told what really happens, as it happens. */
  readonly onEvent: (event: FleetEvent) => void;
}

/**
 * One virtual ESP32: power, reset, bootloader, and the firmware that the bootloader chose.
 *
 * Synchronous, driven by events of its clock and messages of its radio. A reset forgets everything but
 * flash, eFuses and RTC memory: timers and messages of a former life never reach the next one.
 */
export class Board implements BoardState, FirmwareHost {
  readonly parts: BoardParts;
  readonly name: string;
  readonly group: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly chip: string;
  readonly deviceId: string;
  state: BoardState['state'] = 'off';
  online = false;
  confirmed = false;
  readonly rtcMemory: RtcMemory;
  supply: Supply = SOUND_SUPPLY;
  /** Set while the chip finds nothing to boot. */
  bootLoop: BootLoop | undefined;
  #boots = 0;
  #running: RunningImage | undefined;
  #firmware: Firmware | undefined;
  /** Counts resets, so that what belongs to a former one is recognised. */
  #life = 0;
  #lastRan: { readonly digest: string; readonly confirmed: boolean } | undefined;

  constructor(parts: BoardParts) {
    this.parts = parts;
    this.name = parts.name;
    this.group = parts.group;
    this.labels = parts.labels;
    this.chip = parts.efuse.chip.name;
    this.deviceId = deviceIdOf(parts.identity.ueid);
    this.rtcMemory = new RtcMemory(parts.efuse.chip);
  }

  /** Runs of the bootloader so far, those of a chip that resets for ever included. */
  get bootCount(): number {
    return this.#boots + (this.bootLoop?.resetsUntil(this.parts.clock.nowMs) ?? 0);
  }

  get identity(): BoardState['identity'] {
    return this.parts.identity.kind;
  }

  get running(): RunningImage | undefined {
    return this.#running;
  }

  get application(): string {
    return this.#running?.program.application ?? '';
  }

  get version(): string {
    return this.#running?.program.version ?? '';
  }

  get digest(): string {
    return this.#running?.digest ?? '';
  }

  get slot(): string {
    return this.#running?.slot ?? '';
  }

  /** Address on the broker: the chip and the radio's MAC. */
  get station(): string {
    return `${this.chip}-${this.parts.efuse.mac}`;
  }

  powerOn(): void {
    if (this.state !== 'off') return;
    this.parts.flash.restorePower();
    this.emit({ kind: 'power', board: this.name, on: true });
    this.#reset('power-on');
  }

  /** Takes the supply away, now. */
  cutPower(): void {
    if (this.state === 'off') return;
    this.#stop();
    this.state = 'off';
    this.#running = undefined;
    this.emit({ kind: 'power', board: this.name, on: false });
  }

  /** Resets the chip; RAM is lost, flash stays. */
  reset(reason: ResetReason): void {
    if (this.state !== 'off') this.#reset(reason);
  }

  /** Whatever runs stops for good: the application in the way given, a boot altogether. A watchdog ends it. */
  hang(what: Hang): void {
    if (this.state === 'off' || this.state === 'bricked') return;
    const { timeoutMs, bitesAs } = WATCHDOGS[this.state === 'booting' ? 'bootloader' : what];
    this.#life++;
    this.#firmware?.freeze();
    this.after(timeoutMs, () => this.#reset(bitesAs));
  }

  startRadio(): boolean {
    const sags = brownsOut(this.parts.efuse.chip, this.supply, RADIO_START_MILLIAMPERES);
    if (sags) this.#reset('brown-out');
    return !sags;
  }

  emit(event: FleetEvent): void {
    this.parts.onEvent(event);
  }

  setOnline(online: boolean): void {
    if (this.online === online) return;
    this.online = online;
    this.emit({ kind: online ? 'online' : 'offline', board: this.name });
  }

  /** A timer that dies with this life of the board. */
  after(delayMs: number, callback: () => void): Timer {
    const life = this.#life;
    return this.parts.clock.after(delayMs, () => {
      if (life === this.#life) this.powered(callback);
    });
  }

  /** Runs code that touches the flash: where a planned power cut falls into it, the board goes dark, or browns out. */
  powered(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof PowerLoss)) throw error;
      if (error.brownOut) {
        this.parts.flash.restorePower();
        this.#reset('brown-out');
      } else this.cutPower();
    }
  }

  #stop(): void {
    this.#life++;
    this.#boots = this.bootCount;
    this.bootLoop = undefined;
    if (this.#running !== undefined)
      this.#lastRan = { digest: this.#running.digest, confirmed: this.confirmed };
    this.#firmware?.stop();
    this.#firmware = undefined;
    this.parts.radio.drop();
    this.setOnline(false);
  }

  #reset(reason: ResetReason): void {
    this.#stop();
    if (!keepsRtcMemory(reason)) this.rtcMemory.losePower();
    this.state = 'booting';
    this.after(BOOT_MS, () => this.#boot(reason));
  }

  #boot(resetReason: ResetReason): void {
    const { flash, efuse, bootloader: build } = this.parts;
    const outcome = boot({ flash, efuse, build, resetReason });
    this.#boots += outcome.passes.length;
    const failure = outcome.passes.at(-1)?.failure;
    if (outcome.image === undefined || failure !== undefined) {
      this.#brick(resetReason, failure ?? 'no-bootable-app');
      return;
    }
    const flashMs = outcome.passes.reduce((sum, pass) => sum + pass.flashMs, 0);
    const loadMs = outcome.image.imageLength / VERIFY_BYTES_PER_MS;
    this.after(flashMs + loadMs, () => this.#start(outcome, resetReason));
  }

  #brick(resetReason: ResetReason, failure: BootFailure): void {
    const { efuse, clock } = this.parts;
    this.state = 'bricked';
    this.bootLoop = new BootLoop(efuse.chip, failure, clock.nowMs);
    this.#running = undefined;
    this.confirmed = false;
    this.emit({
      kind: 'boot',
      board: this.name,
      slot: null,
      digest: '',
      application: '',
      version: '',
      resetReason,
      rolledBack: false,
    });
  }

  #start(outcome: BootOutcome, resetReason: ResetReason): void {
    const { slot, image } = outcome;
    const { flash, efuse, bootloader: build, signedUpdates = false } = this.parts;
    const app = startApp({ flash, efuse, build, signedUpdates }, outcome);
    if (slot === null || image === undefined || app === undefined) return;
    const digest = `sha256:${image.measurement}`;
    const program = this.parts.programs.find(digest, this) ?? foreignProgram(app);
    this.#running = { slot, digest, image, app, program, resetReason };
    const last = this.#lastRan;
    this.state = 'running';
    this.#firmware = new Firmware(this, this.#running);
    this.confirmed = this.#firmware.startsConfirmed;
    this.emit({
      kind: 'boot',
      board: this.name,
      slot,
      digest,
      application: program.application,
      version: program.version,
      resetReason,
      rolledBack: last !== undefined && !last.confirmed && last.digest !== digest,
    });
    this.#firmware.start();
  }
}

/** An image that no scenario describes: it is what its own description says, and healthy. */
function foreignProgram(app: RunningApp): Program {
  const description = describeSlot(app.flash, app.partition);
  return {
    application: description?.projectName ?? 'unnamed',
    version: description?.version ?? '0',
    secureVersion: description?.secureVersion ?? 0,
    behaviour: { kind: 'healthy' },
  };
}
