import { beforeAll, describe, expect, test } from 'vitest';
import type { Kind } from '../../src/kube/object.ts';
import type { Bench } from './kube.ts';
import { type Custom, define, draftOf, newCrd, rule, specOf } from './kube-crd-draft.ts';
import { refusalOf } from './refusal.ts';

const text = (maxLength: number): object => ({ type: 'string', maxLength });

/** What rules see: something of everything, and small enough that many rules fit into one schema. */
const PROPERTIES = {
  s: text(64),
  t: text(16),
  i: { type: 'integer' },
  d: { type: 'number' },
  b: { type: 'boolean' },
  l: { type: 'array', maxItems: 5, items: text(8) },
  n: { type: 'array', maxItems: 6, items: { type: 'integer' } },
  lo: {
    type: 'array',
    maxItems: 3,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['k'],
    items: { type: 'object', required: ['k'], properties: { k: text(8), v: { type: 'integer' } } },
  },
  m: { type: 'object', maxProperties: 4, additionalProperties: text(9) },
  mi: { type: 'object', maxProperties: 4, additionalProperties: { type: 'integer' } },
  o: {
    type: 'object',
    properties: { x: text(3), p: { type: 'object', properties: { q: { type: 'integer' } } } },
  },
  ios: { 'x-kubernetes-int-or-string': true },
  ts: { type: 'string', format: 'date-time' },
  du: { type: 'string', format: 'duration' },
  by: { type: 'string', format: 'byte', maxLength: 12 },
  nu: { ...text(5), nullable: true },
  set: { type: 'array', maxItems: 5, 'x-kubernetes-list-type': 'set', items: text(8) },
  'dash-ed': text(5),
  namespace: text(5),
  absent: text(5),
  free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};

const VALUE = {
  s: 'hello world',
  t: 'a,b,c',
  i: 7,
  d: 1.5,
  b: true,
  l: ['a', 'b', 'c'],
  n: [3, 1, 2],
  lo: [
    { k: 'x', v: 1 },
    { k: 'y', v: 2 },
  ],
  m: { one: '1', two: '2' },
  mi: { one: 1, two: 2 },
  o: { x: 'abc', p: { q: 3 } },
  ios: 80,
  ts: '2024-02-29T12:30:15.5Z',
  du: '90m',
  by: 'aGk=',
  nu: null,
  set: ['p', 'q'],
  'dash-ed': 'd',
  namespace: 'ns',
  free: { a: 1 },
};

