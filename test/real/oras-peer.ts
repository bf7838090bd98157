import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MODULE = join(dirname(fileURLToPath(import.meta.url)), 'oras');
const PEERS =
  process.env.BRICKPROOF_PEERS ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'brickproof-peers');

/** Path of oras, built from the module beside this file where it is not there yet. Fails loudly without Go. */
export async function buildOras(): Promise<string> {
  const binary = join(PEERS, 'bin', 'oras');
  if (existsSync(binary)) return binary;
  mkdirSync(dirname(binary), { recursive: true });
  await run('nice', ['-n', '19', 'go', 'build', '-trimpath', '-o', binary, 'oras.land/oras/cmd/oras'], {
    cwd: MODULE,
  });
  return binary;
}

/** Runs oras in `folder`, without TLS; its errors come out with what it said. */
export async function runOras(folder: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(await buildOras(), args, { cwd: folder });
  return stdout;
}
