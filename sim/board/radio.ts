import type { LastWill, MessageHandler, PublishOptions } from '../../src/device/channel.ts';

export interface RadioHandlers {
  /** The broker accepted the connection; called again after every reconnect. */
  readonly onUp: () => void;
  /** The connection is lost; the radio reconnects by itself. */
  readonly onDown: () => void;
  readonly onMessage: MessageHandler;
}

/**
 * What a board's firmware sees of the network: an MQTT client that keeps itself connected.
 *
 * The simulated radio (sim/network/sim-radio.ts) and the one over real sockets (sim/live) keep the
 * same contract; the firmware cannot tell them apart.
 */
export interface Radio {
  /** Begins to connect as `clientId`, listening to `filter`; at most one connection a radio. */
  connect(clientId: string, filter: string, will: LastWill, handlers: RadioHandlers): void;
  /** Queued by the radio while the connection is down, lost when the board resets. */
  publish(topic: string, payload: Uint8Array, options?: PublishOptions): void;
  /** The board resets or loses power: everything stops without a goodbye. Idempotent. */
  drop(): void;
}
