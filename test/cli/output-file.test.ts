import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { writeOutput } from '../../src/cli/output-file.ts';
import { flashOfCase, RECORDED_CASES } from '../board/recorded-cases.ts';
import { scratchFolder } from './command-line.ts';

const scratch = scratchFolder();
const folder = dirname(scratch.path('x'));
const entry = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

test('an output replaces what was there and leaves nothing beside it', () => {
  scratch.write('out.bin', 'old');
  writeOutput(scratch.path('out.bin'), 'new');
  expect(readdirSync(folder)).toEqual(['out.bin']);
  expect(readFileSync(scratch.path('out.bin'), 'utf8')).toBe('new');
});

test('where an output cannot go, what was there stays and nothing is left over', () => {
  expect(() => writeOutput(folder, 'x')).toThrow(/cannot be written: it is a folder/);
  expect(() => writeOutput(scratch.path('none/x'), 'x')).toThrow(/none\/x cannot be written/);
  expect(readdirSync(folder)).toEqual(['out.bin']);
});

test('a link stays a link, and a device a device', () => {
  symlinkSync(scratch.path('out.bin'), scratch.path('link'));
  writeOutput(scratch.path('link'), 'through');
  expect(lstatSync(scratch.path('link')).isSymbolicLink()).toBe(true);
  expect(readFileSync(scratch.path('out.bin'), 'utf8')).toBe('through');
  writeOutput('/dev/null', 'gone');
  expect(existsSync('/dev/null') && !lstatSync('/dev/null').isFile()).toBe(true);
});

test('as a process, too, a dump boots and a mistake ends with its code and one line', () => {
  const flash = flashOfCase(RECORDED_CASES[0] as (typeof RECORDED_CASES)[number]);
  const dump = scratch.write('dump.bin', flash.read(0, flash.sizeBytes));
  const out = execFileSync(process.execPath, [entry, 'board', 'boot', dump, '--json'], { encoding: 'utf8' });
  expect(JSON.parse(out).boots[0].slot).toBe('ota_1');
  const { status, stderr } = spawnSync(process.execPath, [entry, 'board', 'boot', 'none'], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([64, 'brickproof: there is no file none\n']);
});
