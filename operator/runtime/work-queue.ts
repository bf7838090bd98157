import type { Random } from '../../src/random/random.ts';
import type { Clock, Timer } from '../../src/time/clock.ts';
import { type BackoffLimits, backoffMs } from './backoff.ts';
import type { Metrics } from './metrics.ts';

export interface WorkQueueOptions {
  readonly name: string;
  /** Keys worked on at once. */
  readonly concurrency: number;
  readonly backoff?: BackoffLimits;
  /** Called with every failure before the key is put back. */
  readonly onFailure?: (key: string, error: unknown) => void;
}

/** Does what one key needs; the answer, when there is one, is the delay in milliseconds after which to look again. */
export type Work = (key: string) => Promise<number | undefined>;

const BACKOFF: BackoffLimits = { firstMs: 250, maxMs: 120_000 };

/**
 * Keys that need work, each at most once in the queue and never in two hands.
 *
 * A key added while it is being worked on is worked on once more afterwards. Of several delays for one
 * key the shortest counts, which is also how bursts are thinned: `addAfter(key, 2000)` on every event
 * gives one run per two seconds.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #metrics: Metrics;
  readonly #options: WorkQueueOptions;
  readonly #work: Work;
  /** Insertion order is the order of work. */
  readonly #ready = new Set<string>();
  readonly #active = new Map<string, { dirty: boolean }>();
  readonly #delayed = new Map<string, { readonly timer: Timer; readonly atMs: number }>();
  readonly #failures = new Map<string, number>();
  #pumping = false;
  #state: 'idle' | 'running' | 'stopped' = 'idle';
  #quiet: PromiseWithResolvers<void> | undefined;

  constructor(
    ports: { readonly clock: Clock; readonly random: Random; readonly metrics: Metrics },
    options: WorkQueueOptions,
    work: Work,
  ) {
    this.#clock = ports.clock;
    this.#random = ports.random.split(`queue/${options.name}`);
    this.#metrics = ports.metrics;
    this.#options = options;
    this.#work = work;
  }

  /** Keys waiting for a hand, delayed ones not counted. */
  get depth(): number {
    return this.#ready.size;
  }

  add(key: string): void {
    if (this.#state === 'stopped') return;
    this.#undelay(key);
    const active = this.#active.get(key);
    if (active !== undefined) active.dirty = true;
    else {
      this.#ready.add(key);
      this.#schedule();
    }
  }

  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    if (this.#state === 'stopped' || this.#ready.has(key)) return;
    // A remainder below a clock's tick would come due at the same instant, again and again.
    const waitMs = Math.max(1, delayMs);
    const atMs = this.#clock.nowMs + waitMs;
    const delayed = this.#delayed.get(key);
    if (delayed !== undefined) {
      if (delayed.atMs <= atMs) return;
      delayed.timer.cancel();
    }
    const timer = this.#clock.after(waitMs, () => this.add(key));
    this.#delayed.set(key, { timer, atMs });
  }

  /** Work begins; keys added before wait until now. */
  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'running';
    this.#schedule();
  }

  /** Drops what waits; settles when what is in hand is done. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#ready.clear();
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    if (this.#active.size === 0) return;
    this.#quiet ??= Promise.withResolvers<void>();
    await this.#quiet.promise;
  }

  /** Work starts outside `add`, so that a burst of events for one key is one run. */
  #schedule(): void {
    if (this.#pumping || this.#state !== 'running') return;
    this.#pumping = true;
    void Promise.resolve().then(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    for (const key of this.#ready) {
      if (this.#active.size >= this.#options.concurrency) return;
      this.#ready.delete(key);
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    const slot = { dirty: false };
    this.#active.set(key, slot);
    this.#metrics.count(`queue:${this.#options.name}:runs`);
    let againMs: number | undefined;
    try {
      againMs = await this.#work(key);
      this.#failures.delete(key);
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      againMs = backoffMs(this.#random, this.#options.backoff ?? BACKOFF, failures);
      this.#metrics.count(`queue:${this.#options.name}:failures`);
      this.#options.onFailure?.(key, error);
    }
    this.#active.delete(key);
    if (this.#state === 'stopped') {
      if (this.#active.size === 0) this.#quiet?.resolve();
      return;
    }
    if (slot.dirty) this.add(key);
    else if (againMs !== undefined) this.addAfter(key, againMs);
    this.#schedule();
  }

  #undelay(key: string): void {
    const delayed = this.#delayed.get(key);
    if (delayed === undefined) return;
    delayed.timer.cancel();
    this.#delayed.delete(key);
  }
}
