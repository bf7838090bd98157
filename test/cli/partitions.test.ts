import { expect, test } from 'vitest';
import { brickproof, brickproofJson, scratchFolder } from './command-line.ts';

const scratch = scratchFolder();
const CSV = `# Name, Type, SubType, Offset, Size, Flags
nvs,      data, nvs,     0x9000,  0x4000,
otadata,  data, ota,     ,        8K,
phy_init, data, phy,     ,        4K,
factory,  app,  factory, ,        1M,
ota_0,    app,  ota_0,   ,        1M,
ota_1,    app,  ota_1,   ,        1M,
secrets,  data, nvs,     ,        16K, encrypted:readonly
`;

test('a CSV becomes a binary table and back, and stays the same table', () => {
  const csv = scratch.write('table.csv', CSV);
  const [binary, again] = [scratch.path('table.bin'), scratch.path('again.csv')];
  expect(brickproof('partitions', 'make', csv, '--out', binary).out).toMatch(/binary table of 7 partitions/);
  expect(scratch.read('table.bin').length).toBe(0xc00);
  expect(brickproof('partitions', 'make', binary, '--out', again).out).toMatch(/CSV of 7 partitions/);
  const tables = [csv, binary, again].map((file) => brickproofJson('partitions', 'show', file).partitions);
  expect(tables[1]).toEqual(tables[0]);
  expect(tables[2]).toEqual(tables[0]);
  expect(brickproof('partitions', 'show', binary, '--csv').out).toBe(
    new TextDecoder().decode(scratch.read('again.csv')),
  );
});

test('show prints a table in columns, from a dump, too', () => {
  const binary = scratch.path('table.bin');
  brickproof('partitions', 'make', scratch.write('table.csv', CSV), '--out', binary);
  const dump = new Uint8Array(0x10000).fill(0xff);
  dump.set(scratch.read('table.bin'), 0x8000);
  const { out } = brickproof('partitions', 'show', scratch.write('dump.bin', dump));
  expect(out).toMatch(/dump\.bin: flash dump, 7 partitions up to 0x314000, MD5 right$/m);
  expect(out).toMatch(/^ {2}otadata {3}data {2}ota {6}0x00d000 {2}0x002000 {2}8 KB$/m);
  expect(out).toMatch(/^ {2}secrets .* 16 KB {2}encrypted readonly$/m);
});

test('the MD5 row can be left out', () => {
  const binary = scratch.path('old.bin');
  brickproof('partitions', 'make', scratch.write('table.csv', CSV), '--no-md5', '--out', binary);
  expect(brickproofJson('partitions', 'show', binary).hasMd5).toBe(false);
});

test('a layout that will not work is shown with exit code 1 and never made', () => {
  const csv = scratch.write('bad.csv', `${CSV}big,data,fat,0x20000,4M\n`);
  const shown = brickproof('partitions', 'show', csv, '--flash-size', '4MB');
  expect(shown).toMatchObject({
    exitCode: 1,
    err: expect.stringMatching(/"big" ends past the flash.*overlaps "big"/),
  });
  expect(shown.out).toContain('secrets');
  const made = brickproof('partitions', 'make', csv, '--out', scratch.path('bad.bin'));
  expect(made).toMatchObject({ exitCode: 64, err: expect.stringContaining('overlaps') });
  expect(() => scratch.read('bad.bin')).toThrow();
});

test.each([
  ['a wrong MD5', (bytes: Uint8Array) => bytes.fill(0, 4, 8), /MD5 row does not match/],
  ['noise', (bytes: Uint8Array) => bytes.fill(0x80), /neither a partition table, nor its CSV/],
])('%s is one clear line', (_what, spoil, message) => {
  brickproof('partitions', 'make', scratch.write('table.csv', CSV), '--out', scratch.path('table.bin'));
  const bytes = scratch.read('table.bin');
  spoil(bytes);
  const answer = brickproof('partitions', 'show', scratch.write('spoilt.bin', bytes));
  expect(answer).toMatchObject({ exitCode: 64, out: '', err: expect.stringMatching(message) });
});

test('a wrong row of a CSV is named by its line', () => {
  const csv = scratch.write('wrong.csv', `${CSV}x,app,ota_99,,1M\n`);
  expect(brickproof('partitions', 'make', csv, '--out', scratch.path('x'))).toMatchObject({
    exitCode: 64,
    err: expect.stringContaining('line 9: unknown subtype "ota_99"'),
  });
});
