import type { FaultBand, RolloutResult, RunResult } from '../../result.ts';
import { type Markup, markup } from '../markup.ts';
import { type PlottedState, plottedStates } from './plot-states.ts';
import { tickText, timeTicks } from './time-axis.ts';

/** All lengths in user units; the picture scales as a whole. */
const WIDTH = 1080;
/** Room for the names of the lanes. */
const LEFT = 190;
const RIGHT = 16;
const PLOT_HEIGHT = 300;
const LANE_HEIGHT = 22;
const AXIS_HEIGHT = 34;
/** Of rollouts and of faults each, lest either crowd out the other. */
const LANES_MAX = 16;
const BAR_WIDTH_MIN = 4;

interface Lane {
  readonly title: string;
  readonly bars: readonly {
    readonly fromMs: number;
    readonly toMs: number;
    readonly label: string;
    readonly tone: string;
    readonly hint: string;
  }[];
}

/** The fleet over time: boards stacked by what they do, with the rollouts' waves and the faults above. */
export function fleetPlot(result: RunResult): Markup {
  const { chart } = result;
  const states = plottedStates(chart);
  const untilMs = Math.max(1, result.virtualDurationMs);
  const lanes = [
    ...shownLanes(rolloutLanes(result.rollouts, untilMs), 'rollouts'),
    ...shownLanes(faultLanes(result.faults), 'faults'),
  ];
  const top = lanes.length * LANE_HEIGHT + 10;
  const height = top + PLOT_HEIGHT + AXIS_HEIGHT;
  const x = (atMs: number): number => LEFT + (Math.min(atMs, untilMs) / untilMs) * (WIDTH - LEFT - RIGHT);
  const y = (share: number): number => top + PLOT_HEIGHT * (1 - share);
  const label = `Boards by what they do over ${tickText(untilMs)} of virtual time: ${states.map((state) => state.name).join(', ')}.`;
  return markup`<div class="plot" tabindex="0" role="group" aria-label="Fleet over time; scrolls sideways on small screens">
<svg id="plot" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${label}" data-left="${LEFT}" data-right="${WIDTH - RIGHT}" data-top="${top}" data-bottom="${top + PLOT_HEIGHT}">
${patterns(states)}
${lanes.map((lane, index) => drawLane(lane, index * LANE_HEIGHT + 4, x))}
${result.faults.slice(0, 40).map((band) => drawBand(band, x, top))}
${gridLines(result.boards, y)}
${areas(result, states, x, y)}
${waveMarks(result.rollouts, x, top)}
${timeTicks(untilMs).map((tick) => drawTick(tick, x(tick), top))}
<line id="cursor" class="cursor" x1="0" x2="0" y1="${top}" y2="${top + PLOT_HEIGHT}" visibility="hidden"/>
</svg></div>
${legend(result, states)}`;
}

function areas(
  result: RunResult,
  states: readonly PlottedState[],
  x: (atMs: number) => number,
  y: (share: number) => number,
): Markup[] {
  const { columns, columnMs } = result.chart;
  const total = Math.max(1, result.boards);
  const below = columns.map(() => 0);
  const round = (value: number): string => value.toFixed(1);
  // The last column is the end of the run, wherever in its span that lies.
  const edge = (index: number): number =>
    index >= columns.length ? result.virtualDurationMs : Math.min(index * columnMs, result.virtualDurationMs);
  return states.map((state) => {
    const floor = [...below];
    for (const [column, counts] of columns.entries())
      for (const index of state.indexes) below[column] = (below[column] ?? 0) + (counts[index] ?? 0);
    if (columns.every((_, column) => below[column] === floor[column])) return markup``;
    const up: string[] = [];
    const back: string[] = [];
    for (let column = 0; column < columns.length; column++) {
      const [from, to] = [round(x(edge(column))), round(x(edge(column + 1)))];
      const ceiling = round(y((below[column] ?? 0) / total));
      const ground = round(y((floor[column] ?? 0) / total));
      up.push(`${from},${ceiling}`, `${to},${ceiling}`);
      back.push(`${to},${ground}`, `${from},${ground}`);
    }
    const points = [...thin(up), ...thin(reversePairs(back))].join(' ');
    return markup`<polygon points="${points}" fill="${state.fill}"><title>${state.name}</title></polygon>`;
  });
}

/** Drops points that lie on the line between their neighbours, so that a quiet hour costs nothing. */
function thin(points: readonly string[]): string[] {
  const yOf = (point: string | undefined): string | undefined => point?.split(',')[1];
  return points.filter(
    (point, index) =>
      index === 0 ||
      index === points.length - 1 ||
      yOf(points[index - 1]) !== yOf(point) ||
      yOf(points[index + 1]) !== yOf(point),
  );
}

/** `back` holds each column's right edge before its left one; the way home starts at the last column. */
function reversePairs(points: readonly string[]): string[] {
  const out: string[] = [];
  for (let index = points.length - 2; index >= 0; index -= 2)
    out.push(points[index] ?? '', points[index + 1] ?? '');
  return out;
}

function patterns(states: readonly PlottedState[]): Markup {
  const hatched = states.filter((state) => state.hatch !== undefined);
  return markup`<defs>${hatched.map(
    (state) =>
      markup`<pattern id="${state.hatch}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="${state.swatch}"/><rect width="2.4" height="6" class="hatch"/></pattern>`,
  )}</defs>`;
}

function gridLines(boards: number, y: (share: number) => number): Markup[] {
  return [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      markup`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(share)}" y2="${y(share)}"/><text class="tick" x="${LEFT - 8}" y="${y(share) + 4}" text-anchor="end">${Math.round(share * boards).toLocaleString('en')}</text>`,
  );
}

