import type { ScenarioFolder } from '../../src/scenario/planning/draft.ts';

/** A scenario folder held in memory. */
export function folderOf(files: Readonly<Record<string, string | Uint8Array>>): ScenarioFolder {
  return {
    scenario: 'scenario.yaml',
    display: (path) => path,
    read: (path) => {
      const found = Object.hasOwn(files, path) ? files[path] : undefined;
      return typeof found === 'string' ? new TextEncoder().encode(found) : found;
    },
  };
}

/** A small scenario that is right in every line; tests spoil one line each. */
export const STORY = `apiVersion: brickproof.dev/v1
kind: Scenario
metadata:
  name: small
seed: 7
budget: 6h
firmware:
  thermo:1.0.0: { application: thermo, size: 900KiB }
  thermo:2.0.0:
    application: thermo
    size: 950KiB
    behaviour:
      - { on: { chip: esp32s3 }, crash: { after: 2s } }
fleet:
  - group: greenhouse
    boards: 20
    chips: { esp32: 60%, esp32s3: 30%, esp32c3: 10% }
    runs: thermo:1.0.0
    labels: { site: athens }
    link: { latency: 40ms ± 20ms, loss: 1%, bandwidth: 256kbit/s }
steps:
  - apply: rollout.yaml
  - at: 10m
    inject: { fault: link-partition, on: { labels: { site: athens } }, for: 5m }
  - wait: { for: rollout/thermo-2, condition: Aborted, within: 2h }
  - expect: { devices: { runs: thermo:1.0.0 }, count: 100%, within: 3h }
properties:
  always: [every-board-bootable]
  never:
    - { devices: { updating: true }, more-than: 10% }
  sometimes: [a-board-rolled-back]
`;

export const ROLLOUT = `apiVersion: fleet.brickproof.dev/v1alpha1
kind: FirmwareRollout
metadata: { name: thermo-2 }
spec:
  selector: { matchLabels: { site: athens } }
  firmware: registry.local/thermo:2.0.0
  waves:
    - percent: 10
    - percent: 100
`;

export const FILES = { 'scenario.yaml': STORY, 'rollout.yaml': ROLLOUT };