/** Rules that hold of the value. */
const HOLDS: readonly string[] = [
  'self.i == 7',
  'self.i + 1 == 8 && self.i - 1 == 6 && self.i * 2 == 14 && self.i / 2 == 3 && self.i % 2 == 1',
  '-self.i == -7',
  '!self.b || self.b',
  'self.i > 100 ? self.i / 0 == 1 : true',
  'self.b || self.i / 0 == 1',
  'self.i / 0 == 1 || self.b',
  "self.s == 'hello world' && self.s < 'i' && self.s + '!' == 'hello world!'",
  "self.l[0] == 'a' && self.l[2] == 'c'",
  "self.mi['one'] == 1 && self.mi.two == 2",
  '!has(self.absent) && has(self.s) && has(self.o.p.q)',
  'has(self.mi.one) && !has(self.mi.three)',
  'has(self.free)',
  'type(self.ios) == int && self.ios == 80',
  "self.dash__dash__ed == 'd'",
  "self.__namespace__ == 'ns'",
  "'one' in self.m && !('three' in self.m) && 'a' in self.l && 7 in [1, 7]",
  "self.l.all(x, x in ['a', 'b', 'c'])",
  "self.l.exists_one(x, x == 'a')",
  "self.l.map(x, x + x) == ['aa', 'bb', 'cc']",
  "self.l.map(x, x != 'b', x + x) == ['aa', 'cc']",
  "self.l.filter(x, x != 'b') == ['a', 'c']",
  "self.m.all(k, self.m[k] != '') && self.m.exists(k, k == 'one') && self.m.map(k, k).size() == 2",
  "self.lo.all(x, x.v > 0) && self.lo.filter(x, x.v > 1)[0].k == 'y'",
  "self.lo.exists(x, x.v / 0 == 1 || x.k == 'y')",
  "self.l == ['a', 'b', 'c'] && self.l != ['c', 'b', 'a']",
  "self.set == ['q', 'p']",
  "self.set + ['p', 'r'] == ['p', 'q', 'r']",
  "self.l + ['d'] == ['a', 'b', 'c', 'd']",
  "self.mi == {'two': 2, 'one': 1}",
  'self.lo == [self.lo[1], self.lo[0]]',
  "size(self.s) == 11 && self.l.size() == 3 && self.m.size() == 2 && size('héé👋') == 4",
  "self.s.contains('lo w') && self.s.startsWith('he') && self.s.endsWith('ld') && self.s.matches('^h.*d$')",
  "self.s.matches('o w')",
  "self.s.find('[aeiou]+') == 'e' && self.s.findAll('o') == ['o', 'o'] && self.s.findAll('o', 1) == ['o'] && self.s.find('z') == ''",
  "self.s.charAt(4) == 'o' && self.s.indexOf('o') == 4 && self.s.lastIndexOf('o') == 7 && self.s.indexOf('o', 5) == 7 && self.s.indexOf('z') == -1",
  "self.s.upperAscii() == 'HELLO WORLD' && 'ÄB'.lowerAscii() == 'Äb' && '  x '.trim() == 'x'",
  "self.s.replace('o', '0') == 'hell0 w0rld' && self.s.replace('o', '0', 1) == 'hell0 world'",
  "self.s.substring(6) == 'world' && self.s.substring(0, 5) == 'hello'",
  "self.t.split(',') == ['a', 'b', 'c'] && self.t.split(',', 2) == ['a', 'b,c'] && self.t.split(',', 0) == []",
  "self.l.join() == 'abc' && self.l.join('-') == 'a-b-c' && [].join('x') == ''",
  "'%s %d %.2f %b %x %X %o'.format(['a', 1, 2.5, 5, 255, 255, 8]) == 'a 1 2.50 101 ff FF 10'",
  String.raw`strings.quote('a"b') == '"a\\"b"'`,
  'self.n.sum() == 6 && self.n.min() == 1 && self.n.max() == 3 && !self.n.isSorted() && self.l.isSorted()',
  '[].sum() == 0',
  "self.l.indexOf('b') == 1 && self.l.lastIndexOf('z') == -1",
  "sets.contains(self.l, ['a', 'c']) && !sets.contains(self.l, ['z']) && sets.equivalent([1, 2, 2], [2, 1]) && sets.intersects(self.l, ['c', 'z'])",
  "quantity('1Ki').isGreaterThan(quantity('1k')) && quantity('500m').isLessThan(quantity('1')) && quantity('1000m') == quantity('1')",
  "quantity('1Mi').asInteger() == 1048576 && quantity('1.5').asApproximateFloat() == 1.5 && !quantity('0.5').isInteger() && sign(quantity('-1')) == -1",
  "quantity('1Ki').add(quantity('24')).sub(1024) == quantity('24') && quantity('2').compareTo(quantity('1')) == 1",
  "isQuantity('1.3Gi') && !isQuantity('1.3GiB') && !isQuantity('') && isQuantity('1e3') && isQuantity('-0.1u')",
  "url('https://user@example.com:8443/a%20b?x=1&x=2&y=#f').getHost() == 'example.com:8443'",
  "url('https://[::1]:80/').getHostname() == '::1' && url('https://[::1]:80/').getPort() == '80' && url('/path').getScheme() == ''",
  "url('https://e.com/a b').getEscapedPath() == '/a%20b'",
  "url('https://e.com/?x=1&x=2').getQuery()['x'] == ['1', '2']",
  "isURL('https://e.com') && isURL('/p') && !isURL('../p') && !isURL('e.com') && isURL('mailto:a@b')",
  "ip('192.168.0.1').family() == 4 && ip('::1').family() == 6 && ip('127.0.0.1').isLoopback() && ip('0.0.0.0').isUnspecified()",
  "ip('169.254.1.1').isLinkLocalUnicast() && ip('224.0.0.1').isLinkLocalMulticast() && ip('8.8.8.8').isGlobalUnicast()",
  "ip('2001:DB8::1') == ip('2001:db8::1') && string(ip('2001:DB8::1')) == '2001:db8::1' && !ip.isCanonical('2001:DB8::1') && ip.isCanonical('2001:db8::1')",
  'oldSelf == self',
  "cidr('10.0.0.0/8').containsIP('10.1.2.3') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1')) && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
  "cidr('10.1.2.3/8').ip() == ip('10.1.2.3') && cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.1.2.3/8').prefixLength() == 8",
  "string(cidr('10.1.2.3/8')) == '10.1.2.3/8' && isCIDR('fd00::/8') && !isCIDR('10.0.0.0/33') && !isCIDR('10.0.0.0')",
  "!format.dns1123Label().validate('a-b').hasValue() && format.dns1123Label().validate('A').hasValue()",
  "format.named('dns1123Subdomain').hasValue() && !format.named('nope').hasValue() && !format.named('dns1123Subdomain').value().validate('a.b').hasValue()",
  "!format.uuid().validate('f47ac10b-58cc-4372-a567-0e02b2c3d479').hasValue() && format.date().validate('2024-13-01').hasValue() && !format.datetime().validate('2024-01-01T00:00:00Z').hasValue()",
  "!format.qualifiedName().validate('a.b/c').hasValue() && format.qualifiedName().validate('a/b/c').hasValue() && !format.labelValue().validate('').hasValue() && format.uri().validate('x').hasValue() && !format.byte().validate('aGk=').hasValue()",
  "!format.dns1035Label().validate('a1').hasValue() && format.dns1035Label().validate('1a').hasValue() && !format.dns1123LabelPrefix().validate('a-').hasValue()",
  "self.ts == timestamp('2024-02-29T12:30:15.5Z') && self.ts < timestamp('2025-01-01T00:00:00Z')",
  'self.ts.getFullYear() == 2024 && self.ts.getMonth() == 1 && self.ts.getDate() == 29 && self.ts.getDayOfMonth() == 28 && self.ts.getDayOfWeek() == 4 && self.ts.getDayOfYear() == 59 && self.ts.getHours() == 12 && self.ts.getMilliseconds() == 500',
  "self.ts.getHours('America/New_York') == 7 && self.ts.getHours('+02:00') == 14",
  "self.ts + duration('1h') == timestamp('2024-02-29T13:30:15.5Z') && self.ts - self.ts == duration('0s')",
  "self.du == duration('1h30m') && self.du > duration('1h') && self.du.getMinutes() == 90 && self.du.getHours() == 1 && self.du.getSeconds() == 5400",
  "string(self.du) == '5400s' && string(self.ts) == '2024-02-29T12:30:15.5Z'",
  "self.by == b'hi' && string(self.by) == 'hi' && size(self.by) == 2 && bytes('hi') == self.by",
  "int('12') == 12 && int(3.9) == 3 && double('1.5') == 1.5 && string(1) == '1' && string(true) == 'true' && string(1.5) == '1.5' && uint(3) == 3u",
  "bool('true') == true",
  "self.?absent.orValue('z') == 'z' && self.?s.orValue('z') == 'hello world' && !self.?absent.hasValue() && self.o.?x.hasValue()",
  "self.?o.p.q.orValue(0) == 3 && self.mi[?'one'].orValue(0) == 1 && self.l[?9].orValue('z') == 'z'",
  "optional.none().orValue(1) == 1 && optional.of(1).value() == 1 && !optional.ofNonZeroValue('').hasValue() && self.?absent.or(self.?s).value() == 'hello world'",
  'dyn(self.i) == 7 && dyn(self.s) != 7',
  '1.0 / 0.0 > 1.0',
  String.raw`r'\d' == '\\d' && '''a''' == "a" && '\u00e9' == 'é'`,
  '0x10 == 16 && 1e3 == 1000.0 && 5u == uint(5)',
  '[[1, 2], [3]].all(x, x.all(y, y > 0))',
  'self.l.map(x, self.n.map(y, y)).size() == 3',
  "type(1) == int && type('') == string && type([]) == list && type({}) == map && type(null) == null_type && type(true) == bool",
  'self.o == self.o && self.o.p == self.o.p',
  "self.lo[0].k + self.o.x == 'xabc'",
  "self.s.format([]) == 'hello world'",
];

