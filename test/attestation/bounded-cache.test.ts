import { expect, test } from 'vitest';
import { BoundedCache } from '../../src/attestation/bounded-cache.ts';

test('the entry used longest ago goes first', () => {
  const cache = new BoundedCache<number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  expect(cache.get('a')).toBe(1);
  cache.set('c', 3);
  expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2]);
});

test('an entry set again takes no second place', () => {
  const cache = new BoundedCache<number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  cache.set('b', 3);
  expect([cache.get('a'), cache.get('b')]).toEqual([1, 3]);
});

test('a cache of nothing is a mistake', () => {
  expect(() => new BoundedCache(0)).toThrow(RangeError);
});
