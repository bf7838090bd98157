import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SimWorld } from '../../sim/world.ts';
import { openScenario } from '../../src/cli/scenario-path.ts';
import { runScenario } from '../../src/scenario/engine/engine.ts';
import { makePlan } from '../../src/scenario/planning/make-plan.ts';
import { folderOf } from './story.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CANARY = join(ROOT, 'scenarios', 'canary-rollback');
const folder = mkdtempSync(join(tmpdir(), 'brickproof-determinism-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Answer {
  readonly exitCode: number;
  readonly trace: Buffer;
  readonly hash: string;
}

/** Runs the canary story on forty boards in a process of its own. */
async function runInProcess(
  name: string,
  args: readonly string[],
  place: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<Answer> {
  const report = join(folder, name);
  const main = join(ROOT, 'src', 'cli', 'main.ts');
  const line = [main, 'run', CANARY, '--boards', '40', '--report', report, ...args];
  const options = { cwd: place.cwd ?? ROOT, env: { ...process.env, ...place.env } };
  const exitCode = await new Promise<number>((resolve) => {
    execFile(process.execPath, line, options, (error) =>
      resolve(error === null ? 0 : typeof error.code === 'number' ? error.code : -1),
    );
  });
  const { traceHash } = JSON.parse(readFileSync(join(report, 'report.json'), 'utf8'));
  return { exitCode, trace: readFileSync(join(report, 'trace.ndjson')), hash: traceHash };
}

describe('a run in a process of its own', () => {
  test('is the same, byte for byte, wherever and in whatever locale it is told', async () => {
    const [here, there] = await Promise.all([
      runInProcess('here', ['--seed', '7'], { env: { TZ: 'UTC', LANG: 'C', LC_ALL: 'C' } }),
      runInProcess('there', ['--seed', '7'], {
        env: { TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
        cwd: folder,
      }),
    ]);
    expect([here.exitCode, there.exitCode]).toEqual([0, 0]);
    expect(here.trace.length).toBeGreaterThan(50_000);
    expect(here.trace.equals(there.trace)).toBe(true);
    expect(here.hash).toBe(there.hash);
  });

  test('is another with another seed, and --check-determinism finds nothing to say about it', async () => {
    const [seven, eight] = await Promise.all([
      runInProcess('seven', ['--seed', '7']),
      runInProcess('eight', ['--seed', '8', '--check-determinism']),
    ]);
    expect([seven.exitCode, eight.exitCode]).toEqual([0, 0]);
    expect(eight.hash).not.toBe(seven.hash);
  });
});

describe('a draw in one place moves nothing elsewhere', () => {
  const story = (fleet: string, steps = ''): string => `apiVersion: brickproof.dev/v1
kind: Scenario
metadata: { name: draws }
firmware:
  thermo:1.0.0: { application: thermo, size: 64KiB }
fleet:
${fleet}  - group: hut
    boards: 6
    chips: { esp32: 50%, esp32s3: 50% }
    runs: thermo:1.0.0
    link: { latency: 40ms ± 20ms, jitter: 30ms, loss: 5%, bandwidth: 128kbit/s }
steps:
  - apply:
      apiVersion: akri.sh/v0
      kind: Configuration
      metadata: { name: thermo }
      spec: { discoveryHandler: { name: brickproof, discoveryDetails: "applicationType: thermo" } }
${steps}  - { at: 2m, inject: { fault: power-cut, on: { group: hut, count: 2 }, for: 10s } }
`;
  const planOf = (text: string) => makePlan(folderOf({ 'scenario.yaml': text }));

  /** What the huts do until the first of them is asked for evidence, and who they are. */
  async function hutsUntilContact(fleet: string): Promise<readonly string[]> {
    const plan = planOf(story(fleet));
    const world = new SimWorld(plan);
    const lines: string[] = [];
    await runScenario(plan, world, {
      wallClockMs: () => 0,
      traceSink: (chunk) => lines.push(...chunk.trimEnd().split('\n')),
    });
    const events = lines.filter((line) => line.includes('"board":"hut-'));
    const contact = events.findIndex((line) => line.includes('"kind":"evidence"'));
    expect(contact).toBeGreaterThan(6 * 3 - 1);
    const ids = world.boards.filter(({ group }) => group === 'hut').map((board) => board.deviceId);
    return [...ids, ...events.slice(0, contact)];
  }

  test('another group leaves the boards of this one who they are and what they do until somebody asks them', async () => {
    const alone = await hutsUntilContact('');
    // The other group stands before the huts in every order, by place and by name.
    const others = '  - { group: barn, boards: 4, runs: "thermo:1.0.0", link: { loss: 20%, latency: 1s } }\n';
    expect(await hutsUntilContact(others)).toEqual(alone);
    expect(await hutsUntilContact(others.replace('boards: 4', 'boards: 5'))).toEqual(alone);
  });

  test('another step leaves a fault the boards that it had', () => {
    const struck = (text: string) =>
      planOf(text).steps.flatMap((step) => (step.verb === 'inject' ? [step.order] : []));
    const before =
      '  - { expect: { boards: { group: hut }, count: 6 } }\n  - inject: { fault: watch-drop }\n';
    const [, powerCut] = struck(story('', before));
    expect([powerCut]).toEqual(struck(story('')));
  });

  test('the plan of a seed is one plan', () => {
    const seeds = [7, 7, 8].map((seed) => makePlan(openScenario(CANARY), { seed }));
    const [first, again, other] = seeds.map((plan) => JSON.stringify([plan.boards, plan.firmware]));
    expect(first).toBe(again);
    expect(first).not.toBe(other);
  });
});
