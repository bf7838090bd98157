import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import type { StoreFiles } from '../registry/store-files.ts';

/** What a file is called until it is whole. */
const UNFINISHED = '.part';

/** A registry's files in a folder. Written beside, flushed, renamed, and the folder flushed: crash-safe. */
export class RegistryFiles implements StoreFiles {
  readonly #folder: string;
  readonly #lock: string;

  /** Throws Error when the folder is in use by a running process, or cannot be made. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#lock = join(folder, 'lock');
    mkdirSync(folder, { recursive: true });
    this.#takeLock();
  }

  /** Lets another process have the folder. Idempotent. */
  close(): void {
    rmSync(this.#lock, { force: true });
  }

  list(): readonly string[] {
    const found: string[] = [];
    for (const root of ['blobs', 'repositories']) {
      const entries = readdirSync(join(this.#folder, root), { recursive: true, withFileTypes: true });
      for (const entry of entries) {
        if (!entry.isFile()) continue;
        const file = join(entry.parentPath, entry.name);
        // What a crash left half-written was never answered for.
        if (entry.name.endsWith(UNFINISHED)) rmSync(file);
        else found.push(relative(this.#folder, file).split(sep).join('/'));
      }
    }
    return found.sort();
  }

  read(path: string): Uint8Array {
    const { buffer, byteOffset, length } = readFileSync(join(this.#folder, path));
    return new Uint8Array(buffer, byteOffset, length);
  }

  write(path: string, bytes: Uint8Array): void {
    const file = join(this.#folder, path);
    const unfinished = `${file}${UNFINISHED}`;
    mkdirSync(dirname(file), { recursive: true });
    const handle = openSync(unfinished, 'w');
    try {
      writeFileSync(handle, bytes);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(unfinished, file);
    flushFolder(dirname(file));
  }

  remove(path: string): void {
    const file = join(this.#folder, path);
    rmSync(file, { force: true });
    flushFolder(dirname(file));
  }

  #takeLock(): void {
    for (const root of ['blobs', 'repositories']) mkdirSync(join(this.#folder, root), { recursive: true });
    try {
      writeFileSync(this.#lock, String(process.pid), { flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(readFileSync(this.#lock, 'utf8'));
      if (holder !== process.pid && isRunning(holder))
        throw new Error(`${this.#folder} is in use by process ${holder}`);
      writeFileSync(this.#lock, String(process.pid));
    }
  }
}

/** A new name is durable once its folder is; not every system lets a folder be flushed. */
function flushFolder(folder: string): void {
  if (process.platform === 'win32') return;
  try {
    const handle = openSync(folder, 'r');
    fsyncSync(handle);
    closeSync(handle);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
