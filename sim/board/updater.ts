import {
  encodeMessage,
  measurementOf,
  type Offer,
  type OfferedDelta,
  type Report,
} from '../../src/device/messages.ts';
import { type Content, pullTopic, reportTopic, type SessionId } from '../../src/device/topics.ts';
import { Download } from './download.ts';
import type { FirmwareHost } from './firmware-host.ts';
import type { DeltaUseless, Refusal, UpdateSlot } from './update-slot.ts';

/** Between the last report and the restart, as ota-service has it. */
const RESTART_MS = 1_000;

/**
 * The part of the application that takes updates: one offer at a time, from the first refusal to the restart.
 *
 * A delta is tried first where one is offered; whatever is wrong with it, the image itself is pulled in the same
 * session, once. A full image that the network or a reset interrupts goes on where it was, and starts again after
 * a power cut, because RTC memory is gone with it. A delta goes on after the network, and starts again after any reset.
 */
export class Updater {
  readonly #board: FirmwareHost;
  readonly #slots: UpdateSlot;
  #download: Download | undefined;
  /** The download asks for nothing until a new offer comes. */
  #paused = true;

  constructor(board: FirmwareHost, slots: UpdateSlot) {
    this.#board = board;
    this.#slots = slots;
  }

  /** Whatever was under way is over; flash and RTC memory know what is left of it. */
  stop(): void {
    if (this.#download !== undefined && this.#board.state === 'updating')
      this.#endWrite('abandoned', undefined);
    this.#download?.pause();
    this.#download = undefined;
  }

  receive(session: SessionId, content: Content, offsetBytes: number, bytes: Uint8Array): void {
    const download = this.#download;
    if (this.#paused || download?.offer.session !== session || download.content !== content) return;
    download.receive(offsetBytes, bytes);
  }

  hear(offer: Offer): void {
    const download = this.#download;
    const current = download?.offer;
    const busy = current !== undefined && current.session !== offer.session && !this.#paused;
    this.#board.emit({
      kind: 'offer',
      board: this.#board.name,
      session: offer.session,
      digest: measurementOf(offer),
      busy,
    });
    // The same offer again; one that lacks the delta which is being pulled takes that back.
    if (current?.session === offer.session && !this.#paused && download?.serves(offer) === true) return;
    const refusal = busy
      ? ({ code: 'busy', message: `session ${current.session} is under way` } as const)
      : this.#slots.refuse(offer);
    if (refusal === undefined) this.#accept(offer);
    else this.#report(offer, { stage: 'refused', ...refusal });
  }

  #accept(offer: Offer): void {
    const download = this.#download;
    if (download?.serves(offer) === true) {
      this.#report(offer, { stage: 'accepted' });
      this.#run(download, offer, 0);
      return;
    }
    if (download !== undefined && !this.#paused) this.#endWrite('abandoned', undefined);
    download?.pause();
    this.#download = undefined;
    const useless = offer.delta === undefined ? undefined : this.#tryDelta(offer, offer.delta);
    if (this.#download === undefined) this.#takeImage(offer, useless);
  }

  /** Why the delta is of no use; undefined when it is on its way. */
  #tryDelta(offer: Offer, delta: OfferedDelta): DeltaUseless | undefined {
    const begun = this.#slots.beginDelta(offer, delta);
    if ('code' in begun) return begun;
    const { intake, durationMs } = begun;
    this.#report(offer, { stage: 'accepted' });
    const download = new Download<DeltaUseless>(offer, 'delta', 0, {
      ...this.#commonPorts('delta'),
      write: (bytes) => intake.push(bytes),
      onWhole: () => {
        if (this.#download !== download) return;
        const finished = intake.finish();
        if (typeof finished !== 'number') this.#fallBack(finished);
        else this.#board.after(finished, () => this.#finish(download));
      },
      onFailed: (refusal) => this.#fallBack(refusal),
    });
    this.#run(download, offer, durationMs);
    return undefined;
  }

  /** `useless`: what was wrong with the delta that was offered. */
  #takeImage(offer: Offer, useless: DeltaUseless | undefined): void {
    const begun = this.#slots.begin(offer);
    if ('code' in begun) {
      this.#report(offer, { stage: 'refused', ...begun });
      return;
    }
    this.#report(offer, { stage: 'accepted' });
    if (useless !== undefined)
      this.#report(offer, { stage: 'full-image', code: useless.code, message: useless.message });
    const download = new Download<Refusal>(offer, 'image', begun.writtenBytes, {
      ...this.#commonPorts('image'),
      write: (bytes) => this.#slots.write(bytes),
      onWhole: () => this.#finish(download),
      onFailed: (refusal) => this.#fail(refusal),
    });
    this.#run(download, offer, begun.durationMs);
  }

  /** Drops what the delta made so far and pulls the image: the last resort, for a full image has no other. */
  #fallBack(useless: DeltaUseless): void {
    const offer = this.#download?.offer;
    if (offer === undefined) return;
    this.#endWrite('abandoned', useless.code);
    this.#download?.pause();
    this.#download = undefined;
    this.#board.state = 'running';
    this.#takeImage(offer, useless);
  }

  #commonPorts(content: Content) {
    const { parts, station } = this.#board;
    return {
      pull: (session: SessionId, offsetBytes: number, lengthBytes: number) =>
        parts.radio.publish(pullTopic(station, session, content, offsetBytes, lengthBytes), EMPTY),
      onStalled: () => this.#pause(),
      after: (delayMs: number, callback: () => void) => this.#board.after(delayMs, callback),
    };
  }

  #run(download: Download, offer: Offer, busyMs: number): void {
    this.#download = download;
    this.#paused = false;
    this.#board.state = 'updating';
    this.#board.emit({
      kind: 'write-begin',
      board: this.#board.name,
      session: offer.session,
      digest: measurementOf(offer),
      offsetBytes: download.content === 'image' ? download.writtenBytes : 0,
      ...(download.content === 'delta' && offer.delta !== undefined && { deltaFrom: offer.delta.from }),
    });
    if (busyMs === 0) download.start(offer);
    else
      this.#board.after(busyMs, () => {
        if (this.#download === download) download.start(offer);
      });
  }

  /** Nobody sends: keep what is written, be ready for another offer. */
  #pause(): void {
    this.#paused = true;
    this.#endWrite('abandoned', undefined);
    this.#board.state = 'running';
  }

  #finish(download: Download): void {
    // Another offer may have come while the flash was busy.
    if (this.#download !== download) return;
    const { offer } = download;
    const finished = this.#slots.finish(offer);
    if (typeof finished !== 'number') {
      this.#fail(finished);
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

  #fail({ code, message }: Refusal): void {
    const offer = this.#download?.offer;
    if (offer === undefined) return;
    this.#endWrite('failed', code);
    this.#download = undefined;
    this.#paused = true;
    this.#board.state = 'running';
    this.#report(offer, { stage: 'failed', code, message });
  }

  #endWrite(result: 'written' | 'failed' | 'abandoned', code: string | undefined): void {
    const offer = this.#download?.offer;
    if (offer === undefined) return;
    this.#board.emit({
      kind: 'write-end',
      board: this.#board.name,
      session: offer.session,
      digest: measurementOf(offer),
      result,
      ...(code !== undefined && { code }),
    });
  }

  #report(offer: Offer, report: Report): void {
    this.#board.parts.radio.publish(reportTopic(this.#board.station, offer.session), encodeMessage(report));
  }
}

const EMPTY = new Uint8Array(0);
