import { KubeError } from '../../src/kube/error.ts';
import { chance, type Random } from '../../src/random/random.ts';
import type { ApiFault, Intercept, Verb } from '../cluster/in-process.ts';

const WRITES: readonly Verb[] = ['create', 'replace', 'patch', 'delete'];

/** What the API server is like for some of its users at the moment; fair weather unless a fault says otherwise. */
export class ApiWeather {
  /** Chance that a write is answered with 409, 0…1. */
  conflictProbability = 0;
  /** Faults that keep the server away; it is there when none does. */
  outages = 0;
  readonly #users: readonly string[];
  readonly #random: Random;

  constructor(users: readonly string[], random: Random) {
    this.#users = users;
    this.#random = random;
  }

  readonly intercept: Intercept = (verb, kind, key, user): ApiFault | undefined => {
    if (!this.#users.includes(user)) return undefined;
    if (this.outages > 0)
      return {
        error: new KubeError('ServiceUnavailable', 'the server is currently unable to handle the request'),
      };
    if (this.conflictProbability === 0 || !WRITES.includes(verb)) return undefined;
    if (!chance(this.#random, this.conflictProbability)) return undefined;
    return {
      error: new KubeError(
        'Conflict',
        `Operation cannot be fulfilled on ${kind.plural} "${key.name ?? ''}": the object has been modified; please apply your changes to the latest version and try again`,
      ),
    };
  };
}
