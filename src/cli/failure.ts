import { KubeConnectionError } from '../../operator/adapters/kube-connection-error.ts';
import { isKubeError } from '../kube/error.ts';
import { describeProblem, ScenarioError } from '../scenario/language/problem.ts';
import { EXIT_CODE, type ExitCode } from '../scenario/result.ts';
import { WorldError } from '../scenario/world.ts';

/** What a command asked for cannot be: bad arguments. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Throws the UsageError that says this. */
export function rejectUsage(message: string): never {
  throw new UsageError(message);
}

/** A command that ends without an answer, or with a no: `unavailable` for what is not to be had here, `refused` for a check. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly code: 'refused' | 'unavailable';

  constructor(code: CommandFailure['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** An error as lines for people, and the exit code that goes with it. */
export function explain(error: unknown): { readonly lines: readonly string[]; readonly exitCode: ExitCode } {
  if (error instanceof ScenarioError)
    return {
      lines: error.problems.map(describeProblem),
      exitCode: error.unbuilt ? EXIT_CODE.unavailable : EXIT_CODE.usage,
    };
  if (error instanceof UsageError || error instanceof KubeConnectionError)
    return { lines: [`brickproof: ${error.message}`], exitCode: EXIT_CODE.usage };
  if (error instanceof CommandFailure)
    return {
      lines: [`brickproof: ${error.message}`],
      exitCode: error.code === 'refused' ? EXIT_CODE.safety : EXIT_CODE.unavailable,
    };
  if (error instanceof WorldError)
    return {
      lines: [`brickproof: ${error.message}`],
      exitCode: error.code === 'bad-scenario' ? EXIT_CODE.usage : EXIT_CODE.unavailable,
    };
  if (isKubeError(error, 'Unreachable'))
    return { lines: [`brickproof: ${error.message}`], exitCode: EXIT_CODE.unavailable };
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    lines: [`brickproof: a bug; please report it with the lines below`, text],
    exitCode: EXIT_CODE.bug,
  };
}
