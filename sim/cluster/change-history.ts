import type { StoredObject } from './stored-object.ts';

/** One committed write, as every watcher of its table shares it. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly version: number;
  /** After the write; for DELETED, the last state with the deletion's version. */
  readonly object: StoredObject;
  readonly previous: StoredObject | undefined;
}

/** The latest changes of one table: what a watch from an older version is served from. */
export class ChangeHistory {
  readonly #limit: number;
  #changes: Change[] = [];
  #first = 0;
  #forgotten: number;

  /**
   * `limit` is the number of changes kept at least; up to twice as many are held before the oldest go.
   * Nothing is known of what was before `start`.
   */
  constructor(limit: number, start: number) {
    this.#limit = limit;
    this.#forgotten = start;
  }

  /** The newest version that is no longer here: a watch from an older one would have a gap. */
  get forgottenVersion(): number {
    return this.#forgotten;
  }

  push(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length - this.#first <= this.#limit) return;
    this.#forgotten = this.#changes[this.#first]?.version ?? 0;
    this.#first++;
    if (this.#first < this.#limit) return;
    this.#changes = this.#changes.slice(this.#first);
    this.#first = 0;
  }

  /** Changes after `version`, oldest first. */
  since(version: number): readonly Change[] {
    let low = this.#first;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle] as Change).version > version) high = middle;
      else low = middle + 1;
    }
    return this.#changes.slice(low);
  }

  /** Forgets everything up to and including `version`, as etcd's compaction does. */
  compact(version: number): void {
    this.#changes = [...this.since(version)];
    this.#first = 0;
    this.#forgotten = Math.max(this.#forgotten, version);
  }
}
