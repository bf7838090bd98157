import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildAppImage } from '../../src/esp/app-image-build.ts';
import { CHIPS, type ChipName } from '../../src/esp/chips.ts';

// What a person sees who makes a mistake: the real program, in a folder of their own.

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
const scratch = mkdtempSync(join(tmpdir(), 'brickproof-bad-input-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const imageFor = (chip: ChipName): Uint8Array =>
  buildAppImage({
    chip: CHIPS[chip],
    projectName: 'weather',
    version: '3.1.0',
    sizeBytes: 8192,
    contents: (length) => new Uint8Array(length).fill(0x5a),
  });

const SCENARIO = `apiVersion: brickproof.dev/v1
kind: Scenario
metadata: { name: story }
firmware:
  thermo:1.0.0: { application: thermo, size: 64KiB }
  own:1.0.0: { file: build/app.bin }
fleet:
  - { group: hut, boards: 3, runs: "thermo:1.0.0" }
steps:
  - apply: job.yaml
  - inject: { fault: power-cut, for: 10s }
  - wait: { for: job/flashjob, condition: Complete, within: 1h }
`;
const JOB = `apiVersion: application.flashjob.nbfc.io/v1alpha1
kind: FlashJob
metadata: { name: flashjob }
spec:
  uuid: [ d95c7c2d-7dc5-427b-9bf7-51a5d299c99e ]
  firmware: registry.local/own:1.0.0
  version: 1.0.0
`;
type Files = Readonly<Record<string, string | Uint8Array>>;
const FILES: Files = {
  'scenario.yaml': SCENARIO,
  'job.yaml': JOB,
  'build/app.bin': imageFor('esp32'),
};

interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Everything in the folder afterwards that was not there before. */
  readonly left: readonly string[];
}

/** Runs the story that these files tell, from the folder they lie in. */
async function run(files: Partial<Files>): Promise<Answer> {
  const folder = mkdtempSync(join(scratch, 'story-'));
  for (const [name, contents] of Object.entries({ ...FILES, ...files })) {
    if (contents === undefined) continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), contents);
  }
  const list = (): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const before = new Set(list());
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'run', '.'], { cwd: folder }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ exitCode, stdout, stderr, left: list().filter((name) => !before.has(name)) });
    });
  });
}

const scenario = (right: string, wrong: string): Partial<Files> => {
  expect(SCENARIO).toContain(right);
  return { 'scenario.yaml': SCENARIO.replace(right, wrong) };
};

describe('a mistake is one line with its place and what to do, exit code 64, and nothing is left behind', () => {
  test.concurrent.each<[string, () => Partial<Files>, string]>([
    [
      'an unknown key',
      () => scenario('boards: 3', 'bords: 3'),
      'scenario.yaml:8:19: unknown key "bords" in fleet[0]; did you mean "boards"?',
    ],
    [
      'a misspelt fault',
      () => scenario('power-cut', 'power-cute'),
      'scenario.yaml:11:22: unknown fault "power-cute"; did you mean "power-cut"?',
    ],
    [
      'a unit-less number',
      () => scenario('for: 10s', 'for: 10'),
      'scenario.yaml:11:38: steps[1].inject.for: 10 has no unit; write a duration as 90s or 1h30m',
    ],
    [
      'a missing image',
      () => ({ 'build/app.bin': undefined }),
      'scenario.yaml:6:22: there is no file build/app.bin',
    ],
    [
      'an image for the wrong chip',
      () => ({
        ...scenario('file: build/app.bin', 'file: { esp32: build/app.bin }'),
        'build/app.bin': imageFor('esp32c3'),
      }),
      'scenario.yaml:6:31: build/app.bin is no image a board would start: the image is for ESP32-C3, not for ESP32',
    ],
    [
      'a truncated .bin',
      () => ({ 'build/app.bin': imageFor('esp32').subarray(0, 5000) }),
      'scenario.yaml:6:22: build/app.bin is no image a board would start: ',
    ],
    [
      'an unknown device id',
      () => ({}),
      'job.yaml:5:11: unknown device "d95c7c2d-7dc5-427b-9bf7-51a5d299c99e": no Device and no Akri Instance has this id; fill it from the fleet',
    ],
    [
      'an empty uuid list',
      () => ({ 'job.yaml': JOB.replace(/\[.*\]/, '[]') }),
      'job.yaml:5:9: uuid is empty: name at least one device, or fill it from the fleet',
    ],
    [
      'a manifest that the cluster refuses',
      () => ({
        ...scenario('apply: job.yaml', 'apply: job.yaml\n    fill: { spec.uuid: { devices: {} } }'),
        'job.yaml': JOB.replace('version: 1.0.0', 'version: [1]'),
      }),
      'job.yaml:7:12: spec.version: Invalid value: "array": ',
    ],
  ])('%s', async (_, files, told) => {
    const { exitCode, stdout, stderr, left } = await run(files());
    const complaints = stderr.split('\n').filter((line) => /^\S+:\d+:\d+: /.test(line));
    expect(complaints).toEqual([expect.stringContaining(told)]);
    // A device id is known to nobody only once the fleet is up: the line that names the run comes first.
    const others = stderr.split('\n').filter((line) => line !== '' && !complaints.includes(line));
    expect(others.filter((line) => !line.startsWith('story  seed 1, sim, 3 boards'))).toEqual([]);
    expect({ exitCode, stdout, left }).toEqual({ exitCode: 64, stdout: '', left: [] });
  });
});

test('the same story without a mistake is told', async () => {
  const steps = '  - { at: 1m, expect: { boards: { runs: "thermo:1.0.0" }, count: 100% } }\n';
  const { exitCode, stderr, left } = await run({
    'scenario.yaml': SCENARIO.replace(/steps:\n[\s\S]*$/, `steps:\n${steps}`),
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'story  seed 1, sim, 3 boards\n' });
  expect(left.map((name) => name.split('/').at(-1))).toEqual(
    expect.arrayContaining(['report.html', 'report.json', 'junit.xml', 'trace.ndjson']),
  );
});
