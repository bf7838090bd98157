import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CacheFolder } from '../../operator/adapters/cache-folder.ts';
import { WallClock } from '../../operator/adapters/wall-clock.ts';
import { ContentCache } from '../../src/oci/content-cache.ts';
import { digestOf } from '../../src/oci/digest.ts';

const LOCK_MS = 600;
const CONTENT = new Uint8Array(5000).fill(7);
const KEY = digestOf(CONTENT);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brickproof-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What an agent of its own process would hold. */
const agent = (bytesMax = 1 << 20) =>
  new ContentCache(1 << 20, new CacheFolder(folder, { clock: new WallClock(), bytesMax, lockMs: LOCK_MS }));

const counted = (content = CONTENT) => {
  const fetch = async () => {
    fetches.count++;
    // Long enough for others to come and find it locked.
    await new Promise((resolve) => setTimeout(resolve, LOCK_MS / 10));
    return content;
  };
  const fetches = { count: 0, fetch };
  return fetches;
};

test('of ten agents that ask at once one fetches, and those that come later fetch nothing', async () => {
  const fetches = counted();
  const got = await Promise.all(Array.from({ length: 10 }, () => agent().get(KEY, fetches.fetch)));
  for (const bytes of got) expect(bytes).toEqual(CONTENT);
  expect(await agent().get(KEY, fetches.fetch)).toEqual(CONTENT);
  expect(fetches.count).toBe(1);
  expect(readdirSync(folder)).toEqual([KEY.replace(':', '-')]);
});

test('a damaged file is thrown away and fetched again, for everybody', async () => {
  const fetches = counted();
  writeFileSync(join(folder, KEY.replace(':', '-')), CONTENT.slice(1));
  expect(await agent().get(KEY, fetches.fetch)).toEqual(CONTENT);
  expect(await agent().get(KEY, fetches.fetch)).toEqual(CONTENT);
  expect(fetches.count).toBe(1);
});

describe('the lock', () => {
  const lock = (): string => join(folder, `${KEY.replace(':', '-')}.lock`);

  test('of an agent that was killed runs out', async () => {
    const fetches = counted();
    writeFileSync(lock(), '');
    utimesSync(lock(), new Date(0), new Date(0));
    expect(await agent().get(KEY, fetches.fetch)).toEqual(CONTENT);
    expect(fetches.count).toBe(1);
    expect(readdirSync(folder)).toEqual([KEY.replace(':', '-')]);
  });

  test('is let go by one whose fetch failed; the next one fetches for himself', async () => {
    const fetches = counted();
    const failing = agent().get(KEY, () => Promise.reject(new Error('the registry is down')));
    await expect(failing).rejects.toThrow('the registry is down');
    expect(await agent().get(KEY, fetches.fetch)).toEqual(CONTENT);
    expect(fetches.count).toBe(1);
  });
});

test('the least recently used content goes when the folder is full', async () => {
  const keys: string[] = [];
  for (let fill = 0; fill < 4; fill++) {
    const content = new Uint8Array(400).fill(fill);
    keys.push(digestOf(content).replace(':', '-'));
    await agent(1000).get(digestOf(content), async () => content);
    utimesSync(join(folder, keys[fill] ?? ''), new Date(fill * 1000), new Date(fill * 1000));
  }
  expect(readdirSync(folder).sort()).toEqual(keys.slice(2).sort());
});

test('a folder that cannot be used costs a fetch and nothing else', async () => {
  const fetches = counted();
  writeFileSync(join(folder, 'file'), '');
  const clock = new WallClock();
  const broken = new CacheFolder(join(folder, 'file', 'inside'), { clock, bytesMax: 1 << 20 });
  expect(await broken.get(KEY, fetches.fetch)).toEqual(CONTENT);
  expect(fetches.count).toBe(1);
});
