import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import { z } from 'zod';
import { FAULT_NAMES, type FaultName } from './fault.ts';
import { problemsOf } from './language/issue-text.ts';
import { suggest } from './language/nearest.ts';
import { type Problem, ScenarioError } from './language/problem.ts';
import { API_VERSION } from './language/schema.ts';
import { readYaml, type YamlSource } from './language/yaml-source.ts';
import type { PlannedStep, ScenarioPlan } from './plan.ts';
import type { ScenarioFolder } from './planning/draft.ts';
import type { RunResult } from './result.ts';

const faultSchema = z.strictObject({
  step: z.int().min(1),
  fault: z.enum(FAULT_NAMES as [FaultName, ...FaultName[]]),
  boards: z.array(z.string()),
  forMs: z.number().min(0).optional(),
  parameters: z.record(z.string(), z.number()),
  words: z.record(z.string(), z.string()).optional(),
});

const replaySchema = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('Replay'),
  version: z.string(),
  world: z.enum(['sim', 'live', 'bench']),
  seed: z.int().min(0),
  boards: z.int().min(1).optional(),
  recorded: z.strictObject({ traceHash: z.string(), exitCode: z.int(), failure: z.string() }),
  scenario: z.string(),
  files: z
    .array(
      z.strictObject({
        path: z.string(),
        text: z.string().optional(),
        from: z.string().optional(),
        sha256: z.string().optional(),
      }),
    )
    .min(1),
  plan: z.strictObject({ faults: z.array(faultSchema) }),
});

/** A failed run, written down so that it can be run again anywhere, or edited and run again. */
export type Replay = z.output<typeof replaySchema>;

export interface ReplayFacts {
  /** Of brickproof. */
  readonly version: string;
  /** The number of genuine boards, when it was not the scenario's own. */
  readonly boards?: number;
  /** The scenario's own file, from its folder. */
  readonly scenario: string;
  /** Where an image that is only named can be found again. */
  readonly locate: (path: string) => string;
}

const HEADER = `# A run of brickproof, to be told again: brickproof replay <this file>
# Texts are embedded; images are named with their digests. The faults of plan.faults are what was drawn:
# take boards or whole faults away to find out which of them matter.
`;

export function writeReplay(plan: ScenarioPlan, result: RunResult, facts: ReplayFacts): string {
  const replay: Replay = {
    apiVersion: API_VERSION,
    kind: 'Replay',
    version: facts.version,
    world: result.world,
    seed: plan.seed,
    ...(facts.boards !== undefined && { boards: facts.boards }),
    recorded: { traceHash: result.traceHash, exitCode: result.exitCode, failure: result.failure },
    scenario: facts.scenario,
    files: plan.files.map(({ path, bytes, kind }) =>
      kind === 'text'
        ? { path, text: new TextDecoder().decode(bytes) }
        : { path, from: facts.locate(path), sha256: sha256(bytes) },
    ),
    plan: {
      faults: plan.steps.flatMap((step) => {
        if (step.verb !== 'inject') return [];
        const { fault, boards, parameters, words } = step.order;
        const forMs = step.forMs === undefined ? {} : { forMs: step.forMs };
        const said = words === undefined ? {} : { words: { ...words } };
        return [
          { step: step.number, fault, boards: [...boards], ...forMs, parameters: { ...parameters }, ...said },
        ];
      }),
    },
  };
  return HEADER + stringify(replay, { lineWidth: 0 });
}

/** Reads a replay; throws ScenarioError with every problem and its place. */
export function readReplay(
  file: string,
  text: string,
): { readonly replay: Replay; readonly source: YamlSource } {
  const { sources, problems } = readYaml(file, text);
  const source = sources[0];
  if (problems.length > 0 || source === undefined)
    throw new ScenarioError(problems.length > 0 ? problems : [{ file, message: 'the file is empty' }]);
  const parsed = replaySchema.safeParse(source.value);
  if (!parsed.success) throw new ScenarioError(problemsOf(source, replaySchema, parsed.error));
  return { replay: parsed.data, source };
}

/** The scenario's folder as it was recorded. `readImage` finds the files that are only named. */
export function folderOfReplay(
  { replay, source }: ReturnType<typeof readReplay>,
  readImage: (path: string) => Uint8Array | undefined,
): ScenarioFolder {
  const encoder = new TextEncoder();
  const found = new Map<string, Uint8Array>();
  const problems: Problem[] = [];
  for (const [index, { path, text, from, sha256: digest }] of replay.files.entries()) {
    if (text !== undefined) {
      found.set(path, encoder.encode(text));
      continue;
    }
    const bytes = readImage(from ?? path);
    if (bytes === undefined)
      problems.push(source.problemAt(['files', index], `the image ${from ?? path} is not there any more`));
    else if (digest !== undefined && sha256(bytes) !== digest)
      problems.push(
        source.problemAt(
          ['files', index],
          `the image ${from ?? path} is another one by now: its SHA-256 is ${sha256(bytes)}`,
        ),
      );
    else found.set(path, bytes);
  }
  if (problems.length > 0) throw new ScenarioError(problems);
  return { scenario: replay.scenario, display: (path) => path, read: (path) => found.get(path) };
}

/** The plan with the faults as recorded: those that were taken out are left out, boards and times as they stand there. */
export function withRecordedFaults(
  plan: ScenarioPlan,
  { replay, source }: ReturnType<typeof readReplay>,
): ScenarioPlan {
  const names = plan.boards.map((board) => board.name);
  const known = new Set(names);
  const problems: Problem[] = [];
  for (const [index, recorded] of replay.plan.faults.entries()) {
    const at = ['plan', 'faults', index];
    const step = plan.steps.find((candidate) => candidate.number === recorded.step);
    if (step?.verb !== 'inject')
      problems.push(source.problemAt([...at, 'step'], `step ${recorded.step} injects no fault`));
    for (const [position, board] of recorded.boards.entries())
      if (!known.has(board))
        problems.push(
          source.problemAt([...at, 'boards', position], `unknown board "${board}"${suggest(board, names)}`),
        );
  }
  if (problems.length > 0) throw new ScenarioError(problems);
  const steps = plan.steps.flatMap((step): PlannedStep[] => {
    if (step.verb !== 'inject') return [step];
    const recorded = replay.plan.faults.find((fault) => fault.step === step.number);
    if (recorded === undefined) return [];
    const { forMs: _, ...rest } = step;
    const { fault, boards, parameters, words, forMs } = recorded;
    const order = { fault, boards, parameters, ...(words !== undefined && { words }) };
    return [{ ...rest, order, ...(forMs !== undefined && { forMs }) }];
  });
  return { ...plan, steps };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
