import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import {
  type DeviceChannel,
  type LastWill,
  type MessageHandler,
  type PublishOptions,
  type Subscription,
  topicMatches,
} from '../../src/device/channel.ts';

export interface MqttOptions {
  /** `mqtt://host:1883`, `mqtts://…`, `ws://…`, `wss://…`. */
  readonly url: string;
  /** Unique at the broker: a second client with the same id throws the first one out. */
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority that signed the broker's certificate; absent: the system's. */
  readonly ca?: string;
  readonly will?: LastWill;
  readonly keepAliveSeconds?: number;
  readonly reconnectMs?: number;
  /** Called after every successful connect. */
  readonly onUp?: () => void;
  /** Called when an established connection is lost. */
  readonly onDown?: () => void;
}

/** A DeviceChannel with its own connection, which can also vanish without a goodbye. */
export interface MqttChannel extends DeviceChannel {
  /** Breaks the connection off: the broker publishes the last will. */
  drop(): void;
}

/**
 * The device channel over a real broker: MQTT 3.1.1, QoS 1, a session that outlives the connection.
 *
 * Returns at once and connects behind; what is published before that is sent when the connection stands.
 */
export function connectMqtt(options: MqttOptions): MqttChannel {
  const { url, clientId, will, onUp, onDown } = options;
  const settings: IClientOptions = {
    clientId,
    clean: false,
    protocolVersion: 4,
    keepalive: options.keepAliveSeconds ?? 60,
    reconnectPeriod: options.reconnectMs ?? 2_000,
    resubscribe: true,
    ...(options.username !== undefined && { username: options.username }),
    ...(options.password !== undefined && { password: options.password }),
    ...(options.ca !== undefined && { ca: options.ca }),
    ...(will !== undefined && {
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: will.retain },
    }),
  };
  const client = mqtt.connect(url, settings);
  const channel = new ClientChannel(client);
  if (onUp !== undefined) client.on('connect', onUp);
  let up = false;
  client.on('connect', () => {
    up = true;
  });
  client.on('close', () => {
    if (up) onDown?.();
    up = false;
  });
  // A broker that is away is no event of its own: the client tries again, and onDown has been told.
  client.on('error', () => {});
  return channel;
}

class ClientChannel implements MqttChannel {
  readonly #client: MqttClient;
  readonly #handlers = new Map<string, Set<MessageHandler>>();
  /** Filters whose UNSUBSCRIBE is not acknowledged yet. */
  readonly #leaving = new Set<string>();

  constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload) => {
      for (const [filter, handlers] of this.#handlers)
        if (topicMatches(filter, topic)) for (const handler of [...handlers]) handler(topic, payload);
    });
  }

  publish(topic: string, payload: Uint8Array, options: PublishOptions = {}): void {
    this.#client.publish(topic, bufferOver(payload), { qos: 1, retain: options.retain === true });
  }

  subscribe(filter: string, handler: MessageHandler): Subscription {
    const handlers = this.#handlers.get(filter) ?? new Set();
    // A wrapper of its own, so that one function subscribed twice is two subscriptions.
    const own: MessageHandler = (topic, payload) => handler(topic, payload);
    this.#handlers.set(filter, handlers.add(own));
    if (!this.#leaving.has(filter)) this.#client.subscribe(filter, { qos: 1 });
    return {
      end: () => {
        if (!handlers.delete(own) || handlers.size > 0) return;
        if (this.#handlers.get(filter) === handlers) this.#handlers.delete(filter);
        this.#leave(filter);
      },
    };
  }

  /** Brokers may take packets of one client side by side: what is left is taken up again after the UNSUBACK. */
  #leave(filter: string): void {
    if (this.#leaving.has(filter)) return;
    this.#leaving.add(filter);
    this.#client.unsubscribe(filter, () => {
      this.#leaving.delete(filter);
      if (this.#handlers.has(filter)) this.#client.subscribe(filter, { qos: 1 });
    });
  }

  close(): void {
    this.#handlers.clear();
    this.#client.end();
  }

  drop(): void {
    this.#handlers.clear();
    this.#client.end(true);
  }
}

/** The same bytes as a Buffer, without a copy. */
function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