/** Rules that do not. */
const BROKEN: readonly string[] = [
  'self.i != 7',
  'self.d == 1.5 && self.d > self.i',
  'self.i / 0 == 1 && !self.b',
  'has(self.absent)',
  'has(self.nu)',
  'type(self.ios) == string',
  "self.l.exists(x, x == 'z')",
  "self.l.exists_one(x, x < 'c')",
  "self.s.matches('^o')",
  "'%s'.format([[1, 'a', true, null]]) == '[1, a, true, null]'",
  "'%s'.format([{'b': 1, 'a': 2.0}]) == '{a: 2, b: 1}'",
  "isIP('1.2.3.4') && !isIP('1.2.3.256') && !isIP('01.2.3.4') && isIP('::ffff:1.2.3.4')",
  "isIP('fe80::1%eth0')",
  "format.dns1123Label().validate('A').value() == []",
  "'a' < 'B'",
];

/** Rules that cannot be decided, and so do not hold either. */
const FAILS: readonly string[] = [
  'self.i / 0 == 1',
  'self.i % 0 == 1',
  'self.i * 9223372036854775807 == 1',
  "self.l[3] == 'd'",
  "self.l[-1] == 'c'",
  "self.mi['three'] == 3",
  "self.absent == ''",
  "self.nu == 'x'",
  "self.ios.startsWith('8')",
  "self.s.charAt(99) == ''",
  "self.s.substring(20) == ''",
  'self.n.filter(x, x > 9).max() == 1',
  "quantity('1.5').asInteger() == 1",
  "quantity('x').isInteger()",
  "url('nope').getHost() == ''",
  "ip('1.2.3').family() == 4",
  "cidr('10.0.0.0').prefixLength() == 8",
  'int(self.s) == 1',
  "self.?absent.value() == ''",
  'dyn(self.s) > 1',
];

