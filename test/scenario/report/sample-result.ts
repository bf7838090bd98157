import type { RunResult, WaveResult } from '../../../src/scenario/result.ts';

const minute = 60_000;
const place = { file: 'scenarios/sample/scenario.yaml', line: 40, column: 5 };

const wave = (
  percent: number,
  counts: readonly number[],
  gate: string,
  from: number,
  to: number,
): WaveResult => {
  const [devices = 0, confirmed = 0, failed = 0, excluded = 0] = counts;
  const pending = devices - confirmed - failed - excluded;
  return {
    percent,
    devices,
    confirmed,
    failed,
    excluded,
    pending,
    gate,
    beganAtMs: from * minute,
    endedAtMs: to * minute,
  };
};

/** A canary that stops, a revert and a repair: every part of the report has something to show. */
export function sampleResult(change: Partial<RunResult> = {}): RunResult {
  const states = [
    'off',
    'thermo 1.0.0',
    'updating',
    'restarting',
    'thermo 2.0.0 on probation',
    'thermo 2.0.0',
    'offline',
    'thermo 2.0.1',
    'impostor',
    'classifier 1.0.0',
  ];
  const columns: number[][] = [];
  for (let column = 0; column < 150; column++) {
    const [at] = [column];
    const partition = at >= 20 && at < 35 ? 40 : 0;
    const canary = at < 10 ? 0 : at < 30 ? Math.min(10, at - 10) : at < 45 ? 10 : at < 55 ? 60 - at : 0;
    const repaired =
      at < 70 ? 0 : at < 80 ? (at - 70) * 5 : at < 95 ? 50 : at < 125 ? 50 + (at - 95) * 5 : 200;
    const purposed = at < 130 ? 0 : Math.min(20, (at - 130) * 4);
    const moving = at > 95 && at < 125 ? 6 : at > 10 && at < 20 ? 4 : 0;
    const probation = moving / 2;
    const old = 200 - partition - canary - repaired - moving - probation;
    const short = Math.min(0, old);
    columns.push([
      0,
      Math.max(0, old),
      moving,
      0,
      probation,
      canary,
      partition,
      repaired + short - purposed,
      2,
      purposed,
    ]);
  }
  return {
    scenario: 'canary-rollback',
    description:
      'A build that crashes on the S3 boards is caught by the canary; the fleet goes back, is repaired, and twenty boards learn another trade.',
    world: 'sim',
    seed: 7,
    outcome: 'passed',
    exitCode: 0,
    failure: '',
    traceHash: '3f1c9a0e5b7d24688acb1f02d9e35c71a4f60b8892d7e6c3b15a907f4e2d8c60',
    traceLines: 41_210,
    virtualDurationMs: 150 * minute,
    wallDurationMs: 4312,
    events: 183_204,
    boards: 202,
    devices: { confirmed: 199, refused: 1 },
    updates: { confirmed: 231, 'rolled-back': 3, refused: 2 },
    refused: [
      {
        board: 'fake-001',
        identity: 'cloned',
        code: 'cloned-identity',
        message: 'not its key',
        atMs: 10_000,
      },
      {
        board: 'liar-001',
        identity: 'forged',
        code: 'bad-signature',
        message: 'forged <token>',
        atMs: 11_000,
      },
    ],
    steps: [
      {
        number: 1,
        verb: 'apply',
        label: 'apply rollout/thermo-2',
        place,
        status: 'passed',
        why: 'rollout/thermo-2 created',
        startedAtMs: 5 * minute,
        endedAtMs: 5 * minute,
      },
      {
        number: 2,
        verb: 'wait',
        label: 'wait for rollout/thermo-2: Aborted',
        place,
        status: 'passed',
        why: 'after 40m 12s',
        startedAtMs: 5 * minute,
        endedAtMs: 45 * minute,
      },
      {
        number: 3,
        verb: 'inject',
        label: 'inject power-cut on 2 boards',
        place,
        status: 'skipped',
        why: 'this bench has no power switch',
        startedAtMs: 45 * minute,
        endedAtMs: 45 * minute,
      },
    ],
    properties: [
      {
        name: 'every-board-bootable',
        kind: 'always',
        description: 'whatever happens to a board, its bootloader finds something to boot',
        verdict: 'passed',
        sightings: 0,
        first: [],
      },
      {
        name: 'a-board-rolled-back',
        kind: 'sometimes',
        description: 'a bootloader abandoned an unconfirmed image',
        verdict: 'passed',
        sightings: 3,
        first: [
          {
            atMs: 14 * minute,
            board: 'greenhouse-007',
            message: 'greenhouse-007 went back to thermo 1.0.0 (panic)',
          },
        ],
      },
      {
        name: 'every-board-settles',
        kind: 'liveness',
        description: 'once the last fault has healed, everything reaches a verdict',
        verdict: 'passed',
        sightings: 0,
        first: [],
      },
    ],
    rollouts: [
      {
        name: 'thermo-2',
        firmware: 'registry.local/thermo:2.0.0',
        phase: 'Aborted',
        message: 'wave 1: 7 of 10 devices confirmed, 95% needed',
        createdAtMs: 5 * minute,
        waves: [
          wave(5, [10, 7, 3, 0], 'Failed', 10, 45),
          { ...wave(25, [40, 0, 0, 0], 'Waiting', 0, 0), beganAtMs: undefined, endedAtMs: undefined },
        ],
      },
      {
        name: 'thermo-2-fixed',
        firmware: 'registry.local/thermo:2.0.1',
        phase: 'Completed',
        message: '',
        createdAtMs: 68 * minute,
        waves: [
          wave(5, [10, 10, 0, 0], 'Passed', 70, 80),
          wave(25, [40, 39, 0, 1], 'Passed', 80, 95),
          wave(100, [150, 150, 0, 0], 'Passed', 95, 127),
        ],
      },
    ],
    registry: [{ node: 'edge-1', content: 'image', answers: 4, bytes: 2_918_400 }],
    faults: [{ fault: 'link-partition', boards: 40, fromMs: 20 * minute, toMs: 35 * minute }],
    notes: [
      {
        atMs: 5 * minute,
        topic: 'rollout',
        tone: 'info',
        text: 'rollout thermo-2: registry.local/thermo:2.0.0 in waves of 5%, 25%, 100%',
      },
      {
        atMs: 14 * minute,
        topic: 'board',
        tone: 'warning',
        board: 'greenhouse-007',
        text: 'greenhouse-007 (esp32s3) gave up thermo 2.0.0 and is back on 1.0.0 (panic)',
      },
      { atMs: 20 * minute, topic: 'fault', tone: 'warning', text: 'link-partition on 40 boards begins' },
      {
        atMs: 45 * minute,
        topic: 'rollout',
        tone: 'bad',
        text: 'thermo-2, wave 1 (5%) failed its gate: 7 confirmed, 3 failed, 0 excluded',
      },
      {
        atMs: 80 * minute,
        topic: 'rollout',
        tone: 'good',
        text: 'thermo-2-fixed, wave 1 (5%) passed its gate: 10 confirmed, 0 failed, 0 excluded',
      },
    ],
    notesDropped: 0,
    chart: { columnMs: minute, states, columns },
    involved: [],
    ...change,
  };
}

/** The same run, had a clone been flashed. */
export function failedResult(): RunResult {
  const message =
    'fake-001 is cloned, and is being flashed with sha256:ab <script>alert("x")</script> & more';
  const sample = sampleResult();
  return sampleResult({
    outcome: 'failed',
    exitCode: 1,
    failure: `only-attested-devices-flashed: ${message}`,
    properties: [
      {
        name: 'only-attested-devices-flashed',
        kind: 'always',
        description: 'nothing is written to a board that is not genuine',
        verdict: 'failed',
        sightings: 2,
        first: [{ atMs: 12 * minute, board: 'fake-001', message }],
      },
      {
        name: 'a-clone-was-refused',
        kind: 'sometimes',
        description: 'evidence of a cloned board was turned away',
        verdict: 'not-judged',
        sightings: 0,
        first: [],
      },
      ...sample.properties,
    ],
    involved: [
      {
        name: 'fake-001',
        chip: 'esp32',
        state: 'updating',
        running: 'thermo 1.0.0',
        history: [
          { atMs: 2000, text: 'boots thermo 1.0.0 from ota_0 (power-on)' },
          { atMs: 12 * minute, text: 'begins to write ab12 at byte 0 (s-1)' },
        ],
      },
    ],
  });
}
