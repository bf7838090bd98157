import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type NvsItem, parseNvs } from '../../src/esp/nvs.ts';
import { buildNvs } from '../../src/esp/nvs-build.ts';
import { formatNvsCsv, parseNvsCsv } from '../../src/esp/nvs-csv.ts';

const recorded = JSON.parse(readFileSync(new URL('../vectors/nvs-partitions.json', import.meta.url), 'utf8'));

function itemsOf(csv: string): NvsItem[] {
  const parsed = parseNvsCsv(csv);
  if (!parsed.ok) throw new Error(parsed.refusal.message);
  return parsed.value;
}

test.each(recorded.cases as { name: string; csv: string; sizeBytes: number; sha256: string }[])(
  'the partition $name is the one ESP-IDF makes, and reads back',
  ({ csv, sizeBytes, sha256 }) => {
    const items = itemsOf(csv);
    const bytes = buildNvs(items, sizeBytes);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    const parsed = parseNvs(bytes);
    if (!parsed.ok) expect.fail(parsed.refusal.message);
    expect(parsed.value.items).toEqual(items);
    expect(parsed.value.damaged).toEqual([]);
    expect(itemsOf(formatNvsCsv(parsed.value.items))).toEqual(items);
  },
);

const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,14}$/);
const value = fc.oneof(
  fc.record({
    type: fc.constant('i32' as const),
    value: fc.bigInt({ min: -(2n ** 31n), max: 2n ** 31n - 1n }),
  }),
  fc.record({ type: fc.constant('u64' as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  fc.record({ type: fc.constant('string' as const), value: fc.string({ unit: 'grapheme', maxLength: 300 }) }),
  fc.record({ type: fc.constant('blob' as const), value: fc.uint8Array({ maxLength: 9000 }) }),
);
const item = fc
  .tuple(name, name, value)
  .map(([namespace, key, held]): NvsItem => ({ namespace, key, ...held }));

test('whatever is stored comes back', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(item, { maxLength: 12, selector: ({ namespace, key }) => `${namespace}/${key}` }),
      (items) => {
        const parsed = parseNvs(buildNvs(items, 0x20000));
        if (!parsed.ok) expect.fail(parsed.refusal.message);
        expect(parsed.value.items).toEqual(items);
      },
    ),
    { numRuns: 200 },
  );
});

test('an item with a wrong bit is reported, the others stay', () => {
  const bytes = buildNvs(
    itemsOf('key,type,encoding,value\nn,namespace,,\na,data,string,first\nb,data,u8,2\n'),
    0x3000,
  );
  bytes[64 + 2 * 32] = (bytes[64 + 2 * 32] ?? 0) ^ 1;
  const parsed = parseNvs(bytes);
  expect(parsed).toMatchObject({ ok: true, value: { items: [{ key: 'b' }], damaged: ['n/a'] } });
});

test('what does not fit is a clear mistake', () => {
  const blob: NvsItem = { namespace: 'n', key: 'k', type: 'blob', value: new Uint8Array(10_000) };
  expect(() => buildNvs([blob], 0x3000)).toThrow(/more than 12288 bytes/);
  expect(() => buildNvs([{ ...blob, key: 'sixteen-letters!' }], 0x10000)).toThrow(/15 characters/);
  expect(() => buildNvs([{ namespace: 'n', key: 'k', type: 'u8', value: 256n }], 0x3000)).toThrow(
    /256 is no u8/,
  );
  expect(parseNvsCsv('key,type,encoding,value\nn,namespace,,\na,data,u8,300\n')).toMatchObject({
    refusal: { offset: 3 },
  });
  expect(parseNvsCsv('key,type,encoding,value\na,data,u8,3\n')).toMatchObject({
    refusal: { code: 'no-namespace' },
  });
});
