import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where the tools live between runs; a virtual environment of Python's own. */
const HOME = process.env.BRICKPROOF_ESPTOOL ?? join(tmpdir(), 'brickproof-esptool');

let installed: Promise<string> | undefined;

/** Path of one of Espressif's tools (`esptool`, `espefuse`, `espsecure`), the newest that pip finds. */
export async function espressifTool(name: string): Promise<string> {
  installed ??= install();
  return join(await installed, name);
}

async function install(): Promise<string> {
  const bin = join(HOME, process.platform === 'win32' ? 'Scripts' : 'bin');
  const python = join(bin, 'python');
  if (!existsSync(python)) await run('python3', ['-m', 'venv', HOME]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--upgrade', 'esptool'], { timeout: 300_000 });
  return bin;
}
