import type { Kind } from '../../src/kube/object.ts';
import { chance, type Random } from '../../src/random/random.ts';
import type { ApiFault, Intercept, RequestKey, Verb } from '../cluster/in-process.ts';
import type { Delivery } from '../cluster/reads.ts';
import type { WatchFault, WatchIntercept } from '../cluster/watch-fault.ts';

/** Which requests and deliveries are meant; what is absent does not matter. */
export interface RequestSelector {
  readonly verb?: Verb;
  /** As manifests write it: `Device`. */
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly users?: readonly string[];
  /** Users who are spared. */
  readonly spares?: readonly string[];
}

/** One fault of the API that is on. */
export interface Front {
  /** Its name in the catalogue; names the stream of its chances, too. */
  readonly fault: string;
  readonly selects: RequestSelector;
  /** Chance that it strikes what it selects, 0…1; absent: 1. */
  readonly probability?: number;
  /** Strikes until it is spent; absent: as long as it is on. */
  readonly count?: number;
  /** Undefined lets this request through, and no chance is drawn. */
  readonly request?: (verb: Verb, kind: Kind, key: RequestKey) => ApiFault | undefined;
  readonly delivery?: (delivery: Delivery) => WatchFault | undefined;
}

interface Standing {
  readonly front: Front;
  readonly random: Random;
  left: number;
}

/**
 * What the API server is like at the moment. The one place that decides which fault strikes what, for both doors.
 *
 * Every fault draws its chances from a stream of its own, so that the strikes of one do not move those of another.
 */
export class ApiWeather {
  readonly #random: Random;
  readonly #standing = new Set<Standing>();
  readonly #strikes = new Map<string, number>();
  readonly #added = new Map<string, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** How often each fault has struck, by its name. */
  get strikes(): ReadonlyMap<string, number> {
    return this.#strikes;
  }

  /** Turns a fault on; the returned function turns it off. */
  add(front: Front): () => void {
    const number = (this.#added.get(front.fault) ?? 0) + 1;
    this.#added.set(front.fault, number);
    const random = this.#random.split(`${front.fault}/${number}`);
    const standing = { front, random, left: front.count ?? Number.POSITIVE_INFINITY };
    this.#standing.add(standing);
    return () => {
      this.#standing.delete(standing);
    };
  }

  /** Of several faults the first that answers counts; what makes requests slow adds up. */
  readonly intercept: Intercept = (verb, kind, key, user) => {
    let latencyMs = 0;
    let answered: ApiFault | undefined;
    for (const standing of this.#standing) {
      const { request, selects } = standing.front;
      if (request === undefined || !isSelected(selects, kind, key, user)) continue;
      if (selects.verb !== undefined && selects.verb !== verb) continue;
      const fault = this.#struck(standing, request(verb, kind, key));
      latencyMs += fault?.latencyMs ?? 0;
      if (fault?.error !== undefined) answered ??= fault;
    }
    return answered === undefined && latencyMs === 0 ? undefined : { ...answered, latencyMs };
  };

  readonly interceptWatch: WatchIntercept = (kind, delivery, user) => {
    for (const standing of this.#standing) {
      const { delivery: befalls, selects } = standing.front;
      if (befalls === undefined || !isSelected(selects, kind, keyOf(delivery), user)) continue;
      const fault = this.#struck(standing, befalls(delivery));
      if (fault !== undefined) return fault;
    }
    return undefined;
  };

  #struck<F>(standing: Standing, fault: F | undefined): F | undefined {
    const { front, random } = standing;
    if (fault === undefined || standing.left === 0) return undefined;
    if (front.probability !== undefined && !chance(random, front.probability)) return undefined;
    standing.left--;
    this.#strikes.set(front.fault, (this.#strikes.get(front.fault) ?? 0) + 1);
    return fault;
  }
}

function isSelected(selects: RequestSelector, kind: Kind, key: RequestKey, user: string): boolean {
  return (
    (selects.users?.includes(user) ?? true) &&
    selects.spares?.includes(user) !== true &&
    (selects.kind ?? kind.kind) === kind.kind &&
    (selects.namespace === undefined || selects.namespace === key.namespace) &&
    (selects.name === undefined || selects.name === key.name)
  );
}

function keyOf(delivery: Delivery): RequestKey {
  if (delivery.type === 'BOOKMARK') return {};
  const { namespace, name } = delivery.object.metadata;
  return namespace === undefined ? { name } : { namespace, name };
}
