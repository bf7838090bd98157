/** Called with each message whose topic matches a subscription, in the order they arrive. */
export type MessageHandler = (topic: string, payload: Uint8Array) => void;

export interface PublishOptions {
  /** The broker keeps the last retained message of a topic for later subscribers; an empty one clears it. */
  readonly retain?: boolean;
}

/**
 * The door to devices: publish and subscribe with MQTT 3.1.1 topics and QoS 1.
 *
 * - Topic filters know `+` (one level) and a final `#` (the rest). Source: MQTT 3.1.1, section 4.7.
 * - Delivery is at least once, in order per publisher and topic; duplicates happen, so receivers tolerate them.
 * - `publish` never blocks and never throws: what cannot be sent now is queued and sent after a reconnect.
 * - Payloads are read-only on both sides: in process the same bytes are shared by sender and receivers.
 * - Handlers run outside `publish` and `subscribe` calls, never inside them.
 */
export interface DeviceChannel {
  publish(topic: string, payload: Uint8Array, options?: PublishOptions): void;
  /** Retained messages that match arrive right after. Several handlers may hold one filter. */
  subscribe(filter: string, handler: MessageHandler): Subscription;
  /** Leaves cleanly: the last will is not published. Idempotent. */
  close(): void;
}

export interface Subscription {
  /** Idempotent; no message is handed over after it returns. */
  end(): void;
}

/** What the broker says in a client's name when the client is lost without a goodbye. Source: MQTT 3.1.1, section 3.1.2.5. */
export interface LastWill {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

/** True when `topic` matches `filter`. Source: MQTT 3.1.1, section 4.7; filters starting with a wildcard skip `$…` topics. */
export function topicMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (let index = 0; index < wanted.length; index++) {
    if (wanted[index] === '#') return true;
    if (index >= levels.length) return false;
    if (wanted[index] !== '+' && wanted[index] !== levels[index]) return false;
  }
  return wanted.length === levels.length;
}
