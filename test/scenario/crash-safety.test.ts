import { expect, test } from 'vitest';
import { SimWorld } from '../../sim/world.ts';
import { runScenario } from '../../src/scenario/engine/engine.ts';
import { makePlan } from '../../src/scenario/planning/make-plan.ts';
import { folderOf } from './story.ts';

// Whoever dies, and whenever: the story has one end. test/operator/crash-points.test.ts goes by writes, this by time.

/** Six boards, two waves, a minute; `trouble` are the steps that come right after the rollout was asked for. */
const storyOf = (trouble: readonly string[]): string => `apiVersion: brickproof.dev/v1
kind: Scenario
metadata: { name: small-rollout }
settle-within: 10m
firmware:
  thermo:1.0.0: { application: thermo, size: 160KiB }
  thermo:2.0.0: { application: thermo, size: 160KiB }
fleet:
  - group: hut
    boards: 6
    chips: { esp32: 50%, esp32s3: 50% }
    runs: thermo:1.0.0
    labels: { site: athens }
    link: { latency: 40ms ± 20ms, jitter: 30ms, loss: 2%, bandwidth: 128kbit/s }
steps:
  - apply:
      apiVersion: akri.sh/v0
      kind: Configuration
      metadata: { name: thermo }
      spec: { discoveryHandler: { name: brickproof, discoveryDetails: "applicationType: thermo" } }
  - expect: { devices: { attested: true }, count: 100%, within: 10m }
  - apply:
      apiVersion: fleet.brickproof.dev/v1alpha1
      kind: FirmwareRollout
      metadata: { name: thermo-2 }
      spec:
        selector: { matchLabels: { site: athens } }
        firmware: registry.local/thermo:2.0.0
        waves: [{ percent: 50 }, { percent: 100 }]
        gate: { minSuccessPercent: 100, bakeTime: 5s }
${trouble.map((step) => `  - ${step}\n`).join('')}  - wait: { for: rollout/thermo-2, condition: Completed, within: 1h }
  - expect: { devices: { runs: thermo:2.0.0, confirmed: true, outcome: confirmed }, count: 100% }
properties:
  always:
    - every-board-bootable
    - only-verified-images-run
    - only-attested-devices-flashed
    - one-flash-at-a-time
    - canary-gate-holds
    - twins-survive
`;

/** What a run came to, in words. */
async function endOf(trouble: readonly string[], seed: number): Promise<string> {
  const plan = makePlan(folderOf({ 'scenario.yaml': storyOf(trouble) }), { seed });
  let written = 0;
  const world = new SimWorld(plan);
  const traceSink = (chunk: string): void => {
    written += chunk.split('"kind":"write-end"').filter((text) => /^.*"result":"written"/.test(text)).length;
  };
  const { failure, updates } = await runScenario(plan, world, { wallClockMs: () => 0, traceSink });
  return `${JSON.stringify(updates)}, ${written} images written${failure === '' ? '' : `: ${failure}`}`;
}

const ONE_END = '{"confirmed":6}, 6 images written';
/** The undisturbed rollout takes 58 s. */
const STORY_MS = 60_000;

/** Tells the story with the trouble at every so many milliseconds; returns the ends that are not the one, by instant. */
async function otherEnds(everyMs: number, troubleAt: (afterMs: number) => readonly string[]) {
  const ends: Record<number, string> = {};
  for (let afterMs = 0; afterMs < STORY_MS; afterMs += everyMs) {
    const end = await endOf(troubleAt(afterMs), 1 + (afterMs % 7));
    if (end !== ONE_END) ends[afterMs] = end;
  }
  return ends;
}

test('undisturbed, every device is confirmed and every image is written once', async () => {
  for (const seed of [1, 2, 3]) expect(await endOf([], seed)).toBe(ONE_END);
});

test.each([
  ['the operator dies and is back at once', 1_000, 'fault: operator-crash, for: 1ms'],
  ['the operator dies and is away for a while', 7_300, 'fault: operator-crash, for: 20s'],
  ['every flash agent dies', 2_100, 'fault: agent-crash'],
  ['the node is lost for a minute', 7_300, 'fault: node-loss, for: 1m'],
  ['the node is lost until its Pods are evicted', 17_300, 'fault: node-loss, for: 7m'],
  ['every watch ends', 5_300, 'fault: watch-drop'],
  ['the API server is away', 5_300, 'fault: api-unavailable, for: 15s'],
  ['the registry is away', 7_300, 'fault: registry-unavailable, for: 15s'],
] as const)('whenever %s, the end is the same', async (_, everyMs, inject) => {
  expect(await otherEnds(everyMs, (afterMs) => [`{ after: ${afterMs}ms, inject: { ${inject} } }`])).toEqual(
    {},
  );
});

test('operator and agents may die one after the other while the API server and the watches fail them', async () => {
  const ends = await otherEnds(4_700, (afterMs) => [
    'inject: { fault: api-conflict, for: 3m, parameters: { probability: 30% } }',
    `{ after: ${afterMs}ms, inject: { fault: operator-crash, for: 7s } }`,
    'inject: { fault: watch-drop }',
    '{ after: 2s, inject: { fault: agent-crash } }',
    '{ after: 3s, inject: { fault: api-unavailable, for: 5s } }',
    '{ after: 4s, inject: { fault: agent-crash } }',
    'inject: { fault: registry-unavailable, for: 10s }',
  ]);
  expect(ends).toEqual({});
});

test('links that break while everybody dies only make it longer', async () => {
  const ends = await otherEnds(7_900, (afterMs) => [
    `{ after: ${afterMs}ms, inject: { fault: link-partition, on: { count: 3 }, for: 2m } }`,
    'inject: { fault: operator-crash, for: 5s }',
    'inject: { fault: agent-crash }',
    '{ after: 100s, inject: { fault: agent-crash } }',
    'inject: { fault: operator-crash, for: 30s }',
  ]);
  expect(ends).toEqual({});
});
