import type { KubeApi } from '../../src/kube/api.ts';
import { EVENT, type Event } from '../../src/kube/core.ts';
import { isKubeError } from '../../src/kube/error.ts';
import { type KubeObject, keyText, type ObjectKey } from '../../src/kube/object.ts';
import { type Clock, timestamp } from '../../src/time/clock.ts';
import type { Metrics } from './metrics.ts';

/** Series remembered; the oldest is forgotten and would start anew. */
const SERIES_MAX = 1000;
/** Repeats are gathered this long before the count is written again. */
const REPEAT_MS = 10_000;
const MESSAGE_CHARS_MAX = 1000;

interface Series {
  key: ObjectKey | undefined;
  readonly firstTimestamp: string;
  count: number;
  waiting: boolean;
}

/**
 * Writes Kubernetes events, one object for each kind of happening: a repeat raises its count.
 *
 * Events are for people, so nothing waits for them and a failed write is counted and forgotten.
 */
export class EventRecorder {
  readonly #kube: KubeApi;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #component: string;
  readonly #series = new Map<string, Series>();
  #serial = 0;

  constructor(
    ports: { readonly kube: KubeApi; readonly clock: Clock; readonly metrics: Metrics },
    component: string,
  ) {
    this.#kube = ports.kube;
    this.#clock = ports.clock;
    this.#metrics = ports.metrics;
    this.#component = component;
  }

  record(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const text = message.slice(0, MESSAGE_CHARS_MAX);
    const id = `${about.metadata.uid}/${type}/${reason}/${text}`;
    const known = this.#series.get(id);
    if (known !== undefined) {
      known.count += 1;
      if (known.waiting) return;
      known.waiting = true;
      this.#clock.after(REPEAT_MS, () => void this.#repeat(known));
      return;
    }
    const [oldest] = this.#series.keys();
    if (this.#series.size >= SERIES_MAX && oldest !== undefined) this.#series.delete(oldest);
    const series: Series = {
      key: undefined,
      firstTimestamp: timestamp(this.#clock),
      count: 1,
      waiting: false,
    };
    this.#series.set(id, series);
    void this.#create(series, about, type, reason, text);
  }

  async #create(
    series: Series,
    about: KubeObject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): Promise<void> {
    const namespace = about.metadata.namespace ?? 'default';
    const key = { namespace, name: `${about.metadata.name}.${this.#suffix()}` };
    const event: Omit<Event, 'metadata'> = {
      apiVersion: EVENT.apiVersion,
      kind: EVENT.kind,
      type,
      reason,
      message,
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        name: about.metadata.name,
        namespace,
        uid: about.metadata.uid,
      },
      source: { component: this.#component },
      count: 1,
      firstTimestamp: series.firstTimestamp,
      lastTimestamp: series.firstTimestamp,
    };
    try {
      await this.#kube.create(EVENT, { ...event, metadata: key });
      series.key = key;
    } catch (error) {
      this.#drop(error, key);
    }
  }

  async #repeat(series: Series): Promise<void> {
    series.waiting = false;
    if (series.key === undefined) return;
    const body = { count: series.count, lastTimestamp: timestamp(this.#clock) };
    try {
      await this.#kube.patch(EVENT, series.key, { type: 'merge', body });
    } catch (error) {
      this.#drop(error, series.key);
    }
  }

  #drop(error: unknown, key: ObjectKey): void {
    if (!isKubeError(error)) throw error;
    this.#metrics.count('events:dropped');
    if (error.reason === 'NotFound') this.#forget(key);
  }

  #forget(gone: ObjectKey): void {
    for (const [id, { key }] of this.#series)
      if (key !== undefined && keyText(key) === keyText(gone)) this.#series.delete(id);
  }

  /** Hex of the instant and a serial number: unique among the events of one object, as client-go's names are. */
  #suffix(): string {
    this.#serial += 1;
    const unixMs = Math.floor(this.#clock.epochMs + this.#clock.nowMs);
    return `${unixMs.toString(16)}${(this.#serial % 0x10000).toString(16).padStart(4, '0')}`;
  }
}
