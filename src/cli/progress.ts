import type { Progress } from '../scenario/engine/engine.ts';
import type { Note } from '../scenario/engine/note.ts';
import type { ScenarioPlan } from '../scenario/plan.ts';
import { type Console, painter, type Tone } from './console.ts';

/** What a run tells while it runs: a line for each note, and on a terminal a block that is redrawn. */
export interface ProgressView {
  readonly onNote: (note: Note) => void;
  readonly onProgress: (progress: Progress) => void;
  /** Takes the block away. */
  readonly end: () => void;
}

const REDRAW_MS = 100;
/** The clock is asked only this often: it would cost more than the events between. */
const CALLS_BETWEEN_LOOKS = 64;
const BAR_WIDTH = 32;
const ROWS_MAX = 8;

const TONES: Readonly<Record<Note['tone'], Tone>> = {
  info: 'info',
  good: 'good',
  warning: 'warning',
  bad: 'bad',
};

/** `  1:02:03`, hours, minutes and seconds of the story. */
export function storyTime(atMs: number): string {
  const total = Math.floor(atMs / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${Math.floor(total / 3600)}:${two(Math.floor((total % 3600) / 60))}:${two(total % 60)}`;
}

export function showProgress(console: Console, plan: ScenarioPlan, world: string): ProgressView {
  const paint = painter(console.color);
  console.err(`${paint('strong', plan.name)}  seed ${plan.seed}, ${world}, ${plan.boards.length} boards\n`);
  let blockLines = 0;
  let calls = 0;
  let drawnAtMs = -REDRAW_MS;
  const startedMs = console.nowMs();

  const clear = (): void => {
    if (blockLines > 0) console.err(`\u001b[${blockLines}A\u001b[0J`);
    blockLines = 0;
  };
  return {
    onNote({ atMs, tone, text }) {
      clear();
      const mark = { info: '·', good: '✓', warning: '!', bad: '✗' }[tone];
      console.err(`${paint('soft', storyTime(atMs).padStart(9))} ${paint(TONES[tone], mark)} ${text}\n`);
      drawnAtMs = -REDRAW_MS;
    },
    onProgress(progress) {
      if (!console.live || ++calls % CALLS_BETWEEN_LOOKS !== 0) return;
      const nowMs = console.nowMs();
      if (nowMs - drawnAtMs < REDRAW_MS) return;
      drawnAtMs = nowMs;
      clear();
      const lines = drawBlock(progress, nowMs - startedMs, plan.boards.length, console.columns, paint);
      console.err(`${lines.join('\n')}\n`);
      blockLines = lines.length;
    },
    end: clear,
  };
}

function drawBlock(
  progress: Progress,
  wallMs: number,
  boards: number,
  columns: number,
  paint: (tone: Tone, text: string) => string,
): string[] {
  const speed = Math.round(progress.nowMs / Math.max(1, wallMs));
  const state = [...progress.boards].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  const width = Math.max(12, ...state.map(([name]) => name.length));
  const cut = (text: string): string => (text.length < columns ? text : `${text.slice(0, columns - 2)}…`);
  const clock = `${storyTime(progress.nowMs).padStart(9)}  ${speed.toLocaleString('en')}× life, ${progress.events.toLocaleString('en')} events`;
  const bars = state.slice(0, ROWS_MAX).map(([name, count]) => {
    const filled = Math.max(1, Math.round((count / Math.max(1, boards)) * BAR_WIDTH));
    return `${name.padEnd(width)} ${'█'.repeat(filled)} ${count.toLocaleString('en')}`;
  });
  const marks: Readonly<Record<string, string>> = { Passed: '✓', Failed: '✗', Baking: '◐', Open: '●' };
  const shownRollouts = progress.rollouts.slice(-3);
  const nameWidth = Math.max(0, ...shownRollouts.map(({ name }) => name.length));
  const rollouts = shownRollouts.map(
    ({ name, phase, gates }) =>
      `${name.padEnd(nameWidth)}  ${gates.map((gate) => marks[gate] ?? '○').join(' ')}  ${phase}`,
  );
  return ['', `step ${progress.step}/${progress.steps}  ${progress.doing}`, clock, ...bars, ...rollouts].map(
    (line, index) => (index === 1 ? paint('strong', cut(line)) : cut(line)),
  );
}