function drawTick(atMs: number, at: number, top: number): Markup {
  const bottom = top + PLOT_HEIGHT;
  const anchor = at > WIDTH - RIGHT - 20 ? 'end' : 'middle';
  return markup`<line class="grid" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 5}"/><text class="tick" x="${anchor === 'end' ? WIDTH - 2 : at}" y="${bottom + 20}" text-anchor="${anchor}">${tickText(atMs)}</text>`;
}

function drawBand(band: FaultBand, x: (atMs: number) => number, top: number): Markup {
  const width = Math.max(1.5, x(band.toMs) - x(band.fromMs));
  return markup`<rect class="band" x="${x(band.fromMs).toFixed(1)}" y="${top}" width="${width.toFixed(1)}" height="${PLOT_HEIGHT}"/>`;
}

function waveMarks(rollouts: readonly RolloutResult[], x: (atMs: number) => number, top: number): Markup[] {
  const starts = rollouts.flatMap((rollout) => rollout.waves.flatMap((wave) => wave.beganAtMs ?? []));
  return starts.slice(0, 60).map((atMs) => {
    const at = x(atMs).toFixed(1);
    return markup`<line class="mark" x1="${at}" x2="${at}" y1="${top - 4}" y2="${top + PLOT_HEIGHT}"/>`;
  });
}

/** A letter is about this wide. */
const LETTER = 6.3;
const LANE_TITLE_MAX = 25;

function drawLane(lane: Lane, top: number, x: (atMs: number) => number): Markup {
  const short =
    lane.title.length <= LANE_TITLE_MAX ? lane.title : `${lane.title.slice(0, LANE_TITLE_MAX - 1)}…`;
  const bars = lane.bars.map((bar) => {
    const width = Math.max(BAR_WIDTH_MIN, x(bar.toMs) - x(bar.fromMs));
    const text =
      bar.label.length * LETTER + 8 <= width
        ? markup`<text class="bar-text" x="${(x(bar.fromMs) + 5).toFixed(1)}" y="${top + 12.5}">${bar.label}</text>`
        : undefined;
    return markup`<g><title>${bar.hint}</title><rect class="bar ${bar.tone}" x="${x(bar.fromMs).toFixed(1)}" y="${top}" width="${(width - 1).toFixed(1)}" height="17" rx="3"/>${text}</g>`;
  });
  return markup`<g><text class="lane" x="${LEFT - 8}" y="${top + 12.5}" text-anchor="end">${short}<title>${lane.title}</title></text>${bars}</g>`;
}

/** Lanes with something in them; those beyond the limit are counted in a last one. */
function shownLanes(lanes: readonly Lane[], kind: string): readonly Lane[] {
  const filled = lanes.filter(({ bars }) => bars.length > 0);
  const left = filled.length - LANES_MAX;
  return left <= 0
    ? filled
    : [...filled.slice(0, LANES_MAX), { title: `and ${left} more ${kind}`, bars: [] }];
}

function rolloutLanes(rollouts: readonly RolloutResult[], untilMs: number): Lane[] {
  return rollouts.map((rollout) => ({
    title: rollout.name,
    bars: rollout.waves.flatMap((wave, index) => {
      if (wave.beganAtMs === undefined) return [];
      const next = rollout.waves.slice(index + 1).find((later) => later.beganAtMs !== undefined);
      const tone = { Passed: 'good', Failed: 'bad' }[wave.gate] ?? 'open';
      return {
        fromMs: wave.beganAtMs,
        toMs: wave.endedAtMs ?? next?.beganAtMs ?? untilMs,
        label: `${wave.percent}%`,
        tone,
        hint: `${rollout.name}, wave ${index + 1} (${wave.percent}%): gate ${wave.gate}, ${wave.confirmed} confirmed, ${wave.failed} failed, ${wave.excluded} excluded`,
      };
    }),
  }));
}

/** Faults of one name share a lane. */
function faultLanes(faults: readonly FaultBand[]): Lane[] {
  const names = [...new Set(faults.map((band) => band.fault))];
  return names.map((name) => ({
    title: name,
    bars: faults
      .filter((band) => band.fault === name)
      .slice(0, 60)
      .map((band) => ({
        fromMs: band.fromMs,
        toMs: band.toMs,
        label: band.boards > 0 ? `${band.boards} boards` : '',
        tone: 'fault',
        hint: `${name}${band.boards > 0 ? ` on ${band.boards} boards` : ''}, from ${tickText(band.fromMs)} to ${tickText(band.toMs)}`,
      })),
  }));
}

function legend(result: RunResult, states: readonly PlottedState[]): Markup {
  const last = result.chart.columns.at(-1) ?? [];
  const rows = states.map((state) => {
    const now = state.indexes.reduce((sum, index) => sum + (last[index] ?? 0), 0);
    const hatch = state.hatch === undefined ? '' : ' hatched';
    return markup`<li class="${now === 0 ? 'none' : ''}"><span class="swatch${hatch}" style="background:${state.swatch}"></span>${state.name} <b data-states="${state.indexes.join(' ')}">${now.toLocaleString('en')}</b></li>`;
  });
  return markup`<p class="when"><span id="when">at the end</span></p><ul class="legend" aria-label="Boards at the end, by state">${rows}</ul>`;
}
