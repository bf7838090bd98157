import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HERE = dirname(fileURLToPath(import.meta.url));
const PEERS =
  process.env.BRICKPROOF_PEERS ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'brickproof-peers');

/** A peer that is built from a Go module kept beside this file, whose go.sum pins every byte of it. */
export interface GoPeer {
  /** Name of the binary; carries the version, so that a new one is built anew. */
  readonly binary: string;
  /** Folder beside this file with go.mod and go.sum. */
  readonly module: string;
  readonly package: string;
  readonly ldflags?: string;
}

/** Where the peer is, or would be. */
export function pathOfGoPeer({ binary }: Pick<GoPeer, 'binary'>): string {
  return join(PEERS, 'bin', binary);
}

/** Path of the peer, compiled (minutes, the first time) where it is not there yet. Fails loudly without Go. */
export async function buildGoPeer(peer: GoPeer): Promise<string> {
  const binary = pathOfGoPeer(peer);
  if (existsSync(binary)) return binary;
  mkdirSync(dirname(binary), { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  const flags = ['-trimpath', '-ldflags', peer.ldflags ?? '-s -w', '-o', unfinished];
  await run('nice', ['-n', '19', 'go', 'build', ...flags, peer.package], { cwd: join(HERE, peer.module) });
  renameSync(unfinished, binary);
  return binary;
}
