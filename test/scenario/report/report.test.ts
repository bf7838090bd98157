import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeHtml } from '../../../src/scenario/report/html/page.ts';
import { tickText, timeTicks } from '../../../src/scenario/report/html/time-axis.ts';
import { makeJunit } from '../../../src/scenario/report/junit.ts';
import { escapeMarkup } from '../../../src/scenario/report/markup.ts';
import { makeReport } from '../../../src/scenario/report/report-json.ts';
import { failedResult, sampleResult } from './sample-result.ts';

/** Throws unless every element is closed in order; void elements of HTML are known. */
function checkNesting(text: string): void {
  const VOID = new Set(['meta', 'link', 'br', 'hr', 'img', 'input']);
  const open: string[] = [];
  const body = text.replace(
    /<script[\s\S]*?<\/script>|<style>[\s\S]*?<\/style>|<!doctype[^>]*>|<\?xml[^>]*>/g,
    '',
  );
  for (const [, closing, name = '', rest = ''] of body.matchAll(
    /<(\/?)([a-zA-Z][\w:-]*)((?:"[^"]*"|[^">])*)>/g,
  )) {
    if (closing === '/') expect(open.pop()).toBe(name);
    else if (!rest.endsWith('/') && !VOID.has(name)) open.push(name);
  }
  expect(open).toEqual([]);
  expect(body.replace(/<(?:"[^"]*"|[^">])*>/g, '')).not.toMatch(/[<>]/);
}

describe('report.html', () => {
  const replay = 'npx brickproof replay out/replay.yaml';

  test.each([
    ['passed', sampleResult()],
    ['failed', failedResult()],
  ])('of a run that %s is well-formed', (_, result) => {
    checkNesting(makeHtml(result, '0.1.0', replay));
  });

  test('says who was refused and why', () => {
    const html = makeHtml(sampleResult(), '0.1.0', replay);
    expect(html).toMatch(/fake-001.*cloned.*cloned-identity.*not its key/s);
    expect(html).toMatch(/liar-001.*forged.*bad-signature.*forged &lt;token&gt;/s);
  });

  test('fetches nothing from anywhere', () => {
    const html = makeHtml(sampleResult(), '0.1.0', replay);
    expect(html).not.toMatch(/https?:|src=|@import|url\((?!#)/);
  });

  test('shows what a run said and never runs it', () => {
    const html = makeHtml(failedResult(), '0.1.0', replay);
    expect(html).not.toContain('<script>alert');
    expect(html).toContain('&lt;script&gt;alert');
    expect(html).toContain(replay);
    expect(html).toContain('Exit code 1: a safety property (always, never) was violated.');
  });

  test('cannot be broken out of by the samples', () => {
    const chart = { columnMs: 1000, states: ['</script><b>'], columns: [[1], [2]] };
    checkNesting(makeHtml(sampleResult({ chart }), '0.1.0', replay));
  });

  test('of a run in which nothing happened is well-formed, too', () => {
    const chart = { columnMs: 1000, states: [], columns: [[]] };
    const empty = {
      chart,
      rollouts: [],
      notes: [],
      updates: {},
      refused: [],
      steps: [],
      properties: [],
      faults: [],
    };
    checkNesting(makeHtml(sampleResult({ ...empty, virtualDurationMs: 0, boards: 0 }), '0.1.0', replay));
  });

  test('shows a lane for each rollout and each fault, and counts those that are too many', () => {
    const { rollouts } = sampleResult();
    const many = (count: number, of: string) => Array.from({ length: count }, (_, index) => `${of}-${index}`);
    const lanesOf = (rolloutCount: number, faultCount: number) => {
      const html = makeHtml(
        sampleResult({
          rollouts: many(rolloutCount, 'rollout').flatMap((name) =>
            rollouts[0] ? [{ ...rollouts[0], name }] : [],
          ),
          faults: many(faultCount, 'fault').map((fault) => ({ fault, boards: 0, fromMs: 0, toMs: 60_000 })),
        }),
        '0.1.0',
        replay,
      );
      return [...html.matchAll(/<text class="lane"[^>]*>([^<]+)/g)].map(([, title]) => title);
    };
    expect(lanesOf(7, 13)).toEqual([...many(7, 'rollout'), ...many(13, 'fault')]);
    expect(lanesOf(20, 17)).toEqual([
      ...many(16, 'rollout'),
      'and 4 more rollouts',
      ...many(16, 'fault'),
      'and 1 more faults',
    ]);
  });

  test('stays small however long the run was', () => {
    const states = Array.from({ length: 12 }, (_, index) => `thermo ${index}.0.0`);
    const columns = Array.from({ length: 600 }, (_, at) =>
      states.map((_, index) => (at * 7 + index * 13) % 900),
    );
    const html = makeHtml(
      sampleResult({ chart: { columnMs: 1000, states, columns }, boards: 10_000 }),
      '0.1.0',
      replay,
    );
    expect(html.length).toBeLessThan(600_000);
  });
});

describe('junit.xml', () => {
  test('has a case for every step and property, and counts them', () => {
    const xml = makeJunit(failedResult());
    checkNesting(xml);
    expect(xml.match(/<testcase /g)).toHaveLength(8);
    expect(xml).toContain('tests="8" failures="1" errors="0" skipped="2"');
    expect(xml).toContain('name="always: only-attested-devices-flashed"');
  });

  test('any text at all stays one attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        checkNesting(makeJunit(sampleResult({ scenario: text })));
        expect(escapeMarkup(text)).not.toMatch(/[<>"']/);
      }),
      { numRuns: 30 },
    );
  });
});

describe('report.json', () => {
  test('carries what machines were promised', () => {
    const report = makeReport(failedResult(), '0.1.0', 'again');
    expect(Object.keys(report)).toEqual(
      expect.arrayContaining([
        'schemaVersion',
        'version',
        'scenario',
        'world',
        'seed',
        'outcome',
        'exitCode',
        'traceHash',
        'virtualDurationMs',
        'wallDurationMs',
        'events',
        'boards',
        'devices',
        'properties',
      ]),
    );
    expect(report).toMatchObject({ schemaVersion: 1, outcome: 'failed', exitCode: 1, replay: 'again' });
    expect(report.properties[0]).toMatchObject({
      name: 'only-attested-devices-flashed',
      verdict: 'failed',
      firstViolation: { board: 'fake-001', atMs: 720_000 },
    });
    expect(report.properties.find((property) => property.kind === 'sometimes')).not.toHaveProperty(
      'firstViolation',
    );
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

describe('the time axis', () => {
  test('has at most ten steps of round lengths, from 0 on', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10_000, max: 20 * 86_400_000 }), (untilMs) => {
        const ticks = timeTicks(untilMs);
        expect(ticks[0]).toBe(0);
        expect(ticks.length).toBeLessThanOrEqual(11);
        expect(new Set(ticks.map(tickText)).size).toBe(ticks.length);
      }),
    );
  });
});
