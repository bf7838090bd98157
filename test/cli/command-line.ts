import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll } from 'vitest';
import { explain } from '../../src/cli/failure.ts';
import { registerFlashCommands } from '../../src/cli/flash-commands.ts';

/** A folder that lives as long as the tests of one file, and paths into it. */
export function scratchFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'brickproof-cli-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return {
    path: (name: string) => join(folder, name),
    write: (name: string, contents: Uint8Array | string) => {
      writeFileSync(join(folder, name), contents);
      return join(folder, name);
    },
    read: (name: string) => Uint8Array.from(readFileSync(join(folder, name))),
  };
}

export interface Answer {
  readonly out: string;
  readonly err: string;
  /** As the process would end. */
  readonly exitCode: number;
}

/** Runs a command line in this process. */
export function brickproof(...args: readonly string[]): Answer {
  let out = '';
  let err = '';
  const program = new Command('brickproof').exitOverride().configureOutput({
    writeOut: (text) => {
      out += text;
    },
    writeErr: (text) => {
      err += text;
    },
  });
  registerFlashCommands(program);
  try {
    program.parse(args, { from: 'user' });
    return { out, err, exitCode: 0 };
  } catch (error) {
    const { lines, exitCode } = explain(error);
    return { out, err: `${err}${lines.join('\n')}\n`, exitCode };
  }
}

export function brickproofJson(...args: readonly string[]) {
  const { out, err, exitCode } = brickproof(...args, '--json');
  if (exitCode !== 0) throw new Error(err);
  return JSON.parse(out);
}
