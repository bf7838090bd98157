import { Command } from 'commander';
import { vi } from 'vitest';

export interface CommandRun {
  readonly stdout: string;
  readonly stderr: string;
  /** 0 when the command set none. */
  readonly exitCode: number;
}

/** Runs a command line in this process, as the main program would, and gives back what a shell would see. */
export async function runCommandLine(
  register: (program: Command) => void,
  ...line: readonly string[]
): Promise<CommandRun> {
  let [stdout, stderr] = ['', ''];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text;
    return true;
  });
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += text;
    return true;
  });
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    const program = new Command('brickproof');
    register(program);
    await program.parseAsync(line, { from: 'user' });
    return { stdout, stderr, exitCode: Number(process.exitCode) };
  } finally {
    process.exitCode = before;
    out.mockRestore();
    err.mockRestore();
  }
}
