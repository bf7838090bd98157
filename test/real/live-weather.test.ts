import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import type { Report } from '../../src/cli/api.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'brickproof-live-'));
afterAll(() => rmSync(folder, { recursive: true }));

const job = (name: string, tag: string): string => `  - apply:
      apiVersion: application.flashjob.nbfc.io/v1alpha1
      kind: FlashJob
      metadata: { name: ${name}, namespace: default }
      spec: { uuid: [], firmware: "registry.local/thermo:${tag}", version: ${tag}, deviceDeadline: 20m }
    fill: { spec.uuid: { devices: {} } }
`;

const refused = (fault: string, name: string, message: string): string => `  - inject: { fault: ${fault} }
${job(name, '3.0.0')}  - wait: { for: job/${name}, phase: Failed, within: 1h }
  - expect: { devices: { outcome: bad-image, message: "${message}" }, count: 100% }
  - heal: ${fault}
`;

/** The weather of scenarios/registry-weather over real sockets, in a few real seconds. */
const STORY = `apiVersion: brickproof.dev/v1
kind: Scenario
metadata: { name: live-weather }
seed: 7
budget: 12h
signatures: { keys: [release], policy: { thermo: [release] } }
firmware:
  thermo:1.0.0: { application: thermo, size: 128KiB, signed-by: release }
  thermo:2.0.0: { application: thermo, size: 128KiB, signed-by: release }
  thermo:2.0.1: { application: thermo, size: 128KiB }
  thermo:3.0.0: { application: thermo, size: 128KiB, signed-by: release }
fleet:
  - { group: shelf, boards: 12, chips: { esp32: 60%, esp32s3: 40% }, runs: "thermo:1.0.0", labels: { site: bench } }
steps:
  - apply:
      apiVersion: akri.sh/v0
      kind: Configuration
      metadata: { name: thermo, namespace: default }
      spec:
        discoveryHandler: { name: brickproof, discoveryDetails: "applicationType: thermo" }
        capacity: 1
  - expect: { devices: { attested: true }, count: 100%, within: 30m }
  - inject: { fault: registry-token-expired }
  - inject: { fault: registry-throttled, parameters: { probability: 20%, retry-after: 10s } }
  - inject: { fault: registry-errors, parameters: { probability: 20% } }
  - inject: { fault: registry-stalled, parameters: { probability: 10% } }
  - inject: { fault: registry-slow, parameters: { rate: 64KiB } }
  - apply:
      apiVersion: fleet.brickproof.dev/v1alpha1
      kind: FirmwareRollout
      metadata: { name: thermo-2, namespace: default }
      spec:
        selector: { matchLabels: { site: bench } }
        firmware: registry.local/thermo:2.0.0
        version: 2.0.0
        waves: [{ percent: 50 }, { percent: 100 }]
        gate: { minSamples: 2, minSuccessPercent: 100, bakeTime: 2m }
  - expect: { devices: { runs: thermo:2.0.0, outcome: confirmed }, at-least: 1, within: 2h }
  - inject: { fault: tag-moved }
  - wait: { for: rollout/thermo-2, condition: Completed, within: 3h }
  - expect: { boards: { runs: thermo:2.0.0, confirmed: true }, count: 100% }
  - name: two images, whatever broke off and was asked for again
    expect: { bytes-per-node: { content: image }, at-most: 384KiB }
  - heal: registry-token-expired
  - heal: registry-throttled
  - heal: registry-errors
  - heal: registry-stalled
  - heal: registry-slow
${job('moved', '2.0.0')}  - wait: { for: job/moved, phase: Failed, within: 1h }
  - expect: { devices: { outcome: bad-image, message: "unsigned at signature" }, count: 100% }
  - heal: tag-moved
${refused('registry-token-refused', 'locked-out', 'unauthorized at resolve')}${refused('registry-swapped-manifest', 'swapped', 'at manifest')}${refused('registry-flipped-bytes', 'flipped', 'digest-mismatch at')}${refused('registry-blob-deleted', 'deleted', 'not-found at layer')}${job('at-last', '3.0.0')}  - wait: { for: job/at-last, phase: Completed, within: 1h }
  - expect: { boards: { runs: thermo:3.0.0, confirmed: true }, count: 100% }
properties:
  always: [every-board-bootable, only-verified-images-run, only-attested-devices-flashed, pinned-digest-holds, twins-survive]
  never: [{ boards: { runs: thermo:2.0.1 } }]
`;

test('over real sockets, too, weather that passes costs time, and weather that stays is refused by name', async () => {
  const story = join(folder, 'scenario.yaml');
  writeFileSync(story, STORY);
  const line = [
    'src/cli/main.ts',
    'run',
    story,
    '--on',
    'live',
    '--speed',
    '120x',
    '--json',
    '--report',
    folder,
  ];
  const { stdout } = await run(process.execPath, line).catch((error) => error as { stdout: string });
  const { outcome, failure, steps, updates } = JSON.parse(stdout) as Report;
  expect({ outcome, failure }).toEqual({ outcome: 'passed', failure: '' });
  expect(steps.filter(({ status }) => status !== 'passed')).toEqual([]);
  expect(updates).toEqual({ confirmed: 24, 'bad-image': 60 });
});
