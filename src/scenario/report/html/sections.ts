import { countsAtGate, isOutcome, OUTCOMES } from '../../../device/outcome.ts';
import { formatDuration } from '../../../time/duration.ts';
import type { PropertyResult } from '../../properties/property-board.ts';
import { type RunResult, type StepResult, timesText, type WaveResult } from '../../result.ts';
import { type Markup, markup } from '../markup.ts';
import { storyClock } from './time-axis.ts';

type Tone = 'good' | 'bad' | 'warning' | '';

const tag = (text: string, tone: Tone): Markup => markup`<span class="tag ${tone}">${text}</span>`;

const TONE_OF_VERDICT: Readonly<Record<PropertyResult['verdict'] | StepResult['status'], Tone>> = {
  passed: 'good',
  failed: 'bad',
  skipped: 'warning',
  'not-judged': '',
};

export function keyFigures(result: RunResult): Markup {
  const speed = result.virtualDurationMs / Math.max(1, result.wallDurationMs);
  const held = result.properties.filter((property) => property.verdict === 'passed').length;
  const updates = Object.values(result.updates).reduce((sum, count) => sum + count, 0);
  const bricked = result.chart.columns.at(-1)?.[result.chart.states.indexOf('bricked')] ?? 0;
  const figures: readonly (readonly [string, string, boolean])[] = [
    [result.boards.toLocaleString('en'), 'boards', false],
    [String(bricked), 'bricked', bricked > 0],
    [updates.toLocaleString('en'), `updates, ${result.updates.confirmed ?? 0} confirmed`, false],
    [`${held}/${result.properties.length}`, 'properties hold', held < result.properties.length],
    [formatDuration(result.virtualDurationMs), 'of virtual time', false],
    [formatDuration(result.wallDurationMs), `of real time, ${times(speed)}`, false],
    [result.events.toLocaleString('en'), 'events', false],
  ];
  return markup`<ul class="figures">${figures.map(
    ([value, name, bad]) => markup`<li class="${bad ? 'bad' : ''}"><b>${value}</b><span>${name}</span></li>`,
  )}</ul>`;
}

function times(speed: number): string {
  return speed >= 10 ? `${Math.round(speed).toLocaleString('en')}× life` : `${speed.toFixed(1)}× life`;
}

export function rolloutSection(result: RunResult): Markup | undefined {
  if (result.rollouts.length === 0) return undefined;
  const tones: Readonly<Record<string, Tone>> = { Completed: 'good', Aborted: 'bad', Reverting: 'warning' };
  return markup`<section><h2>Rollouts</h2>${result.rollouts.map(
    (rollout) => markup`<h3>${rollout.name} ${tag(rollout.phase, tones[rollout.phase] ?? '')}</h3>
<p class="lead"><code>${rollout.firmware}</code> ${rollout.message}</p>
<div class="table"><table><thead><tr><th>Wave</th><th>Gate</th><th class="number">Devices</th><th class="number">Confirmed</th><th class="number">Failed</th><th class="number">Excluded</th><th class="number">Pending</th><th class="number">Began</th><th class="number">Took</th></tr></thead>
<tbody>${rollout.waves.map(waveRow)}</tbody></table></div>`,
  )}</section>`;
}

function waveRow(wave: WaveResult, index: number): Markup {
  const tone = wave.gate === 'Passed' ? 'good' : wave.gate === 'Failed' ? 'bad' : '';
  const began = wave.beganAtMs === undefined ? '–' : storyClock(wave.beganAtMs);
  const took =
    wave.beganAtMs === undefined || wave.endedAtMs === undefined
      ? '–'
      : formatDuration(wave.endedAtMs - wave.beganAtMs);
  const numbers = [wave.devices, wave.confirmed, wave.failed, wave.excluded, wave.pending];
  return markup`<tr><td class="nowrap">${index + 1} · ${wave.percent}%</td><td>${tag(wave.gate, tone)}</td>${numbers.map(
    (count) => markup`<td class="number">${count.toLocaleString('en')}</td>`,
  )}<td class="number">${began}</td><td class="number">${took}</td></tr>`;
}

