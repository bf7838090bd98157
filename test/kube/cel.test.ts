import { describe, expect, test } from 'vitest';
import { kubernetesEnvironment } from '../../src/kube/cel/environment.ts';
import { compileExpression } from '../../src/kube/cel/expression.ts';
import { escapePropertyName } from '../../src/kube/cel/property-name.ts';
import { compileRe2 } from '../../src/kube/cel/re2.ts';
import { SchemaTypes } from '../../src/kube/cel/schema-type.ts';

const SCHEMA = {
  type: 'object',
  properties: {
    count: { type: 'integer' },
    ratio: { type: 'number' },
    name: { type: 'string' },
    on: { type: 'boolean' },
    port: { 'x-kubernetes-int-or-string': true },
    since: { type: 'string', format: 'date-time' },
    bake: { type: 'string', format: 'duration' },
    blob: { type: 'string', format: 'byte' },
    note: { type: 'string', nullable: true },
    tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    order: { type: 'array', items: { type: 'string' } },
    parts: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: { type: 'object', properties: { name: { type: 'string' }, size: { type: 'integer' } } },
    },
    limits: { type: 'object', additionalProperties: { type: 'integer' } },
    namespace: { type: 'string' },
    'dashed-name': { type: 'string' },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    absent: { type: 'string' },
  },
};

const VALUE = {
  count: 3,
  ratio: 1.5,
  name: 'héllo',
  on: true,
  port: 80,
  since: '2024-03-01T10:00:00Z',
  bake: '1h30m',
  blob: 'AAEC',
  note: null,
  tags: ['a', 'b'],
  order: ['a', 'b'],
  parts: [
    { name: 'x', size: 1 },
    { name: 'y', size: 2 },
  ],
  limits: { hot: 90, cold: 5 },
  namespace: 'fleet',
  'dashed-name': 'd',
  free: { anything: [1] },
};

const OLD = { ...VALUE, count: 2, tags: ['b', 'a'], order: ['b', 'a'], parts: [...VALUE.parts].reverse() };

/** What an expression gives for self and oldSelf, or what is wrong with it. */
function outcome(text: string): unknown {
  const environment = kubernetesEnvironment();
  const type = new SchemaTypes(environment).declare(SCHEMA, true);
  if (type === undefined) throw new Error('the schema has no type');
  environment.registerVariable('self', type.name).registerVariable('oldSelf', type.name);
  const expression = compileExpression(environment, text, 'bool');
  if (typeof expression === 'string') return expression;
  const result = expression.evaluate({ self: type.read(VALUE), oldSelf: type.read(OLD) });
  return result.ok ? result.value : result.error;
}

