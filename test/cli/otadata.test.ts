import { expect, test } from 'vitest';
import { toHex } from '../../src/esp/byte-fields.ts';
import { flashOfCase, RECORDED_CASES } from '../board/recorded-cases.ts';
import { brickproof, brickproofJson, scratchFolder } from './command-line.ts';

const scratch = scratchFolder();
const out = () => ['--out', scratch.path('otadata.bin')];

function entries(): string[] {
  const bytes = scratch.read('otadata.bin');
  expect(bytes.length).toBe(0x2000);
  return [0, 0x1000].map((at) => toHex(bytes.subarray(at, at + 32)));
}
const ERASED = 'ff'.repeat(32);

test('make writes the entry ESP-IDF writes', () => {
  brickproof('otadata', 'make', '--slot', 'ota_0', '--state', 'NEW', ...out());
  expect(entries()).toEqual([`01000000${'ff'.repeat(20)}000000009a984347`, ERASED]);
  brickproof('otadata', 'make', '--slot', 'ota_1', '--seq', '4', ...out());
  expect(entries()).toEqual([`04000000${'ff'.repeat(20)}02000000a8689d70`, ERASED]);
  brickproof('otadata', 'make', '--slot', 'factory', ...out());
  expect(entries()).toEqual([ERASED, ERASED]);
});

test('make goes on from what is there, in the other sector', () => {
  const from = ['--from', scratch.path('otadata.bin')];
  brickproof('otadata', 'make', '--slot', 'ota_0', ...out());
  brickproof('otadata', 'make', '--slot', 'ota_1', '--state', 'NEW', ...from, ...out());
  brickproof('otadata', 'make', '--slot', 'ota_0', '--state', 'NEW', ...from, ...out());
  const show = () => brickproofJson('otadata', 'show', scratch.path('otadata.bin'));
  expect(show()).toMatchObject({
    inForce: 0,
    entries: [
      { sequence: 3, slot: 'ota_0', state: 'NEW', crcRight: true },
      { sequence: 2, slot: 'ota_1', state: 'NEW' },
    ],
  });
  brickproof('otadata', 'make', '--slot', 'ota_0', '--state', 'VALID', ...from, ...out());
  expect(show().entries[0]).toMatchObject({ sequence: 3, state: 'VALID' });
});

test('show reads the otadata of a dump and says which entry is in force', () => {
  const recorded = RECORDED_CASES.find(
    ({ otadata }) => otadata[0]?.[2] === true && otadata[1]?.[2] === false,
  );
  if (recorded === undefined) throw new Error('no recorded case has one wrong CRC');
  const flash = flashOfCase(recorded);
  const dump = scratch.write('dump.bin', flash.read(0, flash.sizeBytes));
  expect(brickproofJson('otadata', 'show', dump)).toMatchObject({
    slots: 2,
    entries: recorded.otadata.map((entry) => ({ sequence: entry?.[0], crcRight: entry?.[2] })),
  });
  expect(brickproof('otadata', 'show', dump).out).toMatch(/ right.*\n.* wrong/);
});

test('a boot counter is made and shown', () => {
  brickproof(
    'otadata',
    'make',
    '--slot',
    'ota_2',
    '--slots',
    '3',
    '--boots-without-confirm',
    '5',
    '--state',
    'NEW',
    ...out(),
  );
  const shown = brickproof('otadata', 'show', scratch.path('otadata.bin'), '--slots', '3').out;
  expect(shown).toMatch(/^ {2}0 +3 +ota_2 +NEW +0x\w{8} right +0 of 5 boots +in force$/m);
  expect(shown).toMatch(/^ {2}1 +erased$/m);
});

test.each([
  ['a slot there is not', ['--slot', 'ota_2'], /--slot ota_2: factory or ota_0 to ota_1/],
  ['a state there is not', ['--slot', 'ota_1', '--state', 'FINE'], /--state FINE: known are NEW/],
  ['a sequence that names another slot', ['--slot', 'ota_1', '--seq', '3'], /--seq 3 names ota_0/],
  ['too many boots', ['--slot', 'ota_1', '--boots-without-confirm', '137'], /from 1 to 136/],
] as const)('make refuses %s', (_what, options, message) => {
  expect(brickproof('otadata', 'make', ...options, ...out())).toMatchObject({
    exitCode: 64,
    err: expect.stringMatching(message),
  });
});

test('a file of another size is no otadata', () => {
  const file = scratch.write('odd.bin', new Uint8Array(0x1800).fill(0xff));
  expect(brickproof('otadata', 'show', file)).toMatchObject({
    exitCode: 64,
    err: expect.stringContaining('6144 bytes: neither otadata'),
  });
});
