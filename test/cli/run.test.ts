import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RunFlags, replayCommand, runCommand } from '../../src/cli/commands/run.ts';
import type { OpenWorld } from '../../src/cli/open-world.ts';
import { ScriptedWorld } from '../scenario/scripted-world.ts';
import { FILES, STORY } from '../scenario/story.ts';
import { ScriptedConsole } from './scripted-console.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brickproof-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const minute = 60_000;
const PASSING = STORY.slice(0, STORY.indexOf('steps:')).concat(`steps:
  - { at: 1h, expect: { boards: { runs: "thermo:1.0.0" }, count: 100% } }
properties: { always: [every-board-bootable] }
`);

/** A world in which nothing happens but what the script says. */
const scripted =
  (script: (world: ScriptedWorld) => void = () => {}): OpenWorld =>
  async (plan) => {
    const world = new ScriptedWorld(plan);
    script(world);
    return world;
  };
const brick = scripted((world) => world.at(5 * minute, () => world.boot('greenhouse-003', { brick: true })));

async function run(text: string, flags: Partial<RunFlags> = {}, open = scripted(), options = {}) {
  writeFileSync(join(folder, 'scenario.yaml'), text);
  writeFileSync(join(folder, 'rollout.yaml'), FILES['rollout.yaml']);
  const console = new ScriptedConsole(options);
  const report = join(folder, 'out');
  const exitCode = await runCommand(folder, { on: 'sim', speed: 1, report, ...flags }, console, open);
  return { exitCode, stdout: console.stdout, stderr: console.stderr, report };
}

describe('a run that passes', () => {
  test('writes its folder, without a replay, and sums up', async () => {
    const { exitCode, stdout, report } = await run(PASSING);
    expect(exitCode).toBe(0);
    expect(readdirSync(report).sort()).toEqual(['junit.xml', 'report.html', 'report.json', 'trace.ndjson']);
    expect(stdout).toContain('PASSED  small, seed 7, sim: 1h 00m of virtual time');
    expect(stdout).toContain(`Report  ${report}/report.html`);
    const json = JSON.parse(readFileSync(join(report, 'report.json'), 'utf8'));
    expect(json).toMatchObject({ outcome: 'passed', boards: 20, seed: 7 });
    const lines = readFileSync(join(report, 'trace.ndjson'), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(json.traceLines);
  });

  test('takes an earlier replay away', async () => {
    await run(PASSING, {}, brick);
    expect(existsSync(join(folder, 'out', 'replay.yaml'))).toBe(true);
    await run(PASSING);
    expect(existsSync(join(folder, 'out', 'replay.yaml'))).toBe(false);
  });

  test('with --json prints the JSON and nothing else', async () => {
    const { stdout } = await run(PASSING, { json: true, seed: 9, boards: 40 });
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, seed: 9, boards: 40 });
  });

  test('with --no-report writes nothing', async () => {
    await run(PASSING, { report: false });
    expect(readdirSync(folder).sort()).toEqual(['rollout.yaml', 'scenario.yaml']);
  });
});

describe('a run that fails', () => {
  test('tells the violation and the command that shows it again, and that command does', async () => {
    const { exitCode, stdout, report } = await run(PASSING, {}, brick);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(
      'every-board-bootable: greenhouse-003 has nothing left to boot (reset: software)',
    );
    expect(stdout).toContain(`Replay  npx brickproof replay ${report}/replay.yaml`);
    const first = JSON.parse(readFileSync(join(report, 'report.json'), 'utf8'));
    const console = new ScriptedConsole();
    const again = await replayCommand(
      join(report, 'replay.yaml'),
      { report: false, json: true },
      console,
      brick,
    );
    expect(again).toBe(1);
    expect(JSON.parse(console.stdout).traceHash).toBe(first.traceHash);
    expect(console.stderr).toContain('the trace is the recorded one\n');
  });

  test('is replayed from the file alone, in the proportions it had', async () => {
    const { report } = await run(PASSING, { boards: 40 }, brick);
    rmSync(join(folder, 'scenario.yaml'));
    const console = new ScriptedConsole();
    await replayCommand(join(report, 'replay.yaml'), { report: false, json: true }, console, brick);
    expect(JSON.parse(console.stdout).boards).toBe(40);
  });

  test('that takes another turn says that the trace is another', async () => {
    const { report } = await run(PASSING, {}, brick);
    const console = new ScriptedConsole();
    await replayCommand(join(report, 'replay.yaml'), { report: false }, console, scripted());
    expect(console.stderr).toContain('the trace is not the recorded one');
  });
});