describe('the language', () => {
  test.each([
    'self.count == 3 && self.ratio > 1.0 && self.on',
    'self.count < self.ratio * 10.0',
    'has(self.name) && !has(self.absent)',
    'has(self.parts[0].size) && !has(self.parts.filter(p, has(p.name))[1].size) == false',
    'self.parts.all(p, p.size > 0) && self.parts.exists(p, p.name == "x")',
    'self.parts.exists_one(p, p.size == 2)',
    'self.parts.filter(p, p.size > 1).map(p, p.name) == ["y"]',
    'size(self.name) == 5 && self.name.size() == 5',
    'self.name.matches("^h.llo$") && self.name.startsWith("h") && self.name.endsWith("o")',
    'self.name.contains("ll") && self.name.upperAscii().startsWith("H")',
    '"hot" in self.limits && !("warm" in self.limits) && self.limits["hot"] == 90',
    'self.limits.all(k, self.limits[k] > 1)',
    '"a" in self.tags',
    'self.count > 2 ? self.on : false',
    'type(self.port) == int && self.port == 80',
    'self.since > timestamp("2024-01-01T00:00:00Z") && self.since.getMonth() == 2',
    'self.bake == duration("90m") && self.bake > duration("1h")',
    'self.blob == b"\\x00\\x01\\x02"',
    '!has(self.note)',
    'self.__namespace__ == "fleet" && self.dashed__dash__name == "d"',
    'has(self.metadata)  || !has(self.kind)',
    'self.?absent.orValue("x") == "x" && !self.?absent.hasValue()',
    'optional.ofNonZeroValue("").orValue("none") == "none"',
    'int("3") == self.count && double(3) == 3.0 && string(3) == "3" && uint(3) == 3u',
    'self.count % 2 == 1 && -self.count == -3 && 7 / 2 == 3',
    '[1, 2] + [3] == [1, 2, 3]',
    'self.tags != [] && self.parts != [] && self.order.filter(o, o == "z") == []',
    'self.port != "http" && self.port == 80',
  ])('%s', (text) => expect(outcome(text)).toBe(true));

  test.each([
    ['self.tags == oldSelf.tags', true],
    ['self.parts == oldSelf.parts', true],
    ['self.order == oldSelf.order', false],
    ['self.limits == oldSelf.limits', true],
    ['self.free == oldSelf.free', true],
    ['self == oldSelf', false],
    ['self.parts[0] == oldSelf.parts[1]', true],
    ['self.tags + ["a", "c"] == ["c", "b", "a"]', true],
    ['self.order + ["a"] == ["a", "b", "a"]', true],
    ['(self.tags + oldSelf.tags).size() == 2', true],
    ['(self.parts + oldSelf.parts).size() == 2', true],
  ])('%s is %s: the order of sets and of lists with keys does not count', (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
});

describe('the libraries', () => {
  test.each([
    '[1, 2, 2].isSorted() && !["b", "a"].isSorted() && [1.0, 2.5].sum() == 3.5 && [1, 3].sum() == 4',
    '[3, 1].min() == 1 && ["a", "b"].max() == "b" && [duration("1m"), duration("1s")].sum() == duration("61s")',
    '[1, 2, 2, 3].indexOf(2) == 1 && ["a", "b", "b"].lastIndexOf("b") == 2 && [1.0].indexOf(1.1) == -1',
    'self.parts.map(p, p.size).isSorted() && self.parts.map(p, p.size).sum() == 3',
    '"abc 123".find("[0-9]+") == "123" && "abc".find("xyz") == "" && "1 a 2".findAll("[0-9]") == ["1", "2"]',
    '"1 2 3".findAll("[0-9]", 2) == ["1", "2"]',
    'quantity("1.5Gi").isGreaterThan(quantity("1G")) && quantity("200M").compareTo(quantity("0.2G")) == 0',
    'isQuantity("1.3Gi") && !isQuantity("200K") && !isQuantity("Three") && quantity("50k").asInteger() == 50000',
    'quantity("50k").add(20).sub(quantity("100k")).sub(-50000) == quantity("20") && sign(quantity("-1")) == -1',
    '!quantity("9999999999999999999999999999999999999G").isInteger() && quantity("100m").asApproximateFloat() == 0.1',
    'url("https://user:pass@example.com:80/path?k1=a&k2=b&k2=c#f").getQuery() == {"k1": ["a"], "k2": ["b", "c"]}',
    'url("https://[::1]:80/").getHost() == "[::1]:80" && url("https://[::1]:80/").getHostname() == "::1"',
    'url("/path").getHost() == "" && url("https://example.com:80/").getPort() == "80"',
    'url("https://example.com/path with spaces/").getEscapedPath() == "/path%20with%20spaces/"',
    'isURL("/absolute-path") && !isURL("https://a:b:c/") && !isURL("../relative-path") && isURL("mqtts://broker:8883")',
    'isIP("127.0.0.1") && isIP("::1") && !isIP("127.0.0.256") && !isIP(":::1") && !isIP("::ffff:1.2.3.4")',
    'ip("::1").family() == 6 && ip("127.0.0.1").isLoopback() && ip("169.254.169.254").isLinkLocalUnicast()',
    'ip.isCanonical("2001:db8::abcd") && !ip.isCanonical("2001:DB8::ABCD") && string(ip("2001:db8:0::1")) == "2001:db8::1"',
    'ip("192.168.0.1").isGlobalUnicast() && !ip("255.255.255.255").isGlobalUnicast() && ip("ff02::1").isLinkLocalMulticast()',
    'cidr("192.168.0.0/24").containsIP("192.168.0.1") && !cidr("192.168.0.0/24").containsIP(ip("192.168.1.1"))',
    'cidr("192.168.0.0/16").containsCIDR("192.168.10.0/24") && cidr("::1/128").prefixLength() == 128',
    'cidr("192.168.0.1/24").masked() == cidr("192.168.0.0/24") && !isCIDR("192.168.0.0/33")',
    'format.dns1123Label().validate("a-b").hasValue() == false && format.dns1123Label().validate("A").hasValue()',
    'format.named("uuid").value().validate("x").value() == ["does not match the UUID format"]',
    'sets.contains([1, 2], [1]) && sets.equivalent([1, 2], [2, 1]) && sets.intersects([1], [1, 3])',
    '"%s is %d of %.1f, %x".format(["x", 3, 1.25, 255]) == "x is 3 of 1.3, ff"',
    '"a,b".split(",") == ["a", "b"] && ["a", "b"].join("-") == "a-b" && "tacocat".substring(4) == "cat"',
    '"abc".charAt(1) == "b" && "banana".replace("a", "o", 2) == "bonona" && strings.quote("a\\"b") == "\\"a\\\\\\"b\\""',
    'matches("AB1", "(?i)^[[:alpha:]]{2}\\\\d$")',
  ])('%s', (text) => expect(outcome(text)).toBe(true));
});

describe('mistakes', () => {
  test.each([
    ['self.nope == 1', "undefined field 'nope'"],
    ['self.name == 3', "1:11: found no matching overload for '_==_' applied to '(string, int)'"],
    ['self.parts.all(p, p.nope)', "undefined field 'nope'"],
    ['has(self.nope)', "undefined field 'nope'"],
    ['other == 1', "undeclared reference to 'other' (in container '')"],
    ['self.count + "x" == "3x"', "1:12: found no matching overload for '_+_' applied to '(int, string)'"],
    ['self.count', 'must evaluate to a bool'],
    ['self.count ==', 'compilation failed'],
    ['self.name.matches("(")', 'invalid matches argument'],
    ['self.name.matches("(?=x)")', 'invalid matches argument'],
    ['self.free.anything == 1', "undefined field 'anything'"],
  ])('%s does not compile: %s', (text, why) => {
    expect(outcome(text)).toContain(why);
  });

  test('the complaint points at the place', () => {
    expect(outcome('self.count == 1 &&\n  self.nope')).toBe(
      "compilation failed: ERROR: <input>:2:7: undefined field 'nope'\n |   self.nope\n | ......^",
    );
  });

  test.each([
    ['self.absent == "x"', 'no such key: absent'],
    ['self.limits["warm"] == 1', 'no such key: warm'],
    ['self.order[5] == "a"', 'index out of bounds: 5'],
    ['1 / (self.count - 3) == 1', 'division by zero'],
    ['9223372036854775807 + self.count > 0', 'integer overflow'],
    ['self.port.startsWith("x")', 'no such overload'],
    ['quantity(self.name).isInteger()', 'quantities must match'],
    ['self.parts.filter(p, p.size > 9).map(p, p.size).max() == 1', 'max called on empty list'],
  ])('%s fails when it runs: %s', (text, why) => {
    expect(outcome(text)).toContain(why);
  });

  test('a mistake that does not matter does not count', () => {
    expect(outcome('true || self.absent == "x"')).toBe(true);
    expect(outcome('self.absent == "x" || true')).toBe(true);
  });
});

test.each([
  ['name', 'name'],
  ['namespace', '__namespace__'],
  ['a-b.c/d__e', 'a__dash__b__dot__c__slash__d__underscores__e'],
  ['1a', undefined],
  ['a b', undefined],
])('the property %j is written %j in rules', (name, escaped) => {
  expect(escapePropertyName(name)).toBe(escaped);
});

test('patterns are those of Go: no look-around, no back reference, classes by name', () => {
  expect(compileRe2('(?<!a)b')).toBeUndefined();
  expect(compileRe2('(a)\\1')).toBeUndefined();
  expect(compileRe2('^[[:digit:]]+\\z')?.test('123')).toBe(true);
  expect(compileRe2('(?P<x>a)')?.test('a')).toBe(true);
});
