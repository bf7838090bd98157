import type { KubeCause } from './error.ts';
import { forbiddenValue } from './field-cause.ts';

const RULE_COST_MAX = 10_000_000;
const SCHEMA_COST_MAX = 100_000_000;

/**
 * What the rules of one schema may cost at the most, by an estimate, each and all together; what exceeds
 * the limits is refused when the definition is made, not when an object comes that is too large.
 * Source: apiextensions-apiserver v0.32, pkg/apis/apiextensions/validation/validation.go.
 */
export class RuleCosts {
  readonly #expensive: string[] = [];
  #total = 0;

  /** Notes what the expression at `path` may cost, `what` naming it; complains when that is too much. */
  observe(cost: number, what: string, path: string, causes: KubeCause[]): void {
    this.#total += cost;
    if (cost >= SCHEMA_COST_MAX / 100) this.#expensive.push(path);
    if (cost > RULE_COST_MAX) causes.push(tooExpensive(`estimated ${what} cost`, cost / RULE_COST_MAX, path));
  }

  /** Complains when all together is too much; `path` is that of the schema. */
  checkTotal(path: string, causes: KubeCause[]): void {
    if (this.#total <= SCHEMA_COST_MAX) return;
    const share = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
    for (const one of this.#expensive) causes.push(forbiddenValue(one, share));
    const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
    causes.push(tooExpensive(what, this.#total / SCHEMA_COST_MAX, path));
  }
}

function tooExpensive(what: string, factor: number, path: string): KubeCause {
  const times =
    factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  const advice =
    'try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared';
  return forbiddenValue(path, `${what} exceeds budget by factor of ${times} (${advice})`);
}
