import { execFileSync, spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where `.ci/run` installs the Python peers. */
const PEERS =
  process.env.BRICKPROOF_PEERS ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'brickproof-peers');

/** Path of one of the Python peers: `esptool`, `espefuse`, `espsecure` … */
export function peerPath(tool: string): string {
  return join(PEERS, 'bin', tool);
}

/** Runs one of the Python peers to its end; returns what it printed. Throws with its complaint when it fails. */
export function peer(tool: string, ...args: readonly string[]): string {
  return execFileSync(peerPath(tool), args, { encoding: 'utf8', stdio: 'pipe' });
}

/** Exit code of a peer that may say no. */
export function peerStatus(tool: string, ...args: readonly string[]): number | null {
  return spawnSync(peerPath(tool), args, { stdio: 'ignore' }).status;
}
