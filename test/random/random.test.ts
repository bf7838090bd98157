import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom, shuffled } from '../../src/random/random.ts';

const draws = (random: SeededRandom, count = 8): number[] =>
  Array.from({ length: count }, () => random.next());

test('equal seeds draw equal numbers, different ones do not', () => {
  expect(draws(SeededRandom.ofSeed(7))).toEqual(draws(SeededRandom.ofSeed(7)));
  expect(draws(SeededRandom.ofSeed(7))).not.toEqual(draws(SeededRandom.ofSeed(8)));
});

test('a draw in one stream moves nothing in another, nor in streams split later', () => {
  const quiet = SeededRandom.ofSeed(7);
  const busy = SeededRandom.ofSeed(7);
  draws(busy, 100);
  draws(busy.split('elsewhere'), 100);
  expect(draws(busy.split('radio'))).toEqual(draws(quiet.split('radio')));
});

test('streams of neighbouring names have nothing in common', () => {
  const root = SeededRandom.ofSeed(1);
  const seen = new Set<number>();
  for (let board = 0; board < 2000; board++)
    for (const draw of draws(root.split(`board/${board}`), 4)) seen.add(draw);
  expect(seen.size).toBeGreaterThan(7990);
});

test('int is uniform enough that no face of a die is missed or favoured', () => {
  const random = SeededRandom.ofSeed(3);
  const faces = new Array<number>(6).fill(0);
  for (let roll = 0; roll < 60_000; roll++) {
    const face = random.int(6);
    faces[face] = (faces[face] ?? 0) + 1;
  }
  for (const count of faces) expect(Math.abs(count - 10_000)).toBeLessThan(400);
});

test('shuffled keeps every item, whatever the seed', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(fc.integer()), (seed, items) => {
      expect(shuffled(SeededRandom.ofSeed(seed), items).sort()).toEqual([...items].sort());
    }),
  );
});

test('bytes of every length are drawn whole', () => {
  const random = SeededRandom.ofSeed(9);
  for (let length = 0; length < 20; length++) expect(random.bytes(length)).toHaveLength(length);
  expect(new Set(random.bytes(4096)).size).toBe(256);
});
