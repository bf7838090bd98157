import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BlockStore } from '../../sim/board/block-store.ts';
import { defaultBootloader, provisionFlash, tableOfCsv } from '../../sim/board/provision.ts';
import { toHex } from '../../src/esp/byte-fields.ts';
import { encodeOtadataEntry, makeOtadataEntry } from '../../src/esp/otadata.ts';
import { encodePartitionTable } from '../../src/esp/partition-table.ts';
import { signImage } from '../../src/esp/secure-boot-v2.ts';
import { keyDigestOf } from '../../src/esp/signature-block.ts';
import { chip, FACTORY_TWO_OTA, imageOf, SMALL_TWO_OTA } from '../board/fixture.ts';
import { flashOfCase, RECORDED_CASES } from '../board/recorded-cases.ts';
import { brickproof, brickproofJson, scratchFolder } from './command-line.ts';

const scratch = scratchFolder();
const FLASH_SIZE = 512 << 10;

interface DumpOptions {
  readonly csv?: string;
  readonly images?: readonly (Uint8Array | undefined)[];
  readonly bootloader?: Uint8Array;
  readonly entries?: readonly Uint8Array[];
}

function dumpOf({
  csv = SMALL_TWO_OTA,
  images = [imageOf('1'), imageOf('2')],
  entries = [],
  ...rest
}: DumpOptions = {}) {
  const flash = provisionFlash({
    store: new BlockStore(),
    chip,
    sizeBytes: FLASH_SIZE,
    table: tableOfCsv(csv),
    images,
    ...rest,
  });
  for (const [sector, entry] of entries.entries()) flash.program(0xd000 + sector * 0x1000, entry);
  return flash.read(0, FLASH_SIZE);
}
const entry = (...args: Parameters<typeof makeOtadataEntry>) => encodeOtadataEntry(makeOtadataEntry(...args));
const updated = { entries: [entry(1, 'VALID'), entry(2, 'NEW')] };

test.each(RECORDED_CASES.map((one, index) => [index, one] as const))(
  'recorded case %i agrees byte for byte through the command line, and so does the flash it leaves',
  (index, recorded) => {
    const flash = flashOfCase(recorded);
    const dump = scratch.write('case.bin', flash.read(0, flash.sizeBytes));
    const out = scratch.path('after.bin');
    const boots = String(recorded.boots.length);
    const report = brickproofJson('board', 'boot', dump, '--chip', 'esp32', '--boots', boots, '--out', out);
    const expected = recorded.boots.map(({ slot, otadata }) => ({
      slot: slot === null ? null : `ota_${slot}`,
      resetReason: 'power-on',
      otadata,
    }));
    expect(report.boots, `case ${index}`).toMatchObject(expected);
    expect(report.boots.every(({ why }: { why: string }) => why.length > 10)).toBe(true);
    const after = scratch.read('after.bin');
    const entries = [0xd000, 0xe000].map((at) => toHex(after.subarray(at, at + 32)));
    expect(entries).toEqual(recorded.boots.at(-1)?.otadata);
  },
);

test('an update nobody confirms is given up at the next boot, one that confirms stays', () => {
  const dump = scratch.write('update.bin', dumpOf(updated));
  const slots = (...more: string[]) =>
    brickproofJson('board', 'boot', dump, '--boots', '3', ...more).boots.map(
      ({ slot }: { slot: string }) => slot,
    );
  expect(slots()).toEqual(['ota_1', 'ota_0', 'ota_0']);
  expect(slots('--confirm')).toEqual(['ota_1', 'ota_1', 'ota_1']);
});

test('the chip is told from the bootloader, from an app where there is none, and asked for otherwise', () => {
  const dump = dumpOf();
  expect(brickproofJson('board', 'boot', scratch.write('d.bin', dump)).chip).toBe('esp32c3');
  dump.fill(0xff, 0, 0x8000);
  const noBootloader = brickproofJson('board', 'boot', scratch.write('d.bin', dump));
  expect(noBootloader.chip).toBe('esp32c3');
  const blank = scratch.write('blank.bin', new Uint8Array(0x10000).fill(0xff));
  expect(brickproof('board', 'boot', blank)).toMatchObject({
    exitCode: 64,
    err: expect.stringContaining('--chip'),
  });
  expect(brickproofJson('board', 'boot', blank, '--chip', 'ESP32-S3').boots[0]).toMatchObject({
    slot: null,
    otadata: [],
  });
});

