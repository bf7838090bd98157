import { hexOf } from '../../src/attestation/bytes.ts';
import { decodeChallenge, decodeOffer, decodeRebootOrder, encodeMessage } from '../../src/device/messages.ts';
import { announceTopic, downFilter, evidenceTopic, parseTopic } from '../../src/device/topics.ts';
import type { VerifiedImage } from '../../src/esp/app-image.ts';
import type { Program } from './behaviour.ts';
import type { FirmwareHost } from './firmware-host.ts';
import type { ResetReason } from './reset-reason.ts';
import type { RunningApp } from './running-app.ts';
import { UpdateSlot } from './update-slot.ts';
import { Updater } from './updater.ts';

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

/** From the application's first instruction to a Wi-Fi association and a TCP connection; drawn per boot. */
const JOIN_MS_MIN = 1_200;
const JOIN_MS_SPREAD = 1_800;
/** How long a healthy application watches itself, once connected, before it confirms. */
const SELF_TEST_MS = 3_000;
/** Key derivation and one Ed25519 signature on a part of this class. */
const SIGN_MS = 120;

/**
 * The application that runs on a board from one boot to the next: it announces itself, answers
 * challenges, takes updates (see Updater), and confirms its own image or does not.
 */
export class Firmware {
  readonly #board: FirmwareHost;
  readonly #running: RunningImage;
  readonly #slots: UpdateSlot;
  readonly #updater: Updater;
  #selfTested = false;
  /** Deaf and mute until the watchdog bites. */
  #hung = false;

  constructor(board: FirmwareHost, running: RunningImage) {
    this.#board = board;
    this.#running = running;
    this.#slots = new UpdateSlot(running.app, running.digest, board.rtcMemory);
    this.#updater = new Updater(board, this.#slots);
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
    this.#updater.stop();
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
      case 'offer': {
        const offer = decodeOffer(payload);
        if (offer !== undefined) this.#updater.hear(offer);
        return;
      }
      case 'chunk':
        this.#updater.receive(parsed.session, parsed.content, parsed.offset, payload);
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
}

/** Maker of every virtual board: 16 random bytes, drawn once. Source: RFC 9711, section 4.2.3.1. */
const OEM_ID = Uint8Array.from(Buffer.from('6f1c8de0a3b94b7f8d52e1c4970b26aa', 'hex'));
