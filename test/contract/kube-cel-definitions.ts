import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { ruledValue } from './kube-cel.ts';
import { newCrd, rule, specOf } from './kube-crd-draft.ts';
import { expectRefused } from './kube-crd-schemas.ts';
import { CRD } from './kube-widget.ts';
import { refusalOf } from './refusal.ts';

/** What no definition may say. */
const REFUSED: readonly string[] = [
  "'%s is %d, %.2f, %b, %x, %X, %o, %e, %t'.format(['a', 1, 2.5, 5, 255, 'hi', 8, 1.0, true]) == ''",
  "'%s %s'.format(['a']) == ''",
  "'%d'.format(['a']) == ''",
  "quantity('-1').sign() == -1",
  "cel.bind(x, self.s, x != '')",
  'self.nu == null',
  'self.o.y == 1',
  'self.l.all(x, x > 1)',
  "self.i.startsWith('x')",
  'foo == 1',
  'self.free.a == 1',
  "self.s.matches('(')",
  'self.s',
  'self.i + 1',
  "self.metadata.name != ''",
  "self.u == 'x'",
  "timestamp('nope') == self.ts",
  "duration('1d') == self.du",
  "int('x') == 1",
  "[1, 'a', true].size() == 3",
  "{'a': 1, 'b': 'x'}.size() == 2",
  '1 == 1.0 || dyn(1) == dyn(1.0)',
  "self.s.reverse() == ''",
  'math.greatest(1, 2) == 2',
];

/** As in the tables of definitions. */
const MISTAKES: readonly (readonly [title: string, schema: unknown, causes: readonly string[]])[] = [
  [
    'is broken by the default',
    specOf({ a: { type: 'integer', default: 1, ...rule('self > 1') } }),
    ['Invalid @.default'],
  ],
  [
    'is empty',
    specOf({ a: { type: 'string', ...rule('  ') } }),
    ['Required @.x-kubernetes-validations[0].rule'],
  ],
  [
    'asks for a field of a text',
    specOf({ a: { type: 'string', ...rule('self.x == 1') } }),
    ['Invalid @.x-kubernetes-validations[0].rule'],
  ],
  [
    'names what there is not',
    specOf({ a: { type: 'string', ...rule('foo == 1') } }),
    ['Invalid @.x-kubernetes-validations[0].rule'],
  ],
  [
    'breaks off',
    specOf({ a: { type: 'string', ...rule('self == ') } }),
    ['Invalid @.x-kubernetes-validations[0].rule'],
  ],
  [
    'is no condition',
    specOf({ a: { type: 'string', ...rule('self') } }),
    ['Invalid @.x-kubernetes-validations[0].rule'],
  ],
  [
    'matches no pattern',
    specOf({ a: { type: 'string', ...rule('self.matches("(")') } }),
    ['Invalid @.x-kubernetes-validations[0].rule'],
  ],
  [
    'asks whether there is a field that the schema does not know',
    specOf({ a: { type: 'string' } }, rule('has(self.b)')),
    ['Invalid ~.properties[spec].x-kubernetes-validations[0].rule'],
  ],
  [
    'compares a number with a text',
    specOf({ a: { type: 'integer' } }, rule('self.a == "x"')),
    ['Invalid ~.properties[spec].x-kubernetes-validations[0].rule'],
  ],
  [
    'has a message of two lines',
    specOf({ a: { type: 'string', ...rule('true', { message: 'a\nb' }) } }),
    ['Invalid @.x-kubernetes-validations[0].message'],
  ],
  [
    'has a blank message',
    specOf({ a: { type: 'string', ...rule('true', { message: ' ' }) } }),
    ['Invalid @.x-kubernetes-validations[0].message'],
  ],
  [
    'has two lines and no message',
    specOf({ a: { type: 'string', ...rule('true\n && true') } }),
    ['Required @.x-kubernetes-validations[0].message'],
  ],
  [
    'has a reason that there is not',
    specOf({ a: { type: 'string', ...rule('true', { reason: 'Nope' }) } }),
    ['NotSupported @.x-kubernetes-validations[0].reason'],
  ],
  [
    'points to a field that there is not',
    specOf({ a: { type: 'string' } }, rule('true', { fieldPath: '.b' })),
    ['Invalid ~.properties[spec].x-kubernetes-validations[0].fieldPath'],
  ],
  [
    'makes a number its message',
    specOf({ a: { type: 'string', ...rule('true', { messageExpression: '1 + 1' }) } }),
    ['Invalid @.x-kubernetes-validations[0].messageExpression'],
  ],
  [
    'makes its message of what there is not',
    specOf({ a: { type: 'string', ...rule('true', { messageExpression: 'nope' }) } }),
    ['Invalid @.x-kubernetes-validations[0].messageExpression'],
  ],
  [
    'compares items of an atomic list with old ones',
    specOf({
      a: { type: 'array', maxItems: 3, items: { type: 'string', maxLength: 3, ...rule('self == oldSelf') } },
    }),
    ['Invalid @.items.x-kubernetes-validations[0].rule'],
  ],
  [
    'compares members of a set with old ones',
    specOf({
      a: {
        type: 'array',
        maxItems: 3,
        'x-kubernetes-list-type': 'set',
        items: { type: 'string', maxLength: 3, ...rule('self == oldSelf') },
      },
    }),
    ['Invalid @.items.x-kubernetes-validations[0].rule'],
  ],
  [
    'may be without an old value that it does not ask for',
    specOf({ a: { type: 'string', ...rule('self != ""', { optionalOldSelf: true }) } }),
    ['Invalid @.x-kubernetes-validations[0].optionalOldSelf'],
  ],
  [
    'is asked of unlimited lists of lists of texts',
    specOf({
      a: {
        type: 'array',
        items: { type: 'array', items: { type: 'string', ...rule('self.contains("abc")') } },
      },
    }),
    ['Forbidden ~', 'Forbidden @.items.items.x-kubernetes-validations[0].rule'],
  ],
  [
    'asks of every item of an unlimited list about every other',
    specOf(
      { a: { type: 'array', items: { type: 'string' } } },
      rule('self.a.all(x, self.a.all(y, x == y || x.contains(y)))'),
    ),
    ['Forbidden ~', 'Forbidden ~.properties[spec].x-kubernetes-validations[0].rule'],
  ],
];

