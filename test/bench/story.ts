import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runScenario } from '../../src/cli/api.ts';

const CANARY = join(import.meta.dirname, '..', '..', 'scenarios', 'canary-rollback');

interface StoryFigures {
  readonly boards: number;
  readonly outcome: string;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMiB: number;
  readonly events: number;
}

/** Runs canary-rollback in a process of its own, so that its memory is its own. */
export function benchStory(boards: number, print: (line: string) => void): void {
  const child = spawnSync(process.execPath, [import.meta.filename, String(boards)], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`the story of ${boards} boards failed: ${child.stderr}`);
  const figures = JSON.parse(child.stdout) as StoryFigures;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const name = `canary-rollback, ${boards} boards`;
  print(
    `${name.padEnd(38)} ${figures.outcome}, ${seconds(figures.wallMs)} wall, ${seconds(figures.cpuMs)} CPU, ${figures.peakMiB} MiB at most`,
  );
  print(
    `${''.padEnd(38)} ${Math.round((figures.events * 1000) / figures.wallMs).toLocaleString('en')} virtual events per second`,
  );
}

if (process.argv[1] === import.meta.filename) {
  const boards = Number(process.argv[2]);
  const { outcome, events, wallDurationMs } = await runScenario(CANARY, { boards });
  const { user, system } = process.cpuUsage();
  const peakMiB = Math.round(process.resourceUsage().maxRSS / 1024);
  const figures: StoryFigures = {
    boards,
    outcome,
    wallMs: wallDurationMs,
    cpuMs: (user + system) / 1000,
    peakMiB,
    events,
  };
  process.stdout.write(JSON.stringify(figures));
}
