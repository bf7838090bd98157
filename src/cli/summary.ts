import { EXIT_CODE_MEANING, type RunResult, timesText } from '../scenario/result.ts';
import { formatDuration } from '../time/duration.ts';
import type { Tone } from './console.ts';
import { storyTime } from './progress.ts';
import { alignColumns } from './table.ts';

type Paint = (tone: Tone, text: string) => string;

/** What is printed at the end of a run: verdict, rollouts, outcomes, properties, and where to read on. */
export function summarize(
  result: RunResult,
  paint: Paint,
  reportPath: string | undefined,
  replay: string,
): string {
  const passed = result.outcome === 'passed';
  const speed = result.virtualDurationMs / Math.max(1, result.wallDurationMs);
  const blocks = [
    [
      `${paint(passed ? 'good' : 'bad', passed ? 'PASSED' : 'FAILED')}  ${paint('strong', result.scenario)}, seed ${result.seed}, ${result.world}: ${formatDuration(result.virtualDurationMs)} of virtual time in ${formatDuration(result.wallDurationMs)} (${Math.round(speed).toLocaleString('en')}× life), ${result.events.toLocaleString('en')} events, ${result.boards.toLocaleString('en')} boards`,
    ],
    waveLines(result),
    stepLines(result, paint),
    outcomeLines(result),
    refusalLines(result),
    trafficLines(result),
    propertyLines(result, paint),
    passed ? [] : failureLines(result, paint),
    endLines(result, reportPath, replay, passed),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function waveLines({ rollouts }: RunResult): string[] {
  if (rollouts.length === 0) return [];
  const head = ['ROLLOUT', 'PHASE', 'WAVE', 'DEVICES', 'CONFIRMED', 'FAILED', 'EXCLUDED', 'GATE'];
  const rows = rollouts.flatMap((rollout) => {
    const name = [rollout.name, rollout.phase];
    if (rollout.waves.length === 0) return [[...name, '-', '-', '-', '-', '-', '-']];
    return rollout.waves.map((wave, index) => [
      ...(index === 0 ? name : ['', '']),
      `${wave.percent}%`,
      String(wave.devices),
      String(wave.confirmed),
      String(wave.failed),
      String(wave.excluded),
      wave.gate,
    ]);
  });
  return alignColumns([head, ...rows], [2, 3, 4, 5, 6]);
}

/** Steps that passed need no line; the report has them all. */
function stepLines({ steps }: RunResult, paint: Paint): string[] {
  const passed = steps.filter((step) => step.status === 'passed').length;
  const others = steps.filter((step) => step.status !== 'passed');
  return [
    `STEPS  ${passed} of ${steps.length} passed`,
    ...others.map((step) => {
      const tone = step.status === 'failed' ? 'bad' : 'warning';
      return `  ${paint(tone, step.status)}  ${step.number}. ${step.label}: ${step.why}`;
    }),
  ];
}

function outcomeLines({ updates }: RunResult): string[] {
  const rows = Object.entries(updates).sort(([, a], [, b]) => b - a);
  if (rows.length === 0) return [];
  return alignColumns([['UPDATES', ''], ...rows.map(([outcome, count]) => [outcome, String(count)])], [1]);
}

function refusalLines({ refused }: RunResult): string[] {
  if (refused.length === 0) return [];
  const rows = refused.map(({ board, identity, code, message }) => [board, identity, `${code}: ${message}`]);
  return alignColumns([['REFUSED', 'IDENTITY', 'WHY'], ...rows]);
}

function trafficLines({ registry }: RunResult): string[] {
  if (registry.length === 0) return [];
  const rows = registry.map(({ node, content, answers, bytes }) => [
    node,
    content,
    answers.toLocaleString('en'),
    bytes.toLocaleString('en'),
  ]);
  return alignColumns([['FROM REGISTRY TO', 'CONTENT', 'ANSWERS', 'BYTES'], ...rows], [2, 3]);
}

function propertyLines({ properties }: RunResult, paint: Paint): string[] {
  const marks = { passed: ['good', '✓'], failed: ['bad', '✗'], 'not-judged': ['soft', '-'] } as const;
  const rows = properties.map((property) => {
    const first = property.first[0];
    const what =
      property.kind === 'sometimes'
        ? property.sightings > 0
          ? `seen ${timesText(property.sightings)}`
          : 'not seen'
        : property.sightings > 0
          ? `violated ${timesText(property.sightings)}, first at ${storyTime(first?.atMs ?? 0)}`
          : property.verdict === 'not-judged'
            ? 'not judged'
            : 'held';
    return { mark: marks[property.verdict], row: [property.kind, property.name, what] };
  });
  const lines = alignColumns(rows.map(({ row }) => row));
  return [
    'PROPERTIES',
    ...lines.map((line, index) => {
      const [tone, mark] = rows[index]?.mark ?? marks['not-judged'];
      return `${paint(tone, mark)} ${line}`;
    }),
  ];
}

function failureLines(result: RunResult, paint: Paint): string[] {
  return [
    paint('bad', `Exit code ${result.exitCode}: ${EXIT_CODE_MEANING[result.exitCode]}`),
    ...(result.failure === '' ? [] : [result.failure]),
  ];
}

function endLines(
  result: RunResult,
  reportPath: string | undefined,
  replay: string,
  passed: boolean,
): string[] {
  const rows = [
    ...(reportPath === undefined ? [] : [['Report', `${reportPath}/report.html`]]),
    ['Trace', result.traceHash],
    ...(passed ? [] : [['Replay', replay]]),
  ];
  return alignColumns(rows);
}
