import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Deciders } from '../../operator/index.ts';
import { SimWorld } from '../../sim/world.ts';
import { appraise } from '../../src/attestation/appraisal.ts';
import { decodeSign1 } from '../../src/attestation/cose.ts';
import { decodeEat } from '../../src/attestation/eat.ts';
import { decodeEvidence } from '../../src/attestation/evidence.ts';
import { replayCommand, runCommand } from '../../src/cli/commands/run.ts';
import type { OpenWorld } from '../../src/cli/open-world.ts';
import { decideDeviceUpdate } from '../../src/flashjob/device-update.ts';
import { decideRollout } from '../../src/rollout/decide.ts';
import { ScriptedConsole } from '../cli/scripted-console.ts';

// The point of the whole house: an operator that does what it must not do cannot pass.

/** Begins the next wave as soon as every device of the one before has some outcome. */
const skipsTheGate: Partial<Deciders> = {
  decideRollout: (view) => {
    const { spec } = view.rollout;
    const waves = spec.waves.map(({ percent }) => ({ percent }));
    const blind = { ...view.rollout, spec: { ...spec, waves, gate: { minSuccessPercent: 0 } } };
    return decideRollout({ ...view, rollout: blind });
  },
};

/** Offers the image in a new conversation while the device is still in the one before. */
const offersTwice: Partial<Deciders> = {
  decideDeviceUpdate: (view) => {
    const action = decideDeviceUpdate(view);
    const isOpen = view.transfer.state === 'accepted' && view.attempts < 4;
    return action.kind === 'wait' && isOpen ? { kind: 'offer', isFresh: true } : action;
  },
};

/** Does not mind that another job holds the device. */
const ignoresTheHolder: Partial<Deciders> = {
  decideDeviceUpdate: (view) =>
    decideDeviceUpdate(view.claim === 'other' ? { ...view, claim: 'none' } : view),
};

/** Reads what evidence says, and checks nothing. */
const trustsEvidence: Partial<Deciders> = {
  appraise: (evidence, context) => {
    const envelope = decodeEvidence(evidence);
    const token = envelope.ok ? decodeSign1(envelope.value.token, 'tagged', 'the token') : envelope;
    const claims = token.ok ? decodeEat(token.value.payload) : token;
    if (!claims.ok) return appraise(evidence, context);
    return { result: 'accepted', deviceId: context.challengedDeviceId ?? '', claims: claims.value };
  },
};

const CANARY = join(import.meta.dirname, '..', '..', 'scenarios', 'canary-rollback');
const folder = mkdtempSync(join(tmpdir(), 'brickproof-broken-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Two people want the same devices at the same time. */
const TWO_JOBS = join(folder, 'two-jobs.yaml');
const job = (name: string): string => `{
      apiVersion: application.flashjob.nbfc.io/v1alpha1, kind: FlashJob, metadata: { name: ${name} },
      spec: { uuid: [], firmware: "registry.local/thermo:2.0.0", version: 2.0.0 } }`;
writeFileSync(
  TWO_JOBS,
  `apiVersion: brickproof.dev/v1
kind: Scenario
metadata: { name: two-jobs }
firmware:
  thermo:1.0.0: { application: thermo, size: 200KiB }
  thermo:2.0.0: { application: thermo, size: 200KiB }
fleet:
  - { group: hut, boards: 4, runs: "thermo:1.0.0", link: { latency: 40ms, bandwidth: 128kbit/s } }
steps:
  - apply:
      apiVersion: akri.sh/v0
      kind: Configuration
      metadata: { name: thermo }
      spec: { discoveryHandler: { name: brickproof, discoveryDetails: "applicationType: thermo" } }
  - expect: { devices: { attested: true }, count: 100%, within: 10m }
  - apply: ${job('mine')}
    fill: { spec.uuid: { devices: {} } }
  - apply: ${job('yours')}
    fill: { spec.uuid: { devices: {} } }
  - wait: { for: job/mine, condition: Complete, within: 1h }
  - wait: { for: job/yours, condition: Complete, within: 1h }
  - expect: { boards: { runs: "thermo:2.0.0", confirmed: true }, count: 100% }
properties: { always: [one-flash-at-a-time] }
`,
);

const worldWith =
  (deciders: Partial<Deciders>): OpenWorld =>
  async (plan) =>
    new SimWorld(plan, { deciders });

/** Tells a story as the command line does; returns what it left behind. */
async function run(scenario: string, deciders: Partial<Deciders>) {
  const report = join(folder, 'report');
  const flags = { on: 'sim', speed: 1, report, ...(scenario === CANARY && { boards: 40 }) } as const;
  const exitCode = await runCommand(scenario, flags, new ScriptedConsole(), worldWith(deciders));
  return { exitCode, report: readReport(report), replay: join(report, 'replay.yaml') };
}

function readReport(path: string) {
  const { failure, properties, traceHash } = JSON.parse(readFileSync(join(path, 'report.json'), 'utf8'));
  const failed = (properties as { readonly name: string; readonly verdict: string }[])
    .filter(({ verdict }) => verdict === 'failed')
    .map(({ name }) => name);
  return { failure: failure as string, failed, traceHash: traceHash as string };
}

describe.each([
  ['skips the gate', CANARY, skipsTheGate, 'canary-gate-holds'],
  ['offers again while a session is open', CANARY, offersTwice, 'one-flash-at-a-time'],
  ['ignores that another job holds the device', TWO_JOBS, ignoresTheHolder, 'one-flash-at-a-time'],
  ['trusts a device that has proved nothing', CANARY, trustsEvidence, 'only-attested-devices-flashed'],
] as const)('an operator that %s', (_, scenario, deciders, property) => {
  test(`fails with exit code 1 and ${property}, and its replay is the same run`, async () => {
    const { exitCode, report, replay } = await run(scenario, deciders);
    expect({ exitCode, failed: report.failed }).toEqual({ exitCode: 1, failed: [property] });
    expect(report.failure).toMatch(new RegExp(`^${property}: `));

    const again = join(folder, 'again');
    const console = new ScriptedConsole();
    expect(await replayCommand(replay, { report: again }, console, worldWith(deciders))).toBe(1);
    expect(readReport(again)).toEqual(report);
    expect(console.stderr).toContain('the trace is the recorded one\n');
  });
});

test.each([
  ['canary-rollback', CANARY],
  ['two jobs', TWO_JOBS],
])('the operator as it is passes %s', async (_, scenario) => {
  const { exitCode, report } = await run(scenario, {});
  expect({ exitCode, ...report }).toMatchObject({ exitCode: 0, failure: '', failed: [] });
});

test('a repaired operator passes where the broken one failed, and the replay says that the run is another', async () => {
  const { replay } = await run(TWO_JOBS, ignoresTheHolder);
  const console = new ScriptedConsole();
  expect(await replayCommand(replay, { report: false }, console, worldWith({}))).toBe(0);
  expect(console.stderr).toContain('the trace is not the recorded one');
});
