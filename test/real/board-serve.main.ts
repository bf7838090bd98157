import { Command } from 'commander';
import { registerBoardServe } from '../../src/cli/board-serve.ts';

/** `board serve` as a program of its own, for tests that need nothing else of the command line. */
const program = new Command('brickproof');
registerBoardServe(program.command('board'));
await program.parseAsync();
