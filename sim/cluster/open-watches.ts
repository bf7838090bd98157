import type { Resource } from './resource.ts';

/** Who watches what. */
export interface WatchHolder {
  readonly user: string;
  readonly resource: Resource;
}

/** The watches that are open now, so that a fault can end them. */
export class OpenWatches {
  readonly #ends = new Map<() => void, WatchHolder>();

  get count(): number {
    return this.#ends.size;
  }

  /** Returns what forgets the watch again. */
  hold(holder: WatchHolder, end: () => void): () => void {
    this.#ends.set(end, holder);
    return () => this.#ends.delete(end);
  }

  /** Ends every watch, or those that are chosen, without a reason, as a server may at any time. Returns how many. */
  drop(chosen: (holder: WatchHolder) => boolean = () => true): number {
    const ends = [...this.#ends].filter(([, holder]) => chosen(holder));
    for (const [end] of ends) end();
    return ends.length;
  }
}
