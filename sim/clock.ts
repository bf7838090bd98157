import type { Clock, Timer } from '../src/time/clock.ts';

/** 2026-01-01T00:00:00Z: where every story begins, so that equal seeds write equal timestamps. */
export const STORY_EPOCH_MS = 1_767_225_600_000;

/** Instants are whole microseconds. */
const RESOLUTION_MS = 0.001;

/** Events between two turns of the host's loop, in which signals and its own timers get a hearing. */
const EVENTS_A_TURN = 256;

/** An event to come, or one that was cancelled and is dropped when its time comes. */
class Entry implements Timer {
  readonly atMs: number;
  readonly sequence: number;
  callback: (() => void) | undefined;

  constructor(atMs: number, sequence: number, callback: () => void) {
    this.atMs = atMs;
    this.sequence = sequence;
    this.callback = callback;
  }

  cancel(): void {
    this.callback = undefined;
  }
}

/**
 * Time that moves only from event to event. The whole world shares one.
 *
 * Between two events every promise that can settle has settled: asynchronous code in virtual time
 * waits for nothing but promises, so it has come to rest when the host's queue of microtasks is
 * empty, and what an `await` sees does not depend on the machine. Real I/O inside virtual time would
 * break this; test/house.test.ts forbids it.
 */
export class VirtualClock implements Clock {
  readonly epochMs = STORY_EPOCH_MS;
  #nowMs = 0;
  #sequence = 0;
  #fired = 0;
  readonly #heap: Entry[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events fired so far. */
  get eventCount(): number {
    return this.#fired;
  }

  after(delayMs: number, callback: () => void): Timer {
    if (!(delayMs >= 0 && delayMs < Number.POSITIVE_INFINITY))
      throw new RangeError(`timer delay must be 0 or more milliseconds, not ${delayMs}`);
    // Rounded up: whoever waits for an instant must not wake before it, and ask again for ever.
    const soonestMs = this.#nowMs + (delayMs > 0 ? RESOLUTION_MS : 0);
    const atMs = instantFrom(Math.max(soonestMs, this.#nowMs + delayMs));
    const entry = new Entry(atMs, this.#sequence++, callback);
    push(this.#heap, entry);
    return entry;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /**
   * Fires events in order until `done()` holds, asked after each one, or none is left before
   * `deadlineMs`; then the clock reads `deadlineMs`. Returns whether `done()` held.
   *
   * Throws RangeError when `eventsMax` events were not enough: a loop that never ends is a bug.
   */
  async run(
    done: () => boolean,
    deadlineMs: number,
    options: { readonly eventsMax?: number } = {},
  ): Promise<boolean> {
    const eventsMax = this.#fired + (options.eventsMax ?? 1_000_000_000);
    await turnOfTheHost();
    for (;;) {
      if (done()) return true;
      const next = this.#dropCancelled();
      if (next === undefined || next.atMs > deadlineMs) {
        this.#nowMs = Math.max(this.#nowMs, deadlineMs);
        return done();
      }
      if (this.#fired >= eventsMax)
        throw new RangeError(`${eventsMax} events did not reach ${deadlineMs} ms`);
      pop(this.#heap);
      this.#nowMs = next.atMs;
      this.#fired++;
      next.callback?.();
      await (this.#fired % EVENTS_A_TURN === 0 ? turnOfTheHost() : rest());
    }
  }

  #dropCancelled(): Entry | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.callback !== undefined) return first;
      pop(this.#heap);
    }
  }
}

const turnOfTheHost = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Settles when no promise can settle any more: Node runs a tick only once its microtasks are all done,
 * those included that they made. A turn of the host's loop does the same at five times the price.
 */
function rest(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}

/** The first whole microsecond that is not before `ms`; what is one already stays, whatever its product with 1000 rounds to. */
function instantFrom(ms: number): number {
  const microseconds = Math.ceil(ms * 1000);
  const before = (microseconds - 1) / 1000;
  return before >= ms ? before : microseconds / 1000;
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

function push(heap: Entry[], entry: Entry): void {
  let index = heap.push(entry) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent] as Entry;
    if (!before(entry, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child++;
    if (!before(heap[child] as Entry, last)) break;
    heap[index] = heap[child] as Entry;
    index = child;
  }
  heap[index] = last;
}
