import type { DeviceChannel } from '../../src/device/channel.ts';
import { type Announcement, decodeAnnouncement } from '../../src/device/messages.ts';
import { ANNOUNCEMENTS, parseTopic } from '../../src/device/topics.ts';
import { BROKER_PROPERTY } from '../../src/kube/akri.ts';

/** One find, as Akri's discovery protocol carries it. Source: akri discovery.proto v0, message Device. */
export interface DiscoveredDevice {
  /** Unique and lasting for as long as the device keeps its address. */
  readonly id: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** Name under which the handler registers with Akri, and which a Configuration asks for. */
export const HANDLER_NAME = 'brickproof';

/** What a Configuration's `discoveryDetails` may narrow the search to; absent means any. */
export interface DiscoveryDetails {
  readonly applicationType?: string;
  readonly device?: string;
}

/**
 * The discovery handler for devices that announce themselves on the broker.
 *
 * It believes announcements, as a scan of `/info` would; whether a find is who it claims to be is for
 * attestation to say, and nothing is flashed on an announcement's word.
 */
export class AnnouncementHandler {
  readonly #announced = new Map<string, { readonly said: Announcement; readonly device: DiscoveredDevice }>();
  /** Stations in order; undefined when one has come or gone since they were sorted. */
  #stations: readonly string[] | undefined;
  readonly #subscription: { end(): void };
  #onChange: () => void = () => {};

  constructor(channel: DeviceChannel) {
    this.#subscription = channel.subscribe(ANNOUNCEMENTS, (topic, payload) => {
      const station = parseTopic(topic)?.station;
      if (station === undefined) return;
      const announcement = payload.length === 0 ? undefined : decodeAnnouncement(payload);
      if (this.#announced.has(station) !== (announcement !== undefined)) this.#stations = undefined;
      if (announcement === undefined) this.#announced.delete(station);
      else this.#announced.set(station, { said: announcement, device: deviceOf(station, announcement) });
      this.#onChange();
    });
  }

  /** Called after every announcement, wanted or not. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** The complete present list, sorted by id: absence means gone, as Akri's stream has it. */
  discover(details: DiscoveryDetails): readonly DiscoveredDevice[] {
    const { applicationType, device: chip } = details;
    const found: DiscoveredDevice[] = [];
    this.#stations ??= [...this.#announced.keys()].sort();
    for (const station of this.#stations) {
      const announced = this.#announced.get(station);
      if (announced?.said.online !== true) continue;
      if (applicationType !== undefined && announced.said.application !== applicationType) continue;
      if (chip !== undefined && announced.said.device !== chip) continue;
      found.push(announced.device);
    }
    return found;
  }

  close(): void {
    this.#subscription.end();
  }
}

const deviceOf = (station: string, said: Announcement): DiscoveredDevice => ({
  id: station,
  properties: {
    [BROKER_PROPERTY.endpoint]: station,
    [BROKER_PROPERTY.device]: said.device,
    [BROKER_PROPERTY.application]: said.application,
    [BROKER_PROPERTY.version]: said.version,
    [BROKER_PROPERTY.ueid]: said.ueid,
  },
});
