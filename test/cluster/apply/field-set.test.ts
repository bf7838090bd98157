import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  difference,
  type FieldSet,
  fromFieldsV1,
  intersection,
  isEmpty,
  LEAF,
  NOTHING,
  node,
  pathsOf,
  toFieldsV1,
  union,
} from '../../../sim/cluster/apply/field-set.ts';

const elements = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:1');
const over = (below: fc.Arbitrary<FieldSet>): fc.Arbitrary<FieldSet> =>
  fc
    .tuple(fc.boolean(), fc.dictionary(elements, below, { maxKeys: 3 }))
    .map(([member, children]) => node(member, Object.entries(children)));
const sets = over(over(over(fc.constantFrom(NOTHING, LEAF))));
const same = (left: FieldSet, right: FieldSet): void =>
  expect(new Set(pathsOf(left))).toEqual(new Set(pathsOf(right)));

test('a set survives metadata', () => {
  fc.assert(
    fc.property(sets, (set) => {
      if (!isEmpty(set)) same(fromFieldsV1(toFieldsV1(set)), set);
    }),
  );
});

test('the parts of two sets make up both', () => {
  fc.assert(
    fc.property(sets, sets, (left, right) => {
      same(union(difference(left, right), intersection(left, right)), left);
      same(union(left, right), union(right, left));
      same(intersection(difference(left, right), right), node(false, []));
    }),
  );
});

test('paths read as people write them', () => {
  const set = fromFieldsV1({
    'f:spec': { 'f:parts': { 'k:{"name":"a"}': { '.': {}, 'f:count': {} } }, 'f:tags': { 'v:"x"': {} } },
  });
  expect(pathsOf(set)).toEqual(['.spec.parts[name="a"]', '.spec.parts[name="a"].count', '.spec.tags[="x"]']);
});
