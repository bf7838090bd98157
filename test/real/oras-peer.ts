import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { buildGoPeer, type GoPeer } from './go-peer.ts';

const run = promisify(execFile);

export const ORAS: GoPeer = { binary: 'oras', module: 'oras', package: 'oras.land/oras/cmd/oras' };

/** Path of oras, built from the module beside this file where it is not there yet. */
export function buildOras(): Promise<string> {
  return buildGoPeer(ORAS);
}

/** Runs oras in `folder`, without TLS; its errors come out with what it said. */
export async function runOras(folder: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(await buildOras(), args, { cwd: folder });
  return stdout;
}