/** A value of many kinds that has to satisfy the rule. */
export function ruledValue(rules: string): object {
  return { type: 'object', properties: PROPERTIES, ...rule(rules) };
}

export function celContract(bench: Bench): void {
  describe('rules', () => {
    const rules = [...HOLDS, ...BROKEN, ...FAILS];
    const fieldOf = (one: string): string => `f${rules.indexOf(one)}`;
    let kind: Kind<Custom>;
    let namespace: string;
    beforeAll(async () => {
      const fields = Object.fromEntries(rules.map((one) => [fieldOf(one), ruledValue(one)]));
      kind = await define(bench, newCrd(`${bench.unique('rule')}s`, specOf(fields)));
      namespace = await bench.namespace();
    });
    const create = (one: string): Promise<Custom> =>
      bench.api.create(kind, draftOf(kind, namespace, bench.unique('o'), { [fieldOf(one)]: VALUE }));

    for (const one of HOLDS)
      test(one, async () => {
        expect((await create(one)).spec).toHaveProperty(fieldOf(one));
      });

    for (const one of BROKEN)
      test(`not: ${one}`, async () => {
        const refusal = await refusalOf(create(one));
        const causes = [`FieldValueInvalid spec.${fieldOf(one)}`];
        expect(refusal).toMatchObject({ reason: 'Invalid', code: 422, causes });
        expect(refusal.message).toContain(`Invalid value: "object": failed rule: ${one}`);
      });

    for (const one of FAILS)
      test(`undecided: ${one}`, async () => {
        const refusal = await refusalOf(create(one));
        const causes = [`FieldValueInvalid spec.${fieldOf(one)}`];
        expect(refusal).toMatchObject({ reason: 'Invalid', code: 422, causes });
        expect(refusal.message).not.toContain('failed rule');
        expect(refusal.message).toContain(`rule: ${one}`);
      });
  });
}
