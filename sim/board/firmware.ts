import { hexOf } from '../../src/attestation/bytes.ts';
import {
  decodeChallenge,
  decodeOffer,
  decodeRebootOrder,
  encodeMessage,
  type Offer,
  type Report,
  type ReportCode,
} from '../../src/device/messages.ts';
import {
  announceTopic,
  downFilter,
  evidenceTopic,
  parseTopic,
  pullTopic,
  reportTopic,
} from '../../src/device/topics.ts';
import type { VerifiedImage } from '../../src/esp/app-image.ts';
import type { Random } from '../../src/random/random.ts';
import type { FleetEvent } from '../../src/scenario/fleet-event.ts';
import type { BoardState } from '../../src/scenario/world.ts';
import type { Timer } from '../../src/time/clock.ts';
import type { Program } from './behaviour.ts';
import { Download } from './download.ts';
import type { Efuse } from './efuse.ts';
import type { BoardIdentity } from './identity.ts';
import type { Radio } from './radio.ts';
import type { ResetReason } from './reset-reason.ts';
import type { RtcMemory } from './rtc-memory.ts';
import type { RunningApp } from './running-app.ts';
import { UpdateSlot } from './update-slot.ts';
import type { Hang } from './watchdog.ts';

/** What the bootloader handed over to. */
export interface RunningImage {
  readonly slot: string;
  /** `sha256:…` of the image. */
  readonly digest: string;
  readonly image: VerifiedImage;
  readonly app: RunningApp;
  readonly program: Program;
  readonly resetReason: ResetReason;
}

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

/** From the application's first instruction to a Wi-Fi association and a TCP connection; drawn per boot. */
const JOIN_MS_MIN = 1_200;
const JOIN_MS_SPREAD = 1_800;
/** How long a healthy application watches itself, once connected, before it confirms. */
const SELF_TEST_MS = 3_000;
/** Key derivation and one Ed25519 signature on a part of this class. */
const SIGN_MS = 120;
/** Between the last report and the restart, as ota-service has it. */
const RESTART_MS = 1_000;

/**
 * The application that runs on a board from one boot to the next: it announces itself, answers
 * challenges, pulls updates, and confirms its own image or does not.
 *
 * A download that the network or a reset interrupts goes on where it was; one that a power cut interrupts
 * starts again, because RTC memory is gone with it.
 */
export class Firmware {
  readonly #board: FirmwareHost;
  readonly #running: RunningImage;
  readonly #slots: UpdateSlot;
  #download: Download | undefined;
  /** The download asks for nothing until a new offer comes. */
  #paused = true;
  #selfTested = false;
  /** Deaf and mute until the watchdog bites. */
  #hung = false;

  constructor(board: FirmwareHost, running: RunningImage) {
    this.#board = board;
    this.#running = running;
    this.#slots = new UpdateSlot(running.app, running.digest, board.rtcMemory);
  }

  get startsConfirmed(): boolean {
    return !this.#slots.onProbation;
  }