const ACCEPTED: readonly (readonly [title: string, schema: unknown])[] = [
  [
    'asks whether an item has a field',
    specOf(
      { l: { type: 'array', maxItems: 3, items: { type: 'object', properties: { b: { type: 'string' } } } } },
      rule('self.l.size() == 0 || has(self.l[0].b)'),
    ),
  ],
  ['points to a field', specOf({ a: { type: 'string' } }, rule('true', { fieldPath: '.a' }))],
  [
    'compares with an old value that may not be there',
    specOf({
      a: {
        type: 'string',
        maxLength: 9,
        ...rule('!oldSelf.hasValue() || self == oldSelf.value()', { optionalOldSelf: true }),
      },
    }),
  ],
];

/** How often the limit of one rule a rule is estimated to exceed when so many values have to satisfy it. */
const COSTS: readonly (readonly [rule: string, values: number, factor: string])[] = [
  ['self.i == 7', 6000000, '1.200000x'],
  ['self.s == self.t', 1090910, '1.200001x'],
  ["self.l.all(x, x == 'a')", 428572, '1.200002x'],
  ["self.l.exists(x, x.startsWith('ab'))", 363637, '1.200002x'],
  ["self.l.map(x, x != '', x + 'b').size() == 2", 114286, '1.200003x'],
  ["self.m.all(k, k != '' && self.m[k] == 'v')", 307693, '1.200003x'],
  ['self.lo.all(x, self.lo.exists(y, x.k == y.k))', 93024, '1.200010x'],
  ["self.lo.filter(x, x.v > 1).map(x, x.k).all(k, k == 'a')", 94489, '1.200010x'],
  ["self.s.matches('^[a-z]+$')", 222223, '1.200004x'],
  ["self.s.contains('ab')", 428572, '1.200002x'],
  ["self.s.replace('a', 'bb') == 'x'", 218182, '1.200001x'],
  ["self.s.split(',').all(p, p != '')", 11122, '1.200064x'],
  ["self.l.join(',') == 'x'", 600000, '1.200000x'],
  ["quantity(self.s).isLessThan(quantity('1k'))", 400000, '1.200000x'],
  ["cidr(self.s).containsIP('1.1.1.1')", 363637, '1.200002x'],
  ['!format.dns1123Label().validate(self.s).hasValue()', 14337, '1.200007x'],
  ["sets.equivalent(self.l, ['a', 'b'])", 363637, '1.200002x'],
  ["self.?o.x.orValue('z') == 'z'", 3000000, '1.200000x'],
  ["type(self.ios) == int ? self.ios > 3 : self.ios == 'x'", 1714286, '1.200000x'],
  ['self.l + self.set == self.l', 1500000, '1.200000x'],
  ['has(self.o.p.q) ? self.o.p.q > 1 : true', 1500000, '1.200000x'],
];

export function celDefinitionContract(bench: Bench): void {
  describe('definitions with rules', () => {
    for (const text of REFUSED)
      test(`the rule ${text} is refused`, () =>
        expectRefused(bench, newCrd(`${bench.unique('refused')}s`, specOf({ a: ruledValue(text) })), [
          'Invalid @.x-kubernetes-validations[0].rule',
        ]));

    test.each(MISTAKES)('a rule that %s is refused', (_title, schema, causes) =>
      expectRefused(bench, newCrd(`${bench.unique('refused')}s`, schema), causes),
    );

    test.each(ACCEPTED)('a rule that %s is accepted', async (_title, schema) => {
      const { metadata } = await bench.api.create(CRD, newCrd(`${bench.unique('accepted')}s`, schema));
      await bench.api.delete(CRD, metadata as KubeObject['metadata']);
    });

    test.each(COSTS)('%s, asked of %i values, may cost too much: %s', async (text, maxItems, factor) => {
      const schema = specOf({ a: { type: 'array', maxItems, items: ruledValue(text) } });
      const { message } = await refusalOf(bench.api.create(CRD, newCrd(`${bench.unique('cost')}s`, schema)));
      expect(message).toContain(`estimated rule cost exceeds budget by factor of ${factor} (`);
    });
  });
}
