import { type RunOptions, runScenario } from '../../src/scenario/engine/engine.ts';
import { makePlan } from '../../src/scenario/planning/make-plan.ts';
import type { RunResult } from '../../src/scenario/result.ts';
import { ScriptedWorld } from './scripted-world.ts';
import { folderOf } from './story.ts';

const HEAD = `apiVersion: brickproof.dev/v1
kind: Scenario
metadata: { name: played }
budget: 6h
settle-within: 10m
firmware:
  thermo:1.0.0: { application: thermo, size: 64KiB }
  thermo:2.0.0: { application: thermo, size: 64KiB }
  classifier:1.0.0: { application: classifier, size: 64KiB }
`;

const FLEET = `fleet:
  - { group: hut, boards: 10, chips: { esp32: 100% }, runs: "thermo:1.0.0", labels: { site: athens } }
  - { group: fake, boards: 1, runs: "thermo:1.0.0", identity: cloned, clones: hut }
  - { group: liar, boards: 1, runs: "thermo:1.0.0", identity: forged }
`;

export interface Play {
  readonly result: RunResult;
  readonly world: ScriptedWorld;
  readonly trace: string;
}

/** Tells a small story to a scripted world: ten huts of ESP32, a clone and a liar. */
export async function play(
  story: { readonly steps?: string; readonly properties?: string; readonly files?: Record<string, string> },
  script: (world: ScriptedWorld) => void = () => {},
  options: Partial<RunOptions> = {},
): Promise<Play> {
  const steps = story.steps ?? '  - { at: 1h, expect: { boards: { group: hut }, count: 100% } }';
  const text = `${HEAD}${FLEET}steps:\n${steps}\nproperties: { ${story.properties ?? ''} }\n`;
  const plan = makePlan(folderOf({ 'scenario.yaml': text, ...story.files }));
  const world = new ScriptedWorld(plan);
  script(world);
  let trace = '';
  const traceSink = (chunk: string): void => {
    trace += chunk;
  };
  const result = await runScenario(plan, world, { traceSink, wallClockMs: () => 0, ...options });
  return { result, world, trace };
}

/** Plays a script under one property and returns how that property fared. */
export async function judge(
  property: string,
  kind: 'always' | 'sometimes',
  script: (world: ScriptedWorld) => void,
) {
  const { result } = await play({ properties: `${kind}: [${property}]` }, script);
  const found = result.properties.find((entry) => entry.name === property);
  if (found === undefined) throw new Error(`${property} was not judged`);
  return { ...found, exitCode: result.exitCode };
}
