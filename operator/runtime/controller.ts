import type { Random } from '../../src/random/random.ts';
import type { Clock } from '../../src/time/clock.ts';
import type { BackoffLimits } from './backoff.ts';
import type { Metrics } from './metrics.ts';
import { type Work, WorkQueue } from './work-queue.ts';

export interface ControllerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log?: Log;
}

/** A constant sentence and what it is about; for people who look for the reason of something. */
export type Log = (message: string, about: Readonly<Record<string, string | number>>) => void;

export interface ControllerOptions {
  readonly name: string;
  readonly concurrency: number;
  readonly backoff?: BackoffLimits;
}

/** What a controller waits for before its first reconcile, so that absence in a cache means absence. */
export interface Syncing {
  whenSynced(): Promise<void>;
}

/**
 * Reconciles keys: whatever changed, the key of what it concerns is enqueued, and `reconcile` looks at the whole.
 *
 * `reconcile` gets no event, so it cannot depend on one; it may answer with a delay in milliseconds
 * after which it wants to look again, and may throw: the key comes back with growing delay.
 */
export class Controller {
  readonly name: string;
  readonly #queue: WorkQueue;
  readonly #sources: readonly Syncing[];

  constructor(
    ports: ControllerPorts,
    options: ControllerOptions,
    sources: readonly Syncing[],
    reconcile: Work,
  ) {
    this.name = options.name;
    this.#sources = sources;
    this.#queue = new WorkQueue(
      ports,
      {
        ...options,
        onFailure: (key, error) =>
          ports.log?.('reconcile failed', { controller: options.name, key, error: describe(error) }),
      },
      reconcile,
    );
  }

  enqueue(key: string): void {
    this.#queue.add(key);
  }

  /** At most one reconcile per `delayMs` however often it is called. */
  enqueueAfter(key: string, delayMs: number): void {
    this.#queue.addAfter(key, delayMs);
  }

  /** Works from when all sources have synced until `signal` aborts; settles when the last reconcile has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = new Promise<void>((settle) => {
      if (signal.aborted) settle();
      signal.addEventListener('abort', () => settle(), { once: true });
    });
    await Promise.race([stopped, Promise.all(this.#sources.map((source) => source.whenSynced()))]);
    if (!signal.aborted) this.#queue.start();
    await stopped;
    await this.#queue.stop();
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
