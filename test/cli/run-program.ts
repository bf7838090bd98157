import { main } from '../../src/cli/main.ts';
import { ScriptedConsole } from './scripted-console.ts';

export interface CommandRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs the whole program in this process and gives back what a shell would see. */
export async function runProgram(...line: readonly string[]): Promise<CommandRun> {
  const console = new ScriptedConsole();
  const exitCode = await main(line, console);
  return { stdout: console.stdout, stderr: console.stderr, exitCode };
}
