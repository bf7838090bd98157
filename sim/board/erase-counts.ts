/**
 * How often each sector was erased, as runs of equal counts.
 *
 * Updates erase long stretches in order, so a board that was updated a hundred times still has a handful of runs.
 */
export class EraseCounts {
  /** Pairs: first sector of a run, its count. The first run starts at 0; neighbours differ. */
  readonly #runs: number[] = [0, 0];

  of(sector: number): number {
    return this.#runs[this.#runAt(sector) + 1] ?? 0;
  }

  /** Largest count of any sector. */
  get worst(): number {
    let worst = 0;
    for (let at = 1; at < this.#runs.length; at += 2) worst = Math.max(worst, this.#runs[at] ?? 0);
    return worst;
  }

  /** Counts one erase of `length` sectors from `first` on. */
  add(first: number, length: number): void {
    if (this.#lengthens(first, length)) return;
    const from = this.#split(first);
    const to = this.#split(first + length);
    for (let at = from; at < to; at += 2) this.#runs[at + 1] = (this.#runs[at + 1] ?? 0) + 1;
    this.#join(to);
    this.#join(from);
  }

  /** An erase that goes on where the last one ended only moves the border between two runs. */
  #lengthens(first: number, length: number): boolean {
    const at = this.#runAt(first);
    if (at === 0 || this.#runs[at] !== first) return false;
    if (this.#runs[at - 1] !== (this.#runs[at + 1] ?? 0) + 1) return false;
    if (first + length >= (this.#runs[at + 2] ?? Number.POSITIVE_INFINITY)) return false;
    this.#runs[at] = first + length;
    return true;
  }

  /** Index of the run that holds `sector`. */
  #runAt(sector: number): number {
    let at = this.#runs.length - 2;
    while ((this.#runs[at] ?? 0) > sector) at -= 2;
    return at;
  }

  /** Makes a run start at `sector` and returns its index. */
  #split(sector: number): number {
    const at = this.#runAt(sector);
    if (this.#runs[at] === sector) return at;
    this.#runs.splice(at + 2, 0, sector, this.#runs[at + 1] ?? 0);
    return at + 2;
  }

  /** Drops the border at `at` when both sides count the same. */
  #join(at: number): void {
    if (at > 0 && this.#runs[at + 1] === this.#runs[at - 1]) this.#runs.splice(at, 2);
  }
}
