import type { DeviceChannel, Subscription } from '../../src/device/channel.ts';
import { decodeAnnouncement, decodeReport, encodeMessage, type Offer } from '../../src/device/messages.ts';
import {
  announceTopic,
  type Content,
  chunkTopic,
  type DeviceTopic,
  offerTopic,
  parseTopic,
  rebootTopic,
  type SessionId,
  upFilter,
} from '../../src/device/topics.ts';
import type { DeviceUpdateView, Transfer } from '../../src/flashjob/device-update-view.ts';
import type { Clock } from '../../src/time/clock.ts';

/** Longest chunk sent, whatever is asked for; a device asks again for the rest. */
const CHUNK_BYTES_MAX = 64 * 1024;

const IDLE: Transfer = {
  state: 'none',
  offeredAtMs: 0,
  heardAtMs: 0,
  unanswered: 0,
  failures: 0,
};

export interface ConversationListener {
  /** Something changed that a decision may depend on. Pulls do not. */
  onChange(): void;
  onEvidence(session: SessionId, evidence: Uint8Array): void;
}

/**
 * One station's side of the broker while its device is updated: what it announces, proves, reports and
 * pulls, and what is said to it.
 */
export class Conversation {
  readonly station: string;
  readonly #channel: DeviceChannel;
  readonly #clock: Clock;
  readonly #listener: ConversationListener;
  readonly #subscriptions: readonly Subscription[];
  readonly #sinceMs: number;
  #link: DeviceUpdateView['link'];
  #transfer = IDLE;
  #session: SessionId | undefined;
  readonly #contents: { image?: Uint8Array; delta?: Uint8Array } = {};
  readonly #sentBytes = { image: 0, delta: 0 };
  #deltaRefusal: string | undefined;

  constructor(
    ports: { readonly channel: DeviceChannel; readonly clock: Clock },
    station: string,
    listener: ConversationListener,
  ) {
    this.station = station;
    this.#channel = ports.channel;
    this.#clock = ports.clock;
    this.#listener = listener;
    this.#sinceMs = ports.clock.nowMs;
    this.#subscriptions = [
      this.#channel.subscribe(announceTopic(station), (_, payload) => this.#hearAnnouncement(payload)),
      this.#channel.subscribe(upFilter(station), (topic, payload) => this.#hear(topic, payload)),
    ];
  }

  get link(): DeviceUpdateView['link'] {
    return this.#link;
  }

  get transfer(): Transfer {
    return this.#transfer;
  }

  /** Bytes sent in chunks so far, those sent again included. */
  get sentBytes(): Readonly<Record<Content, number>> {
    return this.#sentBytes;
  }

  /** Why the device took the image though it was offered a delta. */
  get deltaRefusal(): string | undefined {
    return this.#deltaRefusal;
  }

  /** What is served to pulls; until it is there they are left unanswered, and the device asks again. */
  serve(content: Content, bytes: Uint8Array): void {
    this.#contents[content] = bytes;
  }

  /** Takes over a conversation that another agent began. */
  resume(session: SessionId): void {
    this.#session = session;
    const nowMs = this.#clock.nowMs;
    this.#transfer = { ...IDLE, state: 'offered', offeredAtMs: nowMs, heardAtMs: nowMs, unanswered: 1 };
  }

  /** `delta` goes with the offer's member of that name. */
  offer(offer: Offer, image: Uint8Array, delta?: Uint8Array): void {
    const nowMs = this.#clock.nowMs;
    const isFresh = offer.session !== this.#session;
    this.#session = offer.session;
    this.serve('image', image);
    if (delta !== undefined) this.serve('delta', delta);
    const { unanswered, failures, heardAtMs } = this.#transfer;
    this.#transfer = {
      state: 'offered',
      offeredAtMs: nowMs,
      heardAtMs: isFresh ? nowMs : heardAtMs,
      unanswered: isFresh ? 1 : unanswered + 1,
      failures,
    };
    this.#channel.publish(offerTopic(this.station), encodeMessage(offer));
  }

  reboot(reason: string): void {
    this.#channel.publish(rebootTopic(this.station), encodeMessage({ reason }));
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.end();
  }

  #hearAnnouncement(payload: Uint8Array): void {
    const announcement = decodeAnnouncement(payload);
    if (announcement === undefined) return;
    // The first one heard is the one that the broker kept: what it says was so before.
    const sinceMs = this.#link === undefined ? this.#sinceMs : this.#clock.nowMs;
    this.#link = { online: announcement.online, sinceMs };
    this.#listener.onChange();
  }

  #hear(topic: string, payload: Uint8Array): void {
    const heard = parseTopic(topic);
    if (heard?.kind === 'pull') {
      if (heard.session === this.#session) this.#answerPull(heard);
    } else if (heard?.kind === 'evidence') this.#listener.onEvidence(heard.session, payload);
    else if (heard?.kind === 'report' && heard.session === this.#session) this.#hearReport(payload);
  }

  #answerPull({ session, content, offset, length }: Extract<DeviceTopic, { kind: 'pull' }>): void {
    const { state } = this.#transfer;
    if (state !== 'offered' && state !== 'accepted') return;
    this.#transfer = { ...this.#transfer, state: 'accepted', heardAtMs: this.#clock.nowMs, unanswered: 0 };
    const bytes = this.#contents[content];
    if (bytes === undefined || offset >= bytes.length) return;
    const chunk = bytes.subarray(offset, offset + Math.min(length, CHUNK_BYTES_MAX));
    this.#sentBytes[content] += chunk.length;
    this.#channel.publish(chunkTopic(this.station, session, content, offset), chunk);
  }

  #hearReport(payload: Uint8Array): void {
    const report = decodeReport(payload);
    const { state } = this.#transfer;
    // After a conversation has ended only repetitions of its end are heard.
    if (report === undefined || (state !== 'offered' && state !== 'accepted')) return;
    const heard = { ...this.#transfer, heardAtMs: this.#clock.nowMs, unanswered: 0 };
    if (report.stage === 'full-image') {
      this.#deltaRefusal = `${report.code} at device: ${report.message}`;
      this.#transfer = heard;
      return;
    }
    this.#transfer =
      report.stage === 'refused' || report.stage === 'failed'
        ? {
            ...heard,
            state: report.stage,
            code: report.code,
            message: report.message,
            failures: heard.failures + 1,
          }
        : { ...heard, state: report.stage };
    this.#listener.onChange();
  }
}
