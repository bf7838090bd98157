/**
 * Counters of one operator, by name.
 *
 * Names form a small fixed set (a subject, a colon, what was counted), never an object's name, so the table stays small
 * however large the fleet is.
 */
export class Metrics {
  readonly #counters = new Map<string, number>();

  count(name: string, by = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
  }

  /** A plain copy, sorted by name. */
  read(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counters].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
