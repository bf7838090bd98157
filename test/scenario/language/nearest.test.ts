import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearestName, suggest } from '../../../src/scenario/language/nearest.ts';

const NAMES = ['link-partition', 'link-degrade', 'power-cut', 'boards', 'within'];

test.each([
  ['link-partiton', 'link-partition'],
  ['link-partitino', 'link-partition'],
  ['bords', 'boards'],
  ['Within', 'within'],
  ['something-else', undefined],
])('%s is taken for %s', (written, meant) => {
  expect(nearestName(written, NAMES)).toBe(meant);
});

test('a name with one letter changed, dropped or swapped finds itself', () => {
  const name = fc.constantFrom(...NAMES);
  fc.assert(
    fc.property(name, fc.nat(), fc.constantFrom('drop', 'swap', 'change'), (known, seed, how) => {
      const at = seed % (known.length - 1);
      const pair = `${known[at + 1]}${known[at]}`;
      const replaced = { drop: known[at + 1] ?? '', swap: pair, change: `#${known[at + 1]}` }[how];
      expect(nearestName(known.slice(0, at) + replaced + known.slice(at + 2), NAMES)).toBe(known);
    }),
  );
});

test('when nothing is close, a short list is told whole', () => {
  expect(suggest('zebra', ['cat', 'dog'])).toBe('; known: cat, dog');
  expect(suggest('zebra', [])).toBe('');
});
