import { SeededRandom } from '../../random/random.ts';
import { problemsOf } from '../language/issue-text.ts';
import { type Problem, ScenarioError } from '../language/problem.ts';
import { scenarioSchema, UNBUILT_KEYS } from '../language/schema.ts';
import { readYaml, type YamlSource } from '../language/yaml-source.ts';
import type { ScenarioPlan } from '../plan.ts';
import type { Draft, ScenarioFolder } from './draft.ts';
import { planBehaviours, planFirmware, planSignatures } from './plan-firmware.ts';
import { chipsOfFleet, planFleet } from './plan-fleet.ts';
import { planSteps } from './plan-steps.ts';
import { planNever } from './plan-subject.ts';

export interface PlanOptions {
  /** Wins over the scenario's own. */
  readonly seed?: number;
  /** Number of genuine boards, in the proportions of the scenario. */
  readonly boards?: number;
}

const DEFAULT_SEED = 1;
const DEFAULT_BUDGET_MS = 24 * 3_600_000;
const DEFAULT_SETTLE_MS = 3_600_000;

/**
 * Reads a scenario and everything it names, checks all of it, and draws what is to be drawn.
 *
 * Throws ScenarioError with every problem found; nothing has happened then.
 */
export function makePlan(folder: ScenarioFolder, options: PlanOptions = {}): ScenarioPlan {
  const file = folder.display(folder.scenario);
  const bytes = folder.read(folder.scenario);
  if (bytes === undefined) throw new ScenarioError([{ file, message: 'there is no such scenario file' }]);
  const { source, problems } = readOnlyDocument(file, new TextDecoder().decode(bytes));
  if (source === undefined) throw new ScenarioError(problems);

  const unbuilt = unbuiltKeys(source);
  const parsed = scenarioSchema.safeParse(withoutKeys(source.value, Object.keys(UNBUILT_KEYS)));
  if (!parsed.success)
    throw new ScenarioError(sorted([...unbuilt, ...problemsOf(source, scenarioSchema, parsed.error)]));
  const document = parsed.data;
  const seed = options.seed ?? document.seed ?? DEFAULT_SEED;
  const draft: Draft = {
    folder,
    source,
    document,
    random: SeededRandom.ofSeed(seed).split('plan'),
    problems: [...unbuilt],
    files: [{ path: folder.scenario, bytes, kind: 'text' }],
    firmware: [],
    boards: [],
  };
  draft.firmware = planFirmware(draft, chipsOfFleet(document.fleet));
  draft.boards = planFleet(draft, options.boards);
  draft.firmware = draft.firmware.map((firmware) => planBehaviours(draft, firmware));
  const signatures = planSignatures(draft);
  const steps = planSteps(draft);
  const never = (document.properties?.never ?? []).flatMap(
    (entry, index) => planNever(draft, ['properties', 'never', index], entry) ?? [],
  );
  if (draft.problems.length > 0) throw new ScenarioError(sorted(draft.problems));
  return {
    name: document.metadata.name,
    description: document.metadata.description ?? '',
    seed,
    budgetMs: document.budget ?? DEFAULT_BUDGET_MS,
    settleWithinMs: document['settle-within'] ?? DEFAULT_SETTLE_MS,
    firmware: draft.firmware,
    ...(signatures !== undefined && { signatures }),
    boards: draft.boards,
    steps,
    properties: {
      always: document.properties?.always ?? [],
      never,
      sometimes: document.properties?.sometimes ?? [],
    },
    files: draft.files,
  };
}

function readOnlyDocument(
  file: string,
  text: string,
): { readonly source: YamlSource | undefined; readonly problems: readonly Problem[] } {
  const { sources, problems } = readYaml(file, text);
  if (problems.length > 0) return { source: undefined, problems };
  const [source, second] = sources;
  if (source === undefined)
    return { source, problems: [{ file, line: 1, column: 1, message: 'the file is empty' }] };
  if (second !== undefined)
    return {
      source: undefined,
      problems: [second.problemAt([], 'a file holds one scenario; make two files')],
    };
  return { source, problems: [] };
}

function unbuiltKeys(source: YamlSource): Problem[] {
  return Object.entries(UNBUILT_KEYS).flatMap(([key, what]) => {
    const value = source.value;
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return [];
    return [{ ...source.problemAtKey([key], `"${key}" (${what}) is not built yet`), unbuilt: true }];
  });
}

function withoutKeys(value: unknown, keys: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

/** By place, the scenario's own file and those it names each in one piece. */
function sorted(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map((problem) => problem.file))];
  return [...problems].sort(
    (a, b) =>
      files.indexOf(a.file) - files.indexOf(b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0),
  );
}
