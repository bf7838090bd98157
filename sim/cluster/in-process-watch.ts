import { KubeError } from '../../src/kube/error.ts';
import type { WatchSink } from './open-watch.ts';
import type { Delivery } from './reads.ts';
import type { Served } from './resource.ts';

/** Deliveries that a watcher may fall behind before its watch is ended, as a server does to slow clients. */
const BACKLOG_MAX = 1_000_000;

/** Opens a watch into `sink`; returns what closes it, throws KubeError when it is refused. */
type Open = (served: Served, sink: WatchSink) => () => void;

/** One watch as an async iteration: deliveries wait here until they are asked for. */
export class InProcessWatch implements AsyncIterableIterator<Delivery> {
  readonly #started: Promise<Served>;
  readonly #open: Open;
  readonly #signal: AbortSignal;
  readonly #backlog: Delivery[] = [];
  #taken = 0;
  #waiting: PromiseWithResolvers<IteratorResult<Delivery>> | undefined;
  #stop: (() => void) | undefined;
  #state: 'new' | 'running' | 'ended' = 'new';
  /** Thrown once everything that came before it has been taken. */
  #failure: KubeError | undefined;

  constructor(started: Promise<Served>, open: Open, signal: AbortSignal) {
    this.#started = started;
    this.#open = open;
    this.#signal = signal;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Delivery>> {
    if (this.#state === 'new') await this.#start();
    const delivery = this.#backlog[this.#taken];
    if (delivery !== undefined) {
      this.#taken++;
      if (this.#taken === this.#backlog.length) {
        this.#backlog.length = 0;
        this.#taken = 0;
      }
      return { done: false, value: delivery };
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    if (this.#state === 'ended') return { done: true, value: undefined };
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  async return(): Promise<IteratorResult<Delivery>> {
    this.#end();
    return { done: true, value: undefined };
  }

  async #start(): Promise<void> {
    this.#state = 'running';
    if (this.#signal.aborted) return this.#end();
    this.#signal.addEventListener('abort', this.#end, { once: true });
    try {
      const served = await this.#started;
      if (this.#state !== 'running') return;
      this.#stop = this.#open(served, {
        deliver: (delivery) => this.#deliver(delivery),
        end: this.#end,
        fail: (error) => this.#fail(error),
        breakOff: () => this.#fail(new KubeError('Unreachable', 'the server broke off within an event')),
        stall: () => {},
      });
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  #deliver(delivery: Delivery): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) waiting.resolve({ done: false, value: delivery });
    else if (this.#backlog.push(delivery) - this.#taken > BACKLOG_MAX) this.#end();
  }

  #fail(error: KubeError): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#failure = error;
    this.#end();
    waiting?.reject(error);
  }

  readonly #end = (): void => {
    this.#state = 'ended';
    this.#stop?.();
    this.#signal.removeEventListener('abort', this.#end);
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
    if (this.#signal.aborted) this.#backlog.length = 0;
  };
}