export function propertySection(result: RunResult): Markup {
  const rows = result.properties.map((property) => {
    const first = property.first[0];
    const isSometimes = property.kind === 'sometimes';
    const seen = isSometimes ? `seen ${timesText(property.sightings)}, first` : 'first violated';
    const detail = first && markup`<small>${seen} at ${storyClock(first.atMs)}: ${first.message}</small>`;
    const never =
      isSometimes && property.verdict === 'failed' ? markup`<small>never seen</small>` : undefined;
    return markup`<tr><td>${tag(property.verdict, TONE_OF_VERDICT[property.verdict])}</td><td class="nowrap">${property.kind}</td><td><b>${property.name}</b>${property.description === property.name ? undefined : markup`<small>${property.description}</small>`}${detail}${never}</td></tr>`;
  });
  return markup`<section><h2>Properties</h2><div class="table"><table><thead><tr><th>Verdict</th><th>Kind</th><th>Property</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

export function stepSection(result: RunResult): Markup {
  const rows = result.steps.map(
    (step) =>
      markup`<tr><td class="number">${step.number}</td><td>${tag(step.status, TONE_OF_VERDICT[step.status])}</td><td><b>${step.label}</b><small>${step.why}</small><small>${step.place.file}:${step.place.line}</small></td><td class="number">${storyClock(step.startedAtMs)}</td><td class="number">${formatDuration(step.endedAtMs - step.startedAtMs)}</td></tr>`,
  );
  return markup`<section><h2>Steps</h2><div class="table"><table><thead><tr><th class="number">#</th><th>Result</th><th>Step</th><th class="number">Began</th><th class="number">Took</th></tr></thead><tbody>${rows}</tbody></table></div></section>`;
}

export function outcomeSection(result: RunResult): Markup | undefined {
  const rows = Object.entries(result.updates).sort(([, a], [, b]) => b - a);
  if (rows.length === 0) return undefined;
  const most = Math.max(...rows.map(([, count]) => count));
  return markup`<section><h2>Updates by outcome</h2><div class="table"><table><thead><tr><th>Outcome</th><th class="number">Updates</th><th style="width:45%"><span hidden>Share</span></th></tr></thead><tbody>${rows.map(
    ([outcome, count]) => {
      const tone =
        outcome === 'confirmed' ? 'good' : isOutcome(outcome) && countsAtGate(outcome) ? 'bad' : 'warning';
      const meaning = isOutcome(outcome) ? OUTCOMES[outcome] : '';
      return markup`<tr><td>${tag(outcome, tone)}<small>${meaning}</small></td><td class="number">${count.toLocaleString('en')}</td><td><span class="meter ${tone}" style="width:${((count / most) * 100).toFixed(1)}%"></span></td></tr>`;
    },
  )}</tbody></table></div></section>`;
}

/** Who was turned away: it is why a refused device counts at no gate. */
export function refusalSection({ refused }: RunResult): Markup | undefined {
  if (refused.length === 0) return undefined;
  return markup`<section><h2>Refused identities</h2><div class="table"><table><thead><tr><th>Board</th><th>What it is</th><th>Why it was refused</th><th class="number">First</th></tr></thead><tbody>${refused.map(
    ({ board, identity, code, message, atMs }) =>
      markup`<tr><td class="nowrap"><b>${board}</b></td><td>${tag(identity, identity === 'genuine' ? '' : 'warning')}</td><td><code>${code}</code><small>${message}</small></td><td class="number">${storyClock(atMs)}</td></tr>`,
  )}</tbody></table></div></section>`;
}

/** What the fleet cost its registry. */
export function trafficSection({ registry }: RunResult): Markup | undefined {
  if (registry.length === 0) return undefined;
  return markup`<section><h2>From the registry</h2><div class="table"><table><thead><tr><th>Node</th><th>Content</th><th class="number">Answers</th><th class="number">Bytes</th></tr></thead><tbody>${registry.map(
    ({ node, content, answers, bytes }) =>
      markup`<tr><td class="nowrap">${node}</td><td>${content}</td><td class="number">${answers.toLocaleString('en')}</td><td class="number">${bytes.toLocaleString('en')}</td></tr>`,
  )}</tbody></table></div></section>`;
}

const NOTES_SHOWN = 60;

export function timelineSection(result: RunResult): Markup {
  const row = ({ atMs, tone, text }: RunResult['notes'][number]): Markup =>
    markup`<li class="${tone}"><time>${storyClock(atMs)}</time><span class="dot"></span><p>${text}</p></li>`;
  const rest = result.notes.slice(NOTES_SHOWN);
  const dropped =
    result.notesDropped > 0 ? markup`<p>${result.notesDropped} more are in the trace.</p>` : undefined;
  const more =
    rest.length > 0
      ? markup`<details><summary>${rest.length} more</summary><ol class="timeline">${rest.map(row)}</ol>${dropped}</details>`
      : undefined;
  return markup`<section><h2>What happened</h2><ol class="timeline">${result.notes.slice(0, NOTES_SHOWN).map(row)}</ol>${more}</section>`;
}

export function involvedSection(result: RunResult): Markup | undefined {
  if (result.involved.length === 0) return undefined;
  return markup`<section><h2>Boards involved</h2>${result.involved.map(
    (
      board,
    ) => markup`<h3>${board.name} <span class="tag">${board.chip}</span> <span class="tag">${board.state}, ${board.running}</span></h3>
<ol class="timeline">${board.history.map(
      (entry) =>
        markup`<li><time>${storyClock(entry.atMs)}</time><span class="dot"></span><p>${entry.text}</p></li>`,
    )}</ol>`,
  )}</section>`;
}
