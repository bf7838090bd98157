import { makePlan } from '../scenario/planning/make-plan.ts';
import type { Report } from '../scenario/report/report-json.ts';
import { openWorld } from './open-world.ts';
import { tell } from './run-scenario.ts';
import { openScenario } from './scenario-path.ts';

export { ScenarioError } from '../scenario/language/problem.ts';
export { scenarioJsonSchema } from '../scenario/language/schema.ts';
export type { Report } from '../scenario/report/report-json.ts';
export { EXIT_CODE, EXIT_CODE_MEANING } from '../scenario/result.ts';
export { WorldError } from '../scenario/world.ts';

export interface RunScenarioOptions {
  /** Wins over the scenario's own. */
  readonly seed?: number;
  /** Number of genuine boards, in the proportions of the scenario. */
  readonly boards?: number;
  /** Folder for the report; absent: none is written. */
  readonly report?: string;
  /** Goes on after a violation of a safety property. */
  readonly keepGoing?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Tells a scenario to the simulated world: `path` is its folder or its file.
 *
 * A run that failed is a report with `outcome: 'failed'`. Rejects with ScenarioError when the scenario
 * cannot be run, and with WorldError when the world lacks something.
 */
export async function runScenario(path: string, options: RunScenarioOptions = {}): Promise<Report> {
  const folder = openScenario(path);
  const { seed, boards, signal } = options;
  const plan = makePlan(folder, {
    ...(seed !== undefined && { seed }),
    ...(boards !== undefined && { boards }),
  });
  const { report } = await tell({
    plan,
    world: { kind: 'sim', cluster: { kind: 'embedded', port: 0 }, speed: 1, say: () => {} },
    openWorld,
    reportPath: options.report,
    keepGoing: options.keepGoing ?? false,
    checkDeterminism: false,
    boards,
    scenario: folder.scenario,
    locate: (name) => folder.display(name),
    command: `npx brickproof run ${path} --seed ${plan.seed}`,
    hooks: { wallClockMs: () => performance.now(), ...(signal !== undefined && { signal }) },
  });
  return report;
}
