/** The watches that are open now, so that a fault can end them. */
export class OpenWatches {
  readonly #ends = new Map<() => void, string>();

  /** Returns what forgets the watch again. */
  hold(user: string, end: () => void): () => void {
    this.#ends.set(end, user);
    return () => this.#ends.delete(end);
  }

  /** Ends every watch, or those of one user, without a reason, as a server may at any time. Returns how many. */
  drop(user?: string): number {
    const ends = [...this.#ends].filter(([, holder]) => user === undefined || holder === user);
    for (const [end] of ends) end();
    return ends.length;
  }
}
