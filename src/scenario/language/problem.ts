/** Something wrong in a scenario, and where. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** One line: what is wrong and what to do. */
  readonly message: string;
  /** Nothing is wrong with the file; what it asks for is not built yet. */
  readonly unbuilt?: boolean;
}

/** `file:line:column: message`, as editors and compilers understand it. */
export function describeProblem(problem: Problem): string {
  const place =
    problem.line === undefined ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  return `${place}: ${problem.message}`;
}

/** A scenario that cannot be run. Thrown before anything has happened. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  /** In the order of the file, at least one. */
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(describeProblem).join('\n'));
    this.problems = problems;
  }

  /** True when the only thing wrong is that it asks for what is not built. */
  get unbuilt(): boolean {
    return this.problems.every((problem) => problem.unbuilt === true);
  }
}
