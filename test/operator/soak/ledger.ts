import type { Informer } from '../../../operator/runtime/informer.ts';
import { compareVersions } from '../../../operator/runtime/resource-version.ts';
import { type KubeObject, keyOf, keyText } from '../../../src/kube/object.ts';

/**
 * A listener that believes nothing but what it is told, and keeps account of it.
 *
 * What it has at the end is what reached the handlers. Every contradiction on the way is noted: a state that does
 * not follow on the one told before, an object told twice, a version that goes back although no data was lost.
 */
export class Ledger<T extends KubeObject> {
  readonly contradictions: string[] = [];
  told = 0;
  readonly #objects = new Map<string, T>();

  constructor(informer: Informer<T>) {
    informer.onChange((before, after, source) => {
      this.told++;
      const object = (after ?? before) as T;
      const key = keyText(keyOf(object));
      const had = this.#objects.get(key);
      if (had !== before) this.#note(`${key}: follows on a state that was never told`);
      if (before !== undefined && after !== undefined) {
        if (before.metadata.uid !== after.metadata.uid) this.#note(`${key}: one change, two objects`);
        const order = compareVersions(before.metadata.resourceVersion, after.metadata.resourceVersion) ?? 0;
        if (source === 'watch' && order >= 0) this.#note(`${key}: told again, or of the past`);
      }
      if (after === undefined) this.#objects.delete(key);
      else this.#objects.set(key, after);
    });
  }

  /** What handlers know, sorted by key. */
  get objects(): T[] {
    return [...this.#objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  #note(text: string): void {
    if (this.contradictions.length < 20) this.contradictions.push(text);
  }
}