test('a factory app and a test app are found by name', () => {
  const data = { csv: FACTORY_TWO_OTA, images: [] };
  const dump = dumpOf(data);
  const boot = () => brickproofJson('board', 'boot', scratch.write('factory.bin', dump)).boots[0];
  expect(boot()).toMatchObject({
    slot: null,
    why: expect.stringMatching(/factory: no image.*test: no image/),
  });
  dump.set(imageOf('9'), 0x40000);
  expect(boot().slot).toBe('test');
  dump.set(imageOf('8'), 0x30000);
  expect(boot().slot).toBe('factory');
});

test('power can be cut at any flash operation, twice, and the report says where', () => {
  const dump = scratch.write('cut.bin', dumpOf(updated));
  const cut = ['--power-cut-at', '1:4', '--power-cut-at', '1'];
  const { boots } = brickproofJson('board', 'boot', dump, '--boots', '3', ...cut);
  expect(boots).toMatchObject([
    { slot: null, powerCut: { operation: 1, byte: 4 }, why: 'power was cut 4 bytes into flash operation 1' },
    { slot: 'ota_0', powerCut: null },
    { slot: 'ota_0' },
  ]);
  expect(boots[0].otadata[1]).toMatch(/^02000000/);
  const never = brickproof('board', 'boot', dump, '--power-cut-at', '99');
  expect(never.out).toContain('1 planned power cut(s) did not happen');
});

test('anti-rollback starts no app below the counter in eFuse', () => {
  const dump = scratch.write(
    'secure.bin',
    dumpOf({ images: [imageOf('1', 1), imageOf('2', 3)], entries: [entry(1, 'VALID')] }),
  );
  const slotAt = (level: string) =>
    brickproofJson('board', 'boot', dump, '--secure-version', level).boots[0].slot;
  expect([slotAt('1'), slotAt('2'), slotAt('4')]).toEqual(['ota_0', 'ota_1', null]);
  const absurd = brickproof('board', 'boot', dump, '--secure-version', '17');
  expect(absurd).toMatchObject({ exitCode: 64, err: expect.stringContaining('from 0 to 16') });
});

test('with the fuses of secure boot only images of a trusted key start', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 3072 });
  const digest = keyDigestOf(createPublicKey(privateKey));
  const dump = dumpOf({
    images: [imageOf('1'), signImage(imageOf('2'), [privateKey])],
    bootloader: signImage(defaultBootloader(chip), [privateKey]),
  });
  const boot = (...fuses: string[]) =>
    brickproofJson(
      'board',
      'boot',
      scratch.write('signed.bin', dump),
      ...fuses.flatMap((fuse) => ['--efuse', fuse]),
    ).boots[0].slot;
  expect(boot()).toBe('ota_0');
  expect(boot('secure-boot', `key-digest0=${digest}`)).toBe('ota_1');
  expect(boot('secure-boot=1', `key-digest0=${digest}`, 'revoke0')).toBeNull();
});

test('builds of the bootloader can be chosen', () => {
  const pending = scratch.write(
    'pending.bin',
    dumpOf({ entries: [entry(1, 'VALID'), entry(2, 'PENDING_VERIFY')] }),
  );
  const slotOf = (build: string) =>
    brickproofJson('board', 'boot', pending, '--bootloader', build).boots[0].slot;
  expect([slotOf('esp-idf'), slotOf('no-rollback')]).toEqual(['ota_0', 'ota_1']);
  const counted = scratch.path('counted.bin');
  brickproof(
    'otadata',
    'make',
    '--slot',
    'ota_1',
    '--state',
    'NEW',
    '--boots-without-confirm',
    '2',
    '--out',
    counted,
  );
  const dump = dumpOf();
  dump.set(scratch.read('counted.bin'), 0xd000);
  const file = scratch.write('counter.bin', dump);
  const { boots } = brickproofJson('board', 'boot', file, '--boots', '3', '--bootloader', 'boot-counter');
  expect(boots.map(({ slot }: { slot: string }) => slot)).toEqual(['ota_1', 'ota_1', 'ota_0']);
});

test('people see which board it is, what ran and how otadata moved', () => {
  const { out } = brickproof('board', 'boot', scratch.write('human.bin', dumpOf(updated)), '--log');
  for (const line of [
    /^.*human\.bin: ESP32-C3 v0\.4, 512 KB flash, ESP-IDF with rollback$/m,
    /^boot 1: ota_1 after power-on$/m,
    /^ {2}otadata {2}0: {2}sequence 1, ota_0, VALID$/m,
    /1: {2}sequence 2, ota_1, NEW -> sequence 2, ota_1, PENDING_VERIFY$/m,
    /^ {2}\| ESP-ROM:esp32c3-api1-20210207$/m,
    /^ {2}\| I \(\d+\) boot: Loaded app from partition at offset 0x20000$/m,
  ])
    expect(out).toMatch(line);
});

