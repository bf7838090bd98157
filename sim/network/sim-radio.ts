import type { LastWill, PublishOptions } from '../../src/device/channel.ts';
import type { Random } from '../../src/random/random.ts';
import type { Clock, Timer } from '../../src/time/clock.ts';
import type { Radio, RadioHandlers } from '../board/radio.ts';
import type { BrokerConnection, SimBroker } from './broker.ts';
import type { Link } from './link.ts';

/** First wait before a reconnect; doubles with every failure. esp-mqtt waits 10 s flat by default (reconnect_timeout_ms). */
const RECONNECT_MS_MIN = 2_000;
const RECONNECT_MS_MAX = 30_000;

/** A radio over a modelled link. */
export class SimRadio implements Radio {
  readonly link: Link;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #broker: SimBroker;
  #connection: BrokerConnection | undefined;
  #up = false;
  #queue: { topic: string; payload: Uint8Array; options: PublishOptions | undefined }[] = [];
  #retry: Timer | undefined;

  constructor(broker: SimBroker, link: Link, clock: Clock, random: Random) {
    this.#broker = broker;
    this.link = link;
    this.#clock = clock;
    this.#random = random;
  }

  connect(clientId: string, filter: string, will: LastWill, handlers: RadioHandlers): void {
    this.drop();
    this.#attempt(RECONNECT_MS_MIN, () => this.#open(clientId, filter, will, handlers));
  }

  publish(topic: string, payload: Uint8Array, options?: PublishOptions): void {
    if (this.#up) this.#connection?.publish(topic, payload, options);
    else this.#queue.push({ topic, payload, options });
  }

  drop(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#connection?.drop();
    this.#connection = undefined;
    this.#up = false;
    this.#queue = [];
  }

  /** Tries now; while the link is down, again after a growing, jittered wait. */
  #attempt(waitMs: number, open: () => void): void {
    if (!this.link.partitioned) {
      this.#retry = undefined;
      open();
      return;
    }
    this.#retry = this.#clock.after(waitMs * (0.5 + this.#random.next()), () =>
      this.#attempt(Math.min(waitMs * 2, RECONNECT_MS_MAX), open),
    );
  }

  #open(clientId: string, filter: string, will: LastWill, handlers: RadioHandlers): void {
    this.#connection = this.#broker.connect(this.link, {
      clientId,
      filter,
      will,
      onUp: () => {
        this.#up = true;
        handlers.onUp();
        const queue = this.#queue;
        this.#queue = [];
        for (const { topic, payload, options } of queue) this.publish(topic, payload, options);
      },
      onDown: () => {
        this.#up = false;
        this.#connection = undefined;
        handlers.onDown();
        this.#attempt(RECONNECT_MS_MIN, () => this.#open(clientId, filter, will, handlers));
      },
      onMessage: handlers.onMessage,
    });
  }
}
