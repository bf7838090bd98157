import { topicMatches } from '../../src/device/channel.ts';

interface Entry<T> {
  readonly value: T;
  readonly sequence: number;
}

interface WildEntry<T> extends Entry<T> {
  readonly filter: string;
  /** Levels of the topics that can match; undefined where the filter ends in `#`. */
  readonly levels: number | undefined;
}

/**
 * Subscriptions by topic filter.
 *
 * Nearly all of a fleet's filters name one topic, or everything below one (`brickproof/<station>/up/#`): they
 * are found by look-up, whatever their number. The few with a `+` are tried one by one.
 *
 * Source: MQTT 3.1.1, section 4.7. Finds come in the order in which they subscribed.
 */
export class TopicIndex<T> {
  readonly #exact = new Map<string, Entry<T>[]>();
  /** By the levels before the final `#`, which that topic itself matches, too. */
  readonly #below = new Map<string, Entry<T>[]>();
  /** How many filters of `#below` have how many levels before their `#`. */
  readonly #depths = new Map<number, number>();
  readonly #wild = new Set<WildEntry<T>>();
  #sequence = 0;

  add(filter: string, value: T): () => void {
    const entry = { value, sequence: this.#sequence++ };
    const parts = filter.split('/');
    const rest = parts.at(-1) === '#';
    if (filter === '#' || parts.includes('+')) {
      const wild = { ...entry, filter, levels: rest ? undefined : parts.length };
      this.#wild.add(wild);
      return () => this.#wild.delete(wild);
    }
    if (!rest) return file(this.#exact, filter, entry);
    const depth = parts.length - 1;
    this.#depths.set(depth, (this.#depths.get(depth) ?? 0) + 1);
    const remove = file(this.#below, filter.slice(0, -2), entry);
    let there = true;
    return () => {
      if (!there) return;
      there = false;
      remove();
      const left = (this.#depths.get(depth) ?? 1) - 1;
      if (left === 0) this.#depths.delete(depth);
      else this.#depths.set(depth, left);
    };
  }

  find(topic: string): readonly T[] {
    const found: Entry<T>[] = [];
    collect(this.#exact.get(topic), found);
    let levels = 1;
    for (let slash = topic.indexOf('/'); slash !== -1; slash = topic.indexOf('/', slash + 1)) {
      if (this.#depths.has(levels)) collect(this.#below.get(topic.slice(0, slash)), found);
      levels++;
    }
    if (this.#depths.has(levels)) collect(this.#below.get(topic), found);
    for (const entry of this.#wild)
      if ((entry.levels === undefined || entry.levels === levels) && topicMatches(entry.filter, topic))
        found.push(entry);
    if (found.length > 1) found.sort((a, b) => a.sequence - b.sequence);
    return found.map((entry) => entry.value);
  }
}

function collect<T>(entries: readonly Entry<T>[] | undefined, found: Entry<T>[]): void {
  if (entries !== undefined) for (const entry of entries) found.push(entry);
}

function file<T>(entries: Map<string, Entry<T>[]>, name: string, entry: Entry<T>): () => void {
  const filed = entries.get(name);
  if (filed === undefined) entries.set(name, [entry]);
  else filed.push(entry);
  return () => {
    const present = entries.get(name);
    const index = present?.indexOf(entry) ?? -1;
    if (present === undefined || index === -1) return;
    present.splice(index, 1);
    if (present.length === 0) entries.delete(name);
  };
}
