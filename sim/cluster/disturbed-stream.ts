import type { KubeError } from '../../src/kube/error.ts';
import type { Clock, Timer } from '../../src/time/clock.ts';
import type { WatchFault } from './watch-fault.ts';

/** Where a watch's deliveries go; after `end`, `fail`, `breakOff` or `stall` nothing follows. */
export interface StreamSink<D> {
  deliver(delivery: D): void;
  end(): void;
  /** The server says why there will be no more. */
  fail(error: KubeError): void;
  /** The connection breaks in the middle of this delivery. */
  breakOff(delivery: D): void;
  /** Nothing will come any more, and not even the end of the watch. */
  stall(): void;
}

interface Late<D> {
  readonly delivery: D;
  readonly fault: WatchFault | undefined;
  readonly dueMs: number;
}

/** Deliveries that may wait behind a late one before the stream is ended. */
const LATE_MAX = 100_000;

/** What befalls the deliveries of one watch on their way. */
export class DisturbedStream<D> {
  readonly #clock: Clock;
  readonly #faultOf: ((delivery: D) => WatchFault | undefined) | undefined;
  readonly #sink: StreamSink<D>;
  readonly #late: Late<D>[] = [];
  #timer: Timer | undefined;
  #stopSource: (() => void) | undefined;
  #state: 'open' | 'closed' | 'stalled' = 'open';

  constructor(
    clock: Clock,
    faultOf: ((delivery: D) => WatchFault | undefined) | undefined,
    sink: StreamSink<D>,
  ) {
    this.#clock = clock;
    this.#faultOf = faultOf;
    this.#sink = sink;
  }

  /** `stop` ends the source of deliveries; called at once when the stream has ended already. */
  attach(stop: () => void): void {
    if (this.#state === 'open') this.#stopSource = stop;
    else stop();
  }

  receive(delivery: D): void {
    if (this.#state !== 'open') return;
    const fault = this.#faultOf?.(delivery);
    if (this.#late.length === 0 && fault?.kind !== 'delayed') {
      this.#strike(delivery, fault);
      return;
    }
    const byMs = fault?.kind === 'delayed' ? fault.byMs : 0;
    const dueMs = Math.max(this.#late.at(-1)?.dueMs ?? 0, this.#clock.nowMs + byMs);
    if (this.#late.push({ delivery, fault, dueMs }) > LATE_MAX) this.end();
    else if (this.#timer === undefined) this.#pump();
  }

  /** The source has ended. Who is cut off without a word does not hear of that either. */
  end(): void {
    if (this.#close('closed')) this.#sink.end();
  }

  /** Nobody listens any more. */
  readonly close = (): void => {
    this.#close('closed');
  };

  #close(state: 'closed' | 'stalled'): boolean {
    if (this.#state !== 'open') return false;
    this.#state = state;
    this.#late.length = 0;
    this.#timer?.cancel();
    this.#stopSource?.();
    return true;
  }

  readonly #pump = (): void => {
    this.#timer = undefined;
    for (let first = this.#late[0]; first !== undefined; first = this.#late[0]) {
      if (first.dueMs > this.#clock.nowMs) {
        this.#timer = this.#clock.after(first.dueMs - this.#clock.nowMs, this.#pump);
        return;
      }
      this.#late.shift();
      this.#strike(first.delivery, first.fault);
    }
  };

  #strike(delivery: D, fault: WatchFault | undefined): void {
    switch (fault?.kind) {
      case 'duplicated':
        this.#sink.deliver(delivery);
        this.#sink.deliver(delivery);
        break;
      case 'withheld':
        break;
      case 'dropped':
        this.end();
        break;
      case 'cut':
        if (this.#close('closed')) this.#sink.breakOff(delivery);
        break;
      case 'refused':
        if (this.#close('closed')) this.#sink.fail(fault.error);
        break;
      case 'stalled':
        if (this.#close('stalled')) this.#sink.stall();
        break;
      default:
        this.#sink.deliver(delivery);
    }
  }
}