  start(): void {
    const { program } = this.#running;
    const { behaviour } = program;
    const board = this.#board;
    if (behaviour.kind === 'crash') board.after(behaviour.afterMs, () => board.reset('software-cpu'));
    if (behaviour.kind === 'hang') board.after(behaviour.afterMs, () => board.hang('tasks'));
    board.after(JOIN_MS_MIN + board.parts.random.next() * JOIN_MS_SPREAD, () => this.#join());
  }

  /** Deaf from now on; its timers are the board's to drop. */
  freeze(): void {
    this.#hung = true;
  }

  stop(): void {
    if (this.#download !== undefined && this.#board.state === 'updating')
      this.#endWrite('abandoned', undefined);
    this.#download?.pause();
    this.#download = undefined;
  }

  #join(): void {
    if (!this.#board.startRadio()) return;
    const { station, parts } = this.#board;
    const will = { topic: announceTopic(station), payload: this.#announcement(false), retain: true };
    parts.radio.connect(station, downFilter(station), will, {
      onUp: () => this.#onUp(),
      onDown: () => this.#board.setOnline(false),
      onMessage: (topic, payload) => this.#board.powered(() => this.#onMessage(topic, payload)),
    });
  }

  #onUp(): void {
    if (this.#hung) return;
    this.#board.setOnline(true);
    this.#board.parts.radio.publish(announceTopic(this.#board.station), this.#announcement(true), {
      retain: true,
    });
    if (this.#selfTested) return;
    this.#selfTested = true;
    this.#board.after(SELF_TEST_MS, () => this.#selfTest());
  }

  #announcement(online: boolean): Uint8Array {
    const { parts, chip } = this.#board;
    const { application, version } = this.#running.program;
    return encodeMessage({ online, ueid: hexOf(parts.identity.ueid), device: chip, application, version });
  }

  #selfTest(): void {
    const { kind } = this.#running.program.behaviour;
    if (kind === 'fail-self-test' && this.#slots.onProbation) {
      const givenUp = this.#slots.giveUp();
      if (givenUp.ok) this.#board.after(givenUp.durationMs, () => this.#board.reset('software'));
      return;
    }
    if (kind === 'never-confirm' || kind === 'fail-self-test') return;
    if (!this.#slots.onProbation) return;
    const confirmed = this.#slots.confirm();
    if (!confirmed.ok) return;
    this.#board.after(confirmed.durationMs, () => {
      this.#board.confirmed = true;
      this.#board.emit({ kind: 'confirm', board: this.#board.name, digest: this.#running.digest });
    });
  }

  #onMessage(topic: string, payload: Uint8Array): void {
    if (this.#hung) return;
    const parsed = parseTopic(topic);
    switch (parsed?.kind) {
      case 'challenge':
        this.#onChallenge(payload);
        return;
      case 'offer':
        this.#onOffer(payload);
        return;
      case 'chunk':
        if (!this.#paused && this.#download?.offer.session === parsed.session)
          this.#download.receive(parsed.offset, payload);
        return;
      case 'reboot':
        if (decodeRebootOrder(payload) !== undefined) this.#board.reset('software');
        return;
      default:
    }
  }

  #onChallenge(payload: Uint8Array): void {
    const challenge = decodeChallenge(payload);
    if (challenge === undefined || !/^([0-9a-f]{2}){8,64}$/.test(challenge.nonce)) return;
    this.#board.after(SIGN_MS, () => {
      const { parts, station, name } = this.#board;
      const evidence = this.#evidence(Uint8Array.from(Buffer.from(challenge.nonce, 'hex')));
      parts.radio.publish(evidenceTopic(station, challenge.session), evidence);
      this.#board.emit({ kind: 'evidence', board: name, session: challenge.session });
    });
  }

  #evidence(nonce: Uint8Array): Uint8Array {
    const { parts, chip, bootCount } = this.#board;
    const { program, slot, image } = this.#running;
    const applicationDigest = Uint8Array.from(Buffer.from(image.measurement, 'hex'));
    return parts.identity.answer(
      {
        uds: parts.uds,
        bootloaderDigest: parts.bootloaderDigest,
        mode: 'normal',
        applicationDigest,
        secureVersion: program.secureVersion,
      },
      nonce,
      {
        ueid: parts.identity.ueid,
        oemid: OEM_ID,
        hwmodel: chip,
        oemboot: parts.efuse.secureBoot,
        dbgstat: 'disabled-permanently',
        bootcount: bootCount,
        swname: program.application,
        swversion: program.version,
        applicationType: program.application,
        slot,
        slotState: this.#slots.onProbation ? 'pending' : 'confirmed',
      },
    );
  }

  #onOffer(payload: Uint8Array): void {
    const offer = decodeOffer(payload);
    if (offer === undefined) return;
    const current = this.#download?.offer;
    const busy = current !== undefined && current.session !== offer.session && !this.#paused;
    this.#board.emit({
      kind: 'offer',
      board: this.#board.name,
      session: offer.session,
      digest: offer.digest,
      busy,
    });
    if (current?.session === offer.session && !this.#paused) return;
    const refusal = busy
      ? ({ code: 'busy', message: `session ${current.session} is under way` } as const)
      : this.#slots.refuse(offer);
    if (refusal === undefined) this.#pull(offer);
    else this.#report(offer, { stage: 'refused', ...refusal });
  }

  #pull(offer: Offer): void {
    const { parts, station, name } = this.#board;
    let busyMs = 0;
    if (this.#download?.offer.digest !== offer.digest) {
      const begun = this.#slots.begin(offer);
      if ('code' in begun) {
        this.#report(offer, { stage: 'refused', ...begun });
        return;
      }
      busyMs = begun.durationMs;
      this.#report(offer, { stage: 'accepted' });
      this.#download = new Download(offer, begun.writtenBytes, {
        pull: (offset, length) =>
          parts.radio.publish(
            pullTopic(station, this.#download?.offer.session ?? offer.session, offset, length),
            EMPTY,
          ),
        write: (bytes) => this.#slots.write(bytes),
        onWhole: () => this.#finish(),
        onFailed: (code) => this.#fail(code, 'the flash refused the write'),
        onStalled: () => this.#pause(),
        after: (delayMs, callback) => this.#board.after(delayMs, callback),
      });
    } else {
      this.#report(offer, { stage: 'accepted' });
    }
    this.#paused = false;
    this.#board.state = 'updating';
    this.#board.emit({
      kind: 'write-begin',
      board: name,
      session: offer.session,
      digest: offer.digest,
      offsetBytes: this.#download.writtenBytes,
    });
    const download = this.#download;
    if (busyMs === 0) download.start(offer);
    else this.#board.after(busyMs, () => download.start(offer));
  }

  /** Nobody sends: keep what is written, be ready for another offer. */
  #pause(): void {
    this.#paused = true;
    this.#endWrite('abandoned', undefined);
    this.#board.state = 'running';
  }

  #finish(): void {
    const offer = this.#download?.offer;
    if (offer === undefined) return;
    const finished = this.#slots.finish(offer);
    if (typeof finished !== 'number') {
      this.#fail(finished.code, finished.message);
      return;
    }
    this.#board.after(finished, () => {
      this.#endWrite('written', undefined);
      this.#report(offer, { stage: 'written' });
      this.#board.state = 'running';
      this.#download = undefined;
      this.#board.after(RESTART_MS, () => this.#board.reset('software'));
    });
  }

  #fail(code: ReportCode, message: string): void {
    const offer = this.#download?.offer;
    if (offer === undefined) return;
    this.#endWrite('failed', code);
    this.#download = undefined;
    this.#paused = true;
    this.#board.state = 'running';
    this.#report(offer, { stage: 'failed', code, message });
  }

  #endWrite(result: 'written' | 'failed' | 'abandoned', code: ReportCode | undefined): void {
    const offer = this.#download?.offer;
    if (offer === undefined) return;
    const { session, digest } = offer;
    this.#board.emit({
      kind: 'write-end',
      board: this.#board.name,
      session,
      digest,
      result,
      ...(code !== undefined && { code }),
    });
  }

  #report(offer: Offer, report: Report): void {
    this.#board.parts.radio.publish(reportTopic(this.#board.station, offer.session), encodeMessage(report));
  }
}

const EMPTY = new Uint8Array(0);
/** Maker of every virtual board: 16 random bytes, drawn once. Source: RFC 9711, section 4.2.3.1. */
const OEM_ID = Uint8Array.from(Buffer.from('6f1c8de0a3b94b7f8d52e1c4970b26aa', 'hex'));
