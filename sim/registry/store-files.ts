/**
 * Small files that survive a run: what a store remembers.
 *
 * A `write` or `remove` is durable and whole when it returns; one that a crash interrupts leaves the file as it
 * was before, or as it would have been after. Paths are relative, with slashes.
 */
export interface StoreFiles {
  /** Every file, sorted. */
  list(): readonly string[];
  read(path: string): Uint8Array;
  write(path: string, bytes: Uint8Array): void;
  /** A file that is not there is removed already. */
  remove(path: string): void;
}
