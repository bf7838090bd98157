import type { KubeError } from '../../src/kube/error.ts';
import type { Timer } from '../../src/time/clock.ts';
import type { ApiServer } from './api-server.ts';
import { type Delivery, type WatchRequest, watch } from './reads.ts';
import type { Served } from './resource.ts';
import type { WatchFault } from './watch-fault.ts';

/** Where a watch's deliveries go; after `end`, `fail` or `breakOff` nothing follows. */
export interface WatchSink {
  deliver(delivery: Delivery): void;
  end(): void;
  /** The server says why there will be no more. */
  fail(error: KubeError): void;
  /** The connection breaks in the middle of this delivery. */
  breakOff(delivery: Delivery): void;
  /** Nothing will come any more, and not even the end of the watch. */
  stall(): void;
}

interface Late {
  readonly delivery: Delivery;
  readonly fault: WatchFault | undefined;
  readonly dueMs: number;
}

/** Deliveries that may wait behind a late one before the watch is ended. */
const LATE_MAX = 100_000;

/**
 * A watch as its client gets it: what the server delivers, and what befalls it on the way. Both doors
 * open their watches here.
 *
 * Returns what closes it. Throws KubeError as `watch` does; may have ended when it returns.
 */
export function openWatch(
  server: ApiServer,
  served: Served,
  request: WatchRequest,
  faultOf: ((delivery: Delivery) => WatchFault | undefined) | undefined,
  sink: WatchSink,
): () => void {
  const { clock } = server;
  const late: Late[] = [];
  let timer: Timer | undefined;
  let stop = (): void => {};
  let closed = false;
  let stalled = false;
  const close = (): void => {
    closed = true;
    late.length = 0;
    timer?.cancel();
    stop();
  };
  const finish = (tell: () => void): void => {
    if (closed) return;
    close();
    // Who is cut off without a word does not hear of the server's end either.
    if (!stalled) tell();
  };
  const strike = (delivery: Delivery, fault: WatchFault | undefined): void => {
    switch (fault?.kind) {
      case 'duplicated':
        sink.deliver(delivery);
        sink.deliver(delivery);
        break;
      case 'withheld':
        break;
      case 'dropped':
        finish(() => sink.end());
        break;
      case 'cut':
        finish(() => sink.breakOff(delivery));
        break;
      case 'refused':
        finish(() => sink.fail(fault.error));
        break;
      case 'stalled':
        stalled = true;
        close();
        sink.stall();
        break;
      default:
        sink.deliver(delivery);
    }
  };
  const pump = (): void => {
    for (let first = late[0]; first !== undefined; first = late[0]) {
      if (first.dueMs > clock.nowMs) {
        timer = clock.after(first.dueMs - clock.nowMs, pump);
        return;
      }
      late.shift();
      strike(first.delivery, first.fault);
    }
    timer = undefined;
  };
  const receive = (delivery: Delivery): void => {
    if (closed) return;
    const fault = faultOf?.(delivery);
    if (late.length === 0 && fault?.kind !== 'delayed') {
      strike(delivery, fault);
      return;
    }
    const byMs = fault?.kind === 'delayed' ? fault.byMs : 0;
    const dueMs = Math.max(late.at(-1)?.dueMs ?? 0, clock.nowMs + byMs);
    if (late.push({ delivery, fault, dueMs }) > LATE_MAX) finish(() => sink.end());
    else if (timer === undefined) pump();
  };
  stop = watch(server, served, request, receive, () => finish(() => sink.end()));
  if (closed) stop();
  return close;
}
