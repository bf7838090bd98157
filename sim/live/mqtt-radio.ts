import { connectMqtt, type MqttChannel } from '../../operator/adapters/mqtt-channel.ts';
import type { LastWill, PublishOptions } from '../../src/device/channel.ts';
import type { Radio, RadioHandlers } from '../board/radio.ts';

/** A radio that is a real TCP connection to a real broker. */
export class MqttRadio implements Radio {
  readonly #url: string;
  #channel: MqttChannel | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  connect(clientId: string, filter: string, will: LastWill, handlers: RadioHandlers): void {
    this.drop();
    const channel = connectMqtt({
      url: this.#url,
      clientId,
      will,
      reconnectMs: 500,
      // What comes from a connection that was dropped meanwhile is nobody's business any more.
      onUp: () => this.#channel === channel && handlers.onUp(),
      onDown: () => this.#channel === channel && handlers.onDown(),
    });
    this.#channel = channel;
    channel.subscribe(filter, (topic, payload) => {
      if (this.#channel === channel) handlers.onMessage(topic, payload);
    });
  }

  publish(topic: string, payload: Uint8Array, options?: PublishOptions): void {
    this.#channel?.publish(topic, payload, options);
  }

  drop(): void {
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.drop();
  }
}
