import { expect, test } from 'vitest';
import { ContentCache } from '../../src/oci/content-cache.ts';

const content = (length: number) => async (): Promise<Uint8Array> => new Uint8Array(length);

test('the least recently used content goes first when the budget is exceeded', async () => {
  const cache = new ContentCache(100);
  const fetched: string[] = [];
  const get = (key: string): Promise<Uint8Array> =>
    cache.get(key, async () => {
      fetched.push(key);
      return new Uint8Array(40);
    });
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await get(key);
  expect(fetched).toEqual(['a', 'b', 'c', 'b']);
  expect(cache.heldBytes).toBe(80);
});

test('content beyond the budget is handed out and not kept', async () => {
  const cache = new ContentCache(100);
  expect(await cache.get('big', content(101))).toHaveLength(101);
  expect(cache.heldBytes).toBe(0);
});

test('who asks while a fetch runs waits for that fetch, and shares its failure', async () => {
  const cache = new ContentCache(100);
  let fetches = 0;
  const failing = async (): Promise<Uint8Array> => {
    fetches++;
    throw new Error('no');
  };
  const results = await Promise.allSettled([cache.get('a', failing), cache.get('a', failing)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(fetches).toBe(1);
  expect(await cache.get('a', content(3))).toHaveLength(3);
});