test('a dump that ends inside the flash its bootloader was built for is taken to go on erased', () => {
  const csv = `${SMALL_TWO_OTA}storage,data,fat,0x100000,0x200000\n`;
  const dump = dumpOf();
  dump.set(encodePartitionTable(tableOfCsv(csv)), 0x8000);
  const out = scratch.path('whole.bin');
  const report = brickproofJson('board', 'boot', scratch.write('short.bin', dump), '--out', out);
  expect(report).toMatchObject({ flashSizeBytes: 4 << 20, boots: [{ slot: 'ota_0' }] });
  expect(scratch.read('whole.bin').length).toBe(4 << 20);
});

test('a dump without a bootloader is lent one, says so, and gets it back erased; a spoilt one starts nothing', () => {
  const dump = dumpOf(updated);
  const whole = brickproofJson('board', 'boot', scratch.write('d.bin', dump), '--boots', '2');
  expect(whole.notes).toEqual([]);
  const partitionsOnly = dump.slice().fill(0xff, 0, 0x8000);
  const out = scratch.path('after.bin');
  const file = scratch.write('p.bin', partitionsOnly);
  const lent = brickproofJson('board', 'boot', file, '--boots', '2', '--out', out);
  expect(lent.notes).toEqual([expect.stringContaining('no second-stage bootloader in this dump')]);
  expect(lent.boots).toEqual(whole.boots);
  expect(
    readFileSync(out)
      .subarray(0, 0x8000)
      .every((byte) => byte === 0xff),
  ).toBe(true);
  const spoilt = dump.slice();
  spoilt[0x100] = (spoilt[0x100] ?? 0) ^ 1;
  expect(brickproofJson('board', 'boot', scratch.write('s.bin', spoilt)).boots).toMatchObject([
    { slot: null, why: expect.stringContaining('no valid bootloader') },
  ]);
});

test('a table in another place is refused by name, not reported as a brick', () => {
  const dump = dumpOf();
  dump.copyWithin(0x9000, 0x8000, 0x8c00);
  dump.fill(0xff, 0x8000, 0x9000);
  const answer = brickproof('board', 'boot', scratch.write('moved.bin', dump));
  expect(answer).toMatchObject({ exitCode: 69, err: expect.stringContaining('partition table at 0x9000') });
});

test.each([
  ['a file that is not there', ['none.bin'], 64, /there is no file/],
  ['a folder', ['.'], 64, /is a folder/],
  ['an empty file', ['empty.bin'], 64, /is empty/],
  ['a size no flash has', ['odd.bin'], 64, /70000 bytes.*--flash-size/],
  ['a chip that does not exist', ['good.bin', '--chip', 'esp99'], 64, /no such chip.*esp32c3/],
  ['no boots', ['good.bin', '--boots', '0'], 64, /--boots 0/],
  ['a cut that is none', ['good.bin', '--power-cut-at', 'x:1'], 64, /OP or OP:BYTE/],
  ['a build that is none', ['good.bin', '--bootloader', 'u-boot'], 64, /known are esp-idf/],
  ['a fuse that is none', ['good.bin', '--efuse', 'colour=red'], 64, /no such field/],
  ['a fuse value that is none', ['good.bin', '--efuse', 'key-digest0=12'], 64, /64 hex digits/],
  ['a MAC that is none', ['good.bin', '--efuse', 'mac=red'], 64, /a MAC is/],
  ['a flash smaller than the dump', ['good.bin', '--flash-size', '256K'], 64, /more than a flash/],
  ['an output nowhere', ['good.bin', '--out', 'no/such/folder/x'], 69, /cannot be written/],
] as const)('%s is one clear line', (_what, [name, ...options], exitCode, message) => {
  scratch.write('empty.bin', '');
  scratch.write('odd.bin', new Uint8Array(70_000));
  scratch.write('good.bin', dumpOf());
  const file = scratch.path(name);
  const answer = brickproof('board', 'boot', file, ...options);
  expect(answer).toMatchObject({ exitCode, out: '' });
  expect(answer.err).toMatch(message);
  expect(answer.err.trimEnd().split('\n')).toHaveLength(1);
});