test('a run that is not deterministic is a bug, and says where the traces part', async () => {
  let times = 0;
  const fickle: OpenWorld = async (plan, choice) => {
    times++;
    const turn = times;
    return scripted((world) => world.at(turn * minute, () => world.boot('greenhouse-001', {})))(plan, choice);
  };
  const { exitCode, stdout } = await run(PASSING, { checkDeterminism: true }, fickle);
  expect(exitCode).toBe(70);
  expect(stdout).toMatch(/trace\.ndjson and trace-2\.ndjson part at line \d+/);
  const steady = await run(PASSING, { checkDeterminism: true });
  expect(steady.exitCode).toBe(0);
});

describe('a story that turns out to be wrong while it is told', () => {
  const job = `apiVersion: application.flashjob.nbfc.io/v1alpha1
kind: FlashJob
metadata: { name: j }
spec: { uuid: [nobody], firmware: "registry.local/thermo:2.0.0", version: "1" }
`;
  const text = PASSING.replace('steps:\n', 'steps:\n  - apply: job.yaml\n');
  beforeEach(() => writeFileSync(join(folder, 'job.yaml'), job));

  test('leaves no folder behind', async () => {
    const report = join(folder, 'reports', 'today');
    await expect(run(text, { report })).rejects.toThrow(/job\.yaml:4:16: unknown device "nobody"/);
    expect(existsSync(join(folder, 'reports'))).toBe(false);
  });

  test('leaves an earlier report as it was', async () => {
    const { report } = await run(PASSING, {}, brick);
    const files = (): string[][] =>
      readdirSync(report)
        .sort()
        .map((name) => [name, readFileSync(join(report, name), 'utf8')]);
    const before = files();
    await expect(run(text)).rejects.toThrow(/unknown device/);
    expect(files()).toEqual(before);
    expect(before.map(([name]) => name)).toContain('replay.yaml');
  });
});

test('a report that cannot be written is refused before anything is told, and the world is stopped', async () => {
  writeFileSync(join(folder, 'file'), '');
  const worlds: ScriptedWorld[] = [];
  const open: OpenWorld = async (plan) => {
    const world = new ScriptedWorld(plan);
    worlds.push(world);
    return world;
  };
  await expect(run(PASSING, { report: join(folder, 'file') }, open)).rejects.toThrow(
    /^cannot write the report to .*file/,
  );
  expect(worlds).toMatchObject([{ stopped: true, eventCount: 0 }]);
});

describe('progress', () => {
  test('without a terminal is a line for each thing that happens, without colours', async () => {
    const { stderr } = await run(PASSING, { keepGoing: true }, brick);
    expect(stderr).toContain('small  seed 7, sim, 20 boards\n');
    expect(stderr).toContain('  0:05:00 ✗ greenhouse-003 is a brick: nothing boots\n');
    expect(stderr).not.toContain('\u001b');
  });

  test('on a terminal redraws a block, and leaves the lines alone at the end', async () => {
    const chatty = scripted((world) => {
      for (let second = 1; second < 600; second++)
        world.at(second * 1000, () => world.tell({ kind: 'online', board: 'greenhouse-001' }));
    });
    const { stderr } = await run(PASSING, {}, chatty, { live: true, color: true });
    expect(stderr).toContain('step 1/1');
    expect(stderr).toContain('thermo 1.0.0 ████████');
    expect(stderr.trimEnd().endsWith('\u001b[0J')).toBe(true);
  });
});

test('an interrupted run writes its report and ends with 130', async () => {
  const controller = new AbortController();
  const open = scripted((world) => world.at(minute, () => controller.abort()));
  const { exitCode, report } = await run(PASSING, {}, open, { interrupted: controller.signal });
  expect(exitCode).toBe(130);
  expect(existsSync(join(report, 'report.html'))).toBe(true);
});
