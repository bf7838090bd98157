import { EXIT_CODE_MEANING, type RunResult } from '../../result.ts';
import { Markup, markup } from '../markup.ts';
import { fleetPlot } from './fleet-plot.ts';
import { PLOT_SCRIPT } from './plot-script.ts';
import {
  involvedSection,
  keyFigures,
  outcomeSection,
  propertySection,
  refusalSection,
  rolloutSection,
  stepSection,
  timelineSection,
  trafficSection,
} from './sections.ts';
import { STYLE } from './style.ts';

/** The report for people: one file, nothing fetched from anywhere. */
export function makeHtml(result: RunResult, version: string, replay: string): string {
  const samples = { ...result.chart, states: undefined, untilMs: Math.max(1, result.virtualDurationMs) };
  // `<` is the one character that could end the script element early.
  const json = new Markup(JSON.stringify(samples).replaceAll('<', '\\u003c'));
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${result.scenario}, seed ${result.seed}: ${result.outcome}</title>
<link rel="icon" href="data:,">
<style>${new Markup(STYLE)}</style>
</head>
<body class="${result.outcome}">
<main>
${header(result, version, replay)}
${keyFigures(result)}
<section><h2>The fleet over time</h2>${fleetPlot(result)}</section>
${rolloutSection(result)}
${involvedSection(result)}
${propertySection(result)}
${timelineSection(result)}
${outcomeSection(result)}
${refusalSection(result)}
${trafficSection(result)}
${stepSection(result)}
<footer><p>brickproof ${version} · ${result.traceLines.toLocaleString('en')} trace lines, SHA-256 <code>${result.traceHash}</code></p><p>Run it again: <code>${replay}</code></p></footer>
</main>
<script type="application/json" id="samples">${json}</script>
<script>${new Markup(PLOT_SCRIPT)}</script>
</body>
</html>
`.text;
}

function header(result: RunResult, version: string, replay: string): Markup {
  const failure =
    result.outcome === 'failed'
      ? markup`<div class="failure" role="alert"><p><b>Exit code ${result.exitCode}: ${EXIT_CODE_MEANING[result.exitCode]}.</b></p><p>${result.failure}</p><pre>${replay}</pre></div>`
      : undefined;
  const meta: readonly (readonly [string, string])[] = [
    ['World', result.world],
    ['Seed', String(result.seed)],
    ['Trace', result.traceHash.slice(0, 16)],
    ['brickproof', version],
  ];
  return markup`<header><div class="headline"><h1>${result.scenario}</h1><span class="verdict">${result.outcome.toUpperCase()}</span></div>
${result.description === '' ? undefined : markup`<p class="lead">${result.description}</p>`}
<dl class="meta">${meta.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${failure}</header>`;
}
