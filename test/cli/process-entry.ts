import { Command } from 'commander';
import { CommandFailure } from '../../src/cli/command-failure.ts';
import { registerAll } from './register-all.ts';

// A program of these commands alone, to be started as a process.
const program = new Command('brickproof');
registerAll(program);
try {
  program.parse();
} catch (error) {
  if (!(error instanceof CommandFailure)) throw error;
  process.stderr.write(`brickproof: ${error.message}\n`);
  process.exitCode = error.exitCode;
}
