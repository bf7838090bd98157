import type { Random } from '../../src/random/random.ts';
import type { Intercept } from '../registry/fault.ts';
import type { RegistryStore } from '../registry/store.ts';

/** What the registry is like at the moment: of several faults that are on, the first that strikes a call counts. */
export class RegistryWeather {
  readonly random: Random;
  readonly store: RegistryStore;
  readonly #faults = new Set<Intercept>();

  constructor(store: RegistryStore, random: Random) {
    this.store = store;
    this.random = random;
  }

  readonly intercept: Intercept = (request) => {
    for (const strike of this.#faults) {
      const fault = strike(request);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };

  /** Turns a fault on; the returned function turns it off. */
  add(fault: Intercept): () => void {
    this.#faults.add(fault);
    return () => {
      this.#faults.delete(fault);
    };
  }
}
