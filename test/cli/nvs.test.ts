import { expect, test } from 'vitest';
import { BlockStore } from '../../sim/board/block-store.ts';
import { provisionFlash, tableOfCsv } from '../../sim/board/provision.ts';
import { chip, SMALL_TWO_OTA } from '../board/fixture.ts';
import { brickproof, brickproofJson, scratchFolder } from './command-line.ts';

const scratch = scratchFolder();

function csvOf(): string {
  const certificate = scratch.write('certificate.der', new Uint8Array([1, 2, 3]));
  return scratch.write(
    'store.csv',
    `key,type,encoding,value\nwifi,namespace,,\nssid,data,string,"shop floor, north"\nretries,data,u8,7\nserial,data,u64,18446744073709551615\ncert,file,binary,${certificate}\n`,
  );
}
function make(size = '0x4000') {
  return brickproof('nvs', 'make', csvOf(), '--size', size, '--out', scratch.path('nvs.bin'));
}

test('a CSV becomes a partition, is shown, and comes back as CSV', () => {
  expect(make().out).toMatch(/NVS with 4 items/);
  const file = scratch.path('nvs.bin');
  const { out } = brickproof('nvs', 'show', file);
  expect(out).toMatch(/^ {2}wifi {7}ssid {5}string {2}"shop floor, north"$/m);
  expect(out).toMatch(/^ {2}wifi {7}cert {5}blob {4}010203 \(3 bytes\)$/m);
  expect(out).toMatch(/^ {2}0 {2}ACTIVE/m);
  expect(brickproofJson('nvs', 'show', file).items).toMatchObject([
    { key: 'ssid', value: 'shop floor, north' },
    { key: 'retries', type: 'u8', value: '7' },
    { key: 'serial', value: '18446744073709551615' },
    { key: 'cert', type: 'blob', value: '010203' },
  ]);
  const again = scratch.write('again.csv', brickproof('nvs', 'show', file, '--csv').out);
  brickproof('nvs', 'make', again, '--size', '16K', '--out', scratch.path('again.bin'));
  expect(scratch.read('again.bin')).toEqual(scratch.read('nvs.bin'));
});

test('the store of a dump is found by type or by label', () => {
  make();
  const data = new Map([['nvs', scratch.read('nvs.bin')]]);
  const table = tableOfCsv(SMALL_TWO_OTA);
  const flash = provisionFlash({
    store: new BlockStore(),
    chip,
    sizeBytes: 512 << 10,
    table,
    images: [],
    data,
  });
  const dump = scratch.write('dump.bin', flash.read(0, flash.sizeBytes));
  for (const choice of [[], ['--partition', 'nvs']])
    expect(brickproofJson('nvs', 'show', dump, ...choice).items).toHaveLength(4);
  expect(brickproof('nvs', 'show', dump, '--partition', 'other')).toMatchObject({
    exitCode: 64,
    err: expect.stringContaining('it has nvs'),
  });
});

test('damage is listed beside what is left', () => {
  make();
  const bytes = scratch.read('nvs.bin');
  bytes[64 + 2 * 32] = (bytes[64 + 2 * 32] ?? 0) ^ 1;
  const { out } = brickproof('nvs', 'show', scratch.write('damaged.bin', bytes));
  expect(out).toContain('damaged: wifi/ssid');
  expect(out).toContain('retries');
});

test.each([
  ['a size that is no whole number of pages', () => make('5000'), /multiple of 4096/],
  ['a size that is no number', () => make('big'), /--size big/],
  [
    'a store too small',
    () =>
      brickproof(
        'nvs',
        'make',
        scratch.write(
          'big.csv',
          `key,type,encoding,value\nn,namespace,,\nk,data,hex2bin,${'00'.repeat(9000)}\n`,
        ),
        '--size',
        '0x3000',
        '--out',
        scratch.path('x'),
      ),
    /need more than 12288 bytes/,
  ],
  [
    'a wrong row',
    () =>
      brickproof(
        'nvs',
        'make',
        scratch.write('bad.csv', 'key,type,encoding,value\nn,namespace,,\nk,data,u8,300\n'),
        '--size',
        '0x3000',
        '--out',
        scratch.path('x'),
      ),
    /line 3: "300" is no u8/,
  ],
  [
    'a CSV that is none',
    () =>
      brickproof(
        'nvs',
        'make',
        scratch.write('noise.csv', new Uint8Array([0xff, 0xfe, 0])),
        '--size',
        '0x3000',
        '--out',
        scratch.path('x'),
      ),
    /no text file/,
  ],
  [
    'a store that is none',
    () => brickproof('nvs', 'show', scratch.write('noise.bin', new Uint8Array(4096))),
    /no page has a valid header/,
  ],
])('%s is one clear line', (_what, run, message) => {
  expect(run()).toMatchObject({ exitCode: 64, out: '', err: expect.stringMatching(message) });
});
