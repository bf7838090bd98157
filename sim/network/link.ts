import type { Random } from '../../src/random/random.ts';
import type { Clock } from '../../src/time/clock.ts';

/** How a link behaves; plain data, changed in place by faults. */
export interface LinkQuality {
  /** One-way delay: drawn uniformly from `latencyMs ± jitterMs`. */
  latencyMs: number;
  jitterMs: number;
  /** Chance that a segment is lost and sent again, 0…1. TCP below MQTT repairs it; what is seen is delay. */
  loss: number;
  /** 0 means unlimited. */
  bandwidthBitsPerSecond: number;
}

/** Smallest retransmission timeout of TCP. Source: RFC 6298, section 2.4, as Linux and lwIP round it down. */
const RETRANSMIT_MS_MIN = 300;
/** Retransmissions back off by doubling. Source: RFC 6298, section 5.5; more than six in a row is an outage. */
const RETRANSMITS_MAX = 6;
/** Fixed header, topic length and packet id of a PUBLISH, with TCP and IP headers. */
const OVERHEAD_BYTES = 64;

type Delivery = () => void;

/**
 * One direction-pair between a board and the broker: delay, jitter, loss, bandwidth, partition.
 *
 * It keeps order, as the TCP stream below MQTT does. While partitioned it holds everything that is
 * under way and lets it through, in order, when it heals (TCP retransmits), unless the connection
 * was given up meanwhile and `reset` threw it away.
 */
export class Link {
  readonly quality: LinkQuality;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #lanes = [new Lane(), new Lane()] as const;
  #partitions = 0;
  #generation = 0;
  /** Told when the link goes down and when it is whole again; whoever holds the connection sets it. */
  onPartition: ((down: boolean) => void) | undefined;

  constructor(clock: Clock, random: Random, quality: LinkQuality) {
    this.#clock = clock;
    this.#random = random;
    this.quality = { ...quality };
  }

  get partitioned(): boolean {
    return this.#partitions > 0;
  }

  /** Partitions nest: two faults on one link heal one by one. */
  partition(): void {
    this.#partitions++;
    if (this.#partitions === 1) this.onPartition?.(true);
  }

  heal(): void {
    this.#partitions--;
    if (this.#partitions > 0) return;
    for (const lane of this.#lanes) {
      const held = lane.held;
      lane.held = [];
      for (const delivery of held) this.#schedule(lane, RETRANSMIT_MS_MIN, delivery);
    }
    this.onPartition?.(false);
  }

  /** Carries `sizeBytes` of payload; `delivery` runs at the far end. `up` is from board to broker. */
  carry(direction: 'up' | 'down', sizeBytes: number, delivery: Delivery): void {
    const lane = this.#lanes[direction === 'up' ? 0 : 1];
    if (this.partitioned) {
      lane.held.push(delivery);
      return;
    }
    this.#schedule(lane, this.#delayMs(lane, sizeBytes), delivery);
  }

  /** Drops everything under way: the connection it belonged to is gone. */
  reset(): void {
    this.#generation++;
    for (const lane of this.#lanes) {
      lane.held = [];
      lane.lastArrivalMs = 0;
      lane.busyUntilMs = 0;
    }
  }

  #delayMs(lane: Lane, sizeBytes: number): number {
    const { latencyMs, jitterMs, loss, bandwidthBitsPerSecond } = this.quality;
    const nowMs = this.#clock.nowMs;
    let startMs = nowMs;
    if (bandwidthBitsPerSecond > 0) {
      startMs =
        Math.max(nowMs, lane.busyUntilMs) + ((sizeBytes + OVERHEAD_BYTES) * 8000) / bandwidthBitsPerSecond;
      lane.busyUntilMs = startMs;
    }
    let delayMs = startMs - nowMs + Math.max(0, latencyMs + (this.#random.next() * 2 - 1) * jitterMs);
    for (
      let sent = 0, timeoutMs = Math.max(RETRANSMIT_MS_MIN, 2 * latencyMs);
      sent < RETRANSMITS_MAX;
      sent++
    ) {
      if (this.#random.next() >= loss) break;
      delayMs += timeoutMs;
      timeoutMs *= 2;
    }
    return delayMs;
  }

  #schedule(lane: Lane, delayMs: number, delivery: Delivery): void {
    const arrivalMs = Math.max(lane.lastArrivalMs, this.#clock.nowMs + delayMs);
    lane.lastArrivalMs = arrivalMs;
    const generation = this.#generation;
    this.#clock.after(arrivalMs - this.#clock.nowMs, () => {
      if (generation !== this.#generation) return;
      if (this.partitioned) lane.held.push(delivery);
      else delivery();
    });
  }
}

class Lane {
  busyUntilMs = 0;
  lastArrivalMs = 0;
  held: Delivery[] = [];
}
