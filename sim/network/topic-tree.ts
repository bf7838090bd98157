/**
 * Subscriptions by topic filter, found by walking the topic's levels once.
 *
 * Source: MQTT 3.1.1, section 4.7. Finds come in the order in which they subscribed.
 */
export class TopicTree<T> {
  readonly #root = new Level<T>();
  #sequence = 0;

  add(filter: string, value: T): () => void {
    let level = this.#root;
    const path: { parent: Level<T>; name: string }[] = [];
    for (const name of filter.split('/')) {
      let next = level.children.get(name);
      if (next === undefined) {
        next = new Level<T>();
        level.children.set(name, next);
      }
      path.push({ parent: level, name });
      level = next;
    }
    const leaf = level;
    const entry = { value, sequence: this.#sequence++ };
    leaf.entries.push(entry);
    return () => {
      const index = leaf.entries.indexOf(entry);
      if (index === -1) return;
      leaf.entries.splice(index, 1);
      for (let step = path.pop(); step !== undefined; step = path.pop()) {
        const child = step.parent.children.get(step.name);
        if (child === undefined || child.entries.length > 0 || child.children.size > 0) break;
        step.parent.children.delete(step.name);
      }
    };
  }

  find(topic: string): readonly T[] {
    const found: Entry<T>[] = [];
    const levels = topic.split('/');
    walk(this.#root, levels, 0, !topic.startsWith('$'), found);
    if (found.length > 1) found.sort((a, b) => a.sequence - b.sequence);
    return found.map((entry) => entry.value);
  }
}

interface Entry<T> {
  readonly value: T;
  readonly sequence: number;
}

class Level<T> {
  readonly children = new Map<string, Level<T>>();
  readonly entries: Entry<T>[] = [];
}

function walk<T>(
  level: Level<T>,
  levels: readonly string[],
  depth: number,
  wild: boolean,
  found: Entry<T>[],
): void {
  if (wild) for (const entry of level.children.get('#')?.entries ?? []) found.push(entry);
  if (depth === levels.length) {
    for (const entry of level.entries) found.push(entry);
    return;
  }
  const exact = level.children.get(levels[depth] ?? '');
  if (exact !== undefined) walk(exact, levels, depth + 1, true, found);
  const any = wild ? level.children.get('+') : undefined;
  if (any !== undefined) walk(any, levels, depth + 1, true, found);
}
