import type { WatchOptions } from '../../src/kube/api.ts';
import type { ApiServer } from './api-server.ts';
import { type Delivery, watch } from './reads.ts';
import type { Served } from './resource.ts';

/** Deliveries that a watcher may fall behind before its watch is ended, as a server does to slow clients. */
const BACKLOG_MAX = 1_000_000;

/** One watch as an async iteration: deliveries wait here until they are asked for. */
export class InProcessWatch implements AsyncIterableIterator<Delivery> {
  readonly #server: ApiServer;
  readonly #started: Promise<Served>;
  readonly #options: WatchOptions;
  readonly #user: string;
  readonly #backlog: Delivery[] = [];
  #taken = 0;
  #waiting: ((result: IteratorResult<Delivery>) => void) | undefined;
  #stop: (() => void) | undefined;
  #state: 'new' | 'running' | 'ended' = 'new';

  constructor(server: ApiServer, started: Promise<Served>, options: WatchOptions, user: string) {
    this.#user = user;
    this.#server = server;
    this.#started = started;
    this.#options = options;
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
    if (this.#state === 'ended') return { done: true, value: undefined };
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  async return(): Promise<IteratorResult<Delivery>> {
    this.#end();
    return { done: true, value: undefined };
  }

  async #start(): Promise<void> {
    this.#state = 'running';
    const { signal } = this.#options;
    if (signal.aborted) return this.#end();
    signal.addEventListener('abort', this.#end, { once: true });
    try {
      const served = await this.#started;
      if (this.#state === 'running')
        this.#stop = watch(
          this.#server,
          served,
          { ...this.#options, user: this.#user },
          (delivery) => this.#deliver(delivery),
          this.#end,
        );
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  #deliver(delivery: Delivery): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) waiting({ done: false, value: delivery });
    else if (this.#backlog.push(delivery) - this.#taken > BACKLOG_MAX) this.#end();
  }

  readonly #end = (): void => {
    this.#state = 'ended';
    this.#stop?.();
    this.#options.signal.removeEventListener('abort', this.#end);
    this.#waiting?.({ done: true, value: undefined });
    this.#waiting = undefined;
    if (this.#options.signal.aborted) this.#backlog.length = 0;
  };
}
