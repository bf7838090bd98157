import fc from 'fast-check';
import { expect, test } from 'vitest';
import { duplicateMembers } from '../../../sim/cluster/http/duplicate-members.ts';

test('what any JSON writer writes has nothing twice, whatever is in its texts', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.nat(2), (text, indent) => {
      const value = JSON.parse(text);
      expect(duplicateMembers(JSON.stringify(value, undefined, indent))).toEqual([]);
    }),
  );
});

test('a member that is repeated anywhere is found, with its path', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.string(), (first, second, name) => {
      const [one, two, key] = [first, second, name].map((value) => JSON.stringify(value));
      const text = `{"x":[${one},{${key}:${one},"between":{},${key}:${two}}],"y":${two}}`;
      expect(duplicateMembers(text)).toContain(`x[1].${name}`);
      expect(duplicateMembers(text).length).toBe(1);
    }),
  );
});

test.each([
  ['{"a":{"b":1},"c":{"b":2}}', []],
  ['[{"a":1},{"a":1}]', []],
  ['{"a":"a","b":"a"}', []],
  ['{"a":1,"a":2,"a":3}', ['a']],
  ['{"a":1,"\\u0061":2}', ['a']],
  ['{"a":"\\\\","a":"}"}', ['a']],
  ['[[],[{"a":{"b":[],"b":{}}}]]', ['[1][0].a.b']],
  ['"text"', []],
])('%s', (text, expected) => {
  expect(duplicateMembers(text)).toEqual(expected);
});
