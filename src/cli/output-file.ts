import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CommandFailure } from './failure.ts';

/**
 * Writes a whole file or none: beside its place first, then into it. What stands there is replaced.
 *
 * Fails as `unavailable` when that cannot be done. Devices and pipes, which cannot be replaced, are written to.
 */
export function writeOutput(path: string, contents: Uint8Array | string): void {
  try {
    const target = statSync(path, { throwIfNoEntry: false });
    if (target?.isDirectory() === true) throw new Error('it is a folder');
    if (target !== undefined && !target.isFile()) writeFileSync(path, contents);
    // A link stays a link: the file behind it is what is replaced.
    else replaceFile(target === undefined ? path : realpathSync(path), contents);
  } catch (error) {
    throw new CommandFailure('unavailable', `${path} cannot be written: ${(error as Error).message}`);
  }
}

function replaceFile(path: string, contents: Uint8Array | string): void {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}`);
  try {
    const handle = openSync(draft, 'wx');
    try {
      writeFileSync(handle, contents);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
