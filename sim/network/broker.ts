import {
  type DeviceChannel,
  type LastWill,
  type MessageHandler,
  type PublishOptions,
  type Subscription,
  topicMatches,
} from '../../src/device/channel.ts';
import type { Clock } from '../../src/time/clock.ts';
import type { Link } from './link.ts';
import { TopicIndex } from './topic-lookup.ts';

/** Receives one message for a client; the broker has already matched it. */
type Deliver = (topic: string, payload: Uint8Array) => void;

/** The board's end of a connection. */
export interface BrokerConnection {
  publish(topic: string, payload: Uint8Array, options?: PublishOptions): void;
  /** Vanishes without a word, as a reset does; the broker finds out by keep-alive or by the next connection. */
  drop(): void;
}

export interface ConnectOptions {
  readonly clientId: string;
  readonly filter: string;
  readonly will: LastWill;
  readonly onUp: () => void;
  /** The connection timed out on both sides; the client may connect again. */
  readonly onDown: () => void;
  readonly onMessage: MessageHandler;
}

/** Messages kept for a client that is away; older ones go first. mosquitto's default is 1000 (max_queued_messages). */
const QUEUED_MAX = 1000;
/** The broker gives a silent client up after one and a half keep-alives. Source: MQTT 3.1.1, section 3.1.2.10. */
export const KEEP_ALIVE_MS = 60_000;
const GIVE_UP_MS = KEEP_ALIVE_MS * 1.5;

/**
 * The MQTT broker of the simulated world: topics, retained messages, QoS 1 sessions that outlive a
 * connection, last wills, client take-over. Time and trouble are the links' part.
 */
export class SimBroker {
  readonly #clock: Clock;
  readonly #subscribers = new TopicIndex<Deliver>();
  readonly #retained = new Map<string, Uint8Array>();
  readonly #sessions = new Map<string, BoardSession>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A client beside the broker: no link, delivered in the next event of the same instant. */
  localChannel(): DeviceChannel {
    const live = new Set<() => void>();
    return {
      publish: (topic, payload, options) => this.route(topic, payload, options?.retain === true),
      subscribe: (filter, handler): Subscription => {
        let open = true;
        const deliver: Deliver = (topic, payload) => {
          this.#clock.after(0, () => {
            if (open) handler(topic, payload);
          });
        };
        const remove = this.#subscribers.add(filter, deliver);
        const end = (): void => {
          open = false;
          remove();
          live.delete(end);
        };
        live.add(end);
        this.#replayRetained(filter, deliver);
        return { end };
      },
      close: () => {
        for (const end of [...live]) end();
      },
    };
  }

  /** Opens a board's connection over its link; `onUp` runs when the broker has accepted it. */
  connect(link: Link, options: ConnectOptions): BrokerConnection {
    const { clientId } = options;
    let session = this.#sessions.get(clientId);
    if (session === undefined) {
      session = new BoardSession(this, this.#clock);
      this.#sessions.set(clientId, session);
      const owner = session;
      this.#subscribers.add(options.filter, (topic, payload) => owner.send(topic, payload));
    }
    const owner = session;
    const connection = new Connection(link, options, owner);
    link.carry('up', 0, () => {
      owner.adopt(connection);
      connection.link.carry('down', 0, () => connection.options.onUp());
      owner.flush();
    });
    return {
      publish: (topic, payload, publishOptions) =>
        connection.publish(topic, payload, publishOptions?.retain === true),
      drop: () => owner.lose(connection),
    };
  }

  /** Hands a message to everyone who subscribed, and keeps it when retained. */
  route(topic: string, payload: Uint8Array, retain: boolean): void {
    if (retain) {
      if (payload.length === 0) this.#retained.delete(topic);
      else this.#retained.set(topic, payload);
    }
    for (const deliver of this.#subscribers.find(topic)) deliver(topic, payload);
  }

  #replayRetained(filter: string, deliver: Deliver): void {
    if (!/[+#]/.test(filter)) {
      const payload = this.#retained.get(filter);
      if (payload !== undefined) deliver(filter, payload);
      return;
    }
    // Devices listen and are listened to below their station, where nothing is retained.
    if (/^[^/+#]+\/[^/+#]+\/(up|down)\//.test(filter)) return;
    for (const [topic, payload] of this.#retained) if (topicMatches(filter, topic)) deliver(topic, payload);
  }
}

/** One TCP connection's worth of state. */
class Connection {
  readonly link: Link;
  readonly options: ConnectOptions;
  readonly #session: BoardSession;
  open = true;

  constructor(link: Link, options: ConnectOptions, session: BoardSession) {
    this.link = link;
    this.options = options;
    this.#session = session;
  }

  publish(topic: string, payload: Uint8Array, retain: boolean): void {
    if (!this.open) return;
    this.link.carry('up', payload.length + topic.length, () => this.#session.receive(topic, payload, retain));
  }
}

/** What the broker remembers of a client between connections (MQTT's clean session = 0). */
class BoardSession {
  readonly #broker: SimBroker;
  readonly #clock: Clock;
  #connection: Connection | undefined;
  #queue: { topic: string; payload: Uint8Array }[] = [];

  constructor(broker: SimBroker, clock: Clock) {
    this.#broker = broker;
    this.#clock = clock;
  }

  /** Takes a new connection on; a former one that never said goodbye is closed and its will published. */
  adopt(connection: Connection): void {
    const former = this.#connection;
    this.#connection = connection;
    if (former !== undefined) this.#publishWill(former);
    connection.link.onPartition = (down) => {
      if (down) this.#expire(connection, GIVE_UP_MS, () => connection.link.partitioned);
    };
  }

  receive(topic: string, payload: Uint8Array, retain: boolean): void {
    this.#broker.route(topic, payload, retain);
  }

  send(topic: string, payload: Uint8Array): void {
    const connection = this.#connection;
    if (connection?.open !== true) {
      this.#queue.push({ topic, payload });
      if (this.#queue.length > QUEUED_MAX) this.#queue.shift();
      return;
    }
    connection.link.carry('down', payload.length + topic.length, () => {
      if (connection.open) connection.options.onMessage(topic, payload);
    });
  }

  flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const { topic, payload } of queue) this.send(topic, payload);
  }

  /** The client is gone; the broker will notice after the keep-alive unless it is back before. */
  lose(connection: Connection): void {
    if (!connection.open) return;
    connection.open = false;
    connection.link.reset();
    connection.link.onPartition = undefined;
    if (this.#connection === connection) this.#expire(connection, GIVE_UP_MS, () => true);
  }

  /** Gives the connection up after `delayMs` if it is still the present one and `silent()` still holds. */
  #expire(connection: Connection, delayMs: number, silent: () => boolean): void {
    this.#clock.after(delayMs, () => {
      if (this.#connection !== connection || !silent()) return;
      this.#connection = undefined;
      this.#publishWill(connection);
      if (!connection.open) return;
      connection.open = false;
      connection.link.reset();
      connection.options.onDown();
    });
  }

  #publishWill(connection: Connection): void {
    const { topic, payload, retain } = connection.options.will;
    this.#broker.route(topic, payload, retain);
  }
}
