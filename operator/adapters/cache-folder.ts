import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { SharedContent } from '../../src/oci/content-cache.ts';
import { matchesDigest, parseDigest } from '../../src/oci/digest.ts';
import type { Clock } from '../../src/time/clock.ts';

export interface CacheFolderOptions {
  readonly clock: Clock;
  /** The least recently used content goes when the folder holds more. */
  readonly bytesMax: number;
  /** A lock that its holder has not renewed for so long is nobody's; default 15 s. */
  readonly lockMs?: number;
}

const LOCK_MS = 15_000;
/** How often a lock is renewed, and how often somebody who waits looks again, in parts of its life. */
const RENEWALS = 5;
const LOOKS = 60;
const LOCK = '.lock';
const UNFINISHED = '.part';

/**
 * Content in a folder that the agents of a node share, each in a Pod of its own: who comes first fetches, and
 * all others read what he wrote.
 *
 * Nothing in the folder is trusted: what is read is checked against its digest, and damaged files go. Agents may
 * be killed at any time: files appear whole, and a lock whose holder is dead runs out. A folder that cannot be
 * used costs another fetch and nothing else.
 */
export class CacheFolder implements SharedContent {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #bytesMax: number;
  readonly #lockMs: number;
  #written = 0;

  constructor(folder: string, { clock, bytesMax, lockMs = LOCK_MS }: CacheFolderOptions) {
    this.#folder = folder;
    this.#clock = clock;
    this.#bytesMax = bytesMax;
    this.#lockMs = lockMs;
  }

  async get(key: string, fetch: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const digest = parseDigest(key);
    if (!digest.ok) return fetch();
    const file = join(this.#folder, key.replace(':', '-'));
    for (;;) {
      const held = await this.#read(file, key);
      if (held !== undefined) return held;
      const lock = await this.#take(`${file}${LOCK}`);
      if (lock === 'unusable') return fetch();
      if (lock === 'taken') {
        await this.#clock.sleep(this.#lockMs / LOOKS);
        continue;
      }
      try {
        // Whoever held the lock before may have finished meanwhile.
        const found = await this.#read(file, key);
        if (found !== undefined) return found;
        const bytes = await fetch();
        await this.#write(file, bytes).catch(() => undefined);
        return bytes;
      } finally {
        await lock.release();
      }
    }
  }

  async #read(file: string, key: string): Promise<Uint8Array | undefined> {
    const digest = parseDigest(key);
    const buffer = await readFile(file).catch(() => undefined);
    if (buffer === undefined || !digest.ok) return undefined;
    const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
    if (!matchesDigest(bytes, digest.value)) {
      await rm(file, { force: true }).catch(() => undefined);
      return undefined;
    }
    await this.#touch(file);
    return bytes;
  }

  async #take(lock: string): Promise<{ release(): Promise<void> } | 'taken' | 'unusable'> {
    try {
      await mkdir(this.#folder, { recursive: true });
      await (await open(lock, 'wx')).close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return 'unusable';
      const found = await stat(lock).catch(() => undefined);
      // Two who both find it dead may both fetch: that costs a fetch, nothing else.
      if (found !== undefined && this.#now - found.mtimeMs > this.#lockMs)
        await rm(lock, { force: true }).catch(() => undefined);
      return 'taken';
    }
    const ended = new AbortController();
    const renewing = this.#renew(lock, ended.signal);
    return {
      release: async () => {
        ended.abort();
        await renewing;
        await rm(lock, { force: true }).catch(() => undefined);
      },
    };
  }

  async #renew(lock: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#touch(lock);
      await this.#clock.sleep(this.#lockMs / RENEWALS, signal).catch(() => undefined);
    }
  }

  async #write(file: string, bytes: Uint8Array): Promise<void> {
    const unfinished = `${file}.${process.pid}-${++this.#written}${UNFINISHED}`;
    const handle = await open(unfinished, 'w');
    try {
      await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
    await rename(unfinished, file);
    await this.#evict();
  }

  /** Also drops what agents that were killed left half-written. */
  async #evict(): Promise<void> {
    const entries = (await readdir(this.#folder)).filter((name) => !name.endsWith(LOCK));
    const files = await Promise.all(
      entries.map(async (name) => {
        const path = join(this.#folder, name);
        const found = await stat(path).catch(() => undefined);
        return { path, sizeBytes: found?.size ?? 0, usedAtMs: found?.mtimeMs ?? 0 };
      }),
    );
    let heldBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const { path, sizeBytes, usedAtMs } of files.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      const isLeftOver = path.endsWith(UNFINISHED) && this.#now - usedAtMs > this.#lockMs;
      if (heldBytes <= this.#bytesMax && !isLeftOver) continue;
      await rm(path, { force: true });
      heldBytes -= sizeBytes;
    }
  }

  async #touch(file: string): Promise<void> {
    const now = new Date(this.#now);
    await utimes(file, now, now).catch(() => undefined);
  }

  get #now(): number {
    return this.#clock.epochMs + this.#clock.nowMs;
  }
}
