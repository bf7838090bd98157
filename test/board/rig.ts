import type { Board } from '../../sim/board/board.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { FirmwareFactory } from '../../sim/firmware-factory.ts';
import { manufacture } from '../../sim/fleet.ts';
import { SimBroker } from '../../sim/network/broker.ts';
import { Link } from '../../sim/network/link.ts';
import { SimRadio } from '../../sim/network/sim-radio.ts';
import { decodeReport, encodeMessage, type Offer, type Report } from '../../src/device/messages.ts';
import { chunkTopic, offerTopic, parseTopic, upFilter } from '../../src/device/topics.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { SeededRandom } from '../../src/random/random.ts';
import type { StampedEvent } from '../../src/scenario/fleet-event.ts';
import type { PlannedBoard, PlannedFirmware, ScenarioPlan } from '../../src/scenario/plan.ts';

export interface RigOptions {
  readonly board?: Partial<PlannedBoard>;
  /** By key; `thermo:1.0.0` and a healthy `thermo:2.0.0` exist unless replaced. */
  readonly firmware?: readonly Partial<PlannedFirmware>[];
}

/** One board on a clock and a broker of its own, and a bench hand that offers it images. */
export class Rig {
  readonly clock = new VirtualClock();
  readonly broker = new SimBroker(this.clock);
  readonly channel = this.broker.localChannel();
  readonly events: StampedEvent[] = [];
  readonly reports: Report[] = [];
  readonly board: Board;
  readonly link: Link;
  readonly factory: FirmwareFactory;
  #pulls = 0;
  /** Set to stop answering pulls. */
  deaf = false;
  /** Cleared to answer pulls of a delta alone. */
  servesImage = true;
  /** What pulls of a delta are answered from. */
  delta = new Uint8Array(0);
  /** Sessions of the pulls, in order. */
  readonly sessions: string[] = [];
  sentBytes = 0;

  constructor(options: RigOptions = {}) {
    const firmware = ['thermo:1.0.0', 'thermo:2.0.0'].map((key): PlannedFirmware => {
      const given = options.firmware?.find((entry) => entry.key === key);
      return { ...plannedFirmware(key), ...given };
    });
    this.factory = new FirmwareFactory(firmware);
    const planned: PlannedBoard = {
      name: 'bench-001',
      group: 'bench',
      labels: {},
      chip: 'esp32',
      runs: 'thermo:1.0.0',
      link: { latencyMs: 20, jitterMs: 5, loss: 0 },
      identity: 'genuine',
      bootloader: 'boot-counter',
      ...options.board,
    };
    const random = SeededRandom.ofSeed(1);
    let made: Link | undefined;
    const fleet = manufacture({ boards: [planned] } as unknown as ScenarioPlan, {
      clock: this.clock,
      random,
      factory: this.factory,
      radioOf: ({ link }) => {
        made = new Link(this.clock, random.split('link'), { ...link, bandwidthBitsPerSecond: 0 });
        return new SimRadio(this.broker, made, this.clock, random.split('radio'));
      },
      onEvent: (event) => this.events.push({ ...event, atMs: this.clock.nowMs }),
    });
    this.board = fleet.boards[0] as Board;
    this.link = made as Link;
    this.channel.subscribe(upFilter(this.board.station), (topic, payload) => this.#answer(topic, payload));
  }

  async run(durationMs: number): Promise<void> {
    await this.clock.run(() => false, this.clock.nowMs + durationMs);
  }

  offer(key: string, more: Partial<Offer> = {}): Offer {
    const bytes = this.factory.image(key, this.board.chip);
    const image = this.factory.images.find(
      ({ firmware, chip }) => firmware === key && chip === this.board.chip,
    );
    const offer: Offer = {
      session: `s${this.clock.nowMs}`,
      application: 'thermo',
      version: key.slice(key.indexOf(':') + 1),
      chip: this.board.chip,
      sizeBytes: bytes.length,
      digest: digestOf(bytes),
      ...(image !== undefined && image.digest !== digestOf(bytes) && { measurement: image.digest }),
      secureVersion: 0,
      bootsWithoutConfirm: 1,
      ...more,
    };
    this.channel.publish(offerTopic(this.board.station), encodeMessage(offer));
    return offer;
  }

  kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  get pulls(): number {
    return this.#pulls;
  }

  #answer(topic: string, payload: Uint8Array): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind === 'report') this.reports.push(decodeReport(payload) as Report);
    if (parsed?.kind !== 'pull') return;
    const { session, content, offset, length } = parsed;
    this.sessions.push(session);
    if (this.deaf || (content === 'image' && !this.servesImage)) return;
    this.#pulls++;
    const bytes = content === 'delta' ? this.delta : this.factory.image('thermo:2.0.0', this.board.chip);
    const chunk = bytes.subarray(offset, offset + length);
    this.sentBytes += chunk.length;
    this.channel.publish(chunkTopic(this.board.station, session, content, offset), chunk);
  }
}

function plannedFirmware(key: string): PlannedFirmware {
  return {
    key,
    application: 'thermo',
    version: key.slice(key.indexOf(':') + 1),
    secureVersion: 0,
    rollback: 'esp-idf',
    bootsWithoutConfirm: 1,
    references: [`registry.local/${key}`],
    images: [{ chip: 'esp32', source: { kind: 'generated', sizeBytes: 200_000 } }],
    behaviours: [],
  };
}
