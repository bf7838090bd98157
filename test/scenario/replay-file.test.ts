import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { makePlan } from '../../src/scenario/planning/make-plan.ts';
import {
  folderOfReplay,
  readReplay,
  withRecordedFaults,
  writeReplay,
} from '../../src/scenario/replay-file.ts';
import { sampleResult } from './report/sample-result.ts';
import { FILES, folderOf, STORY } from './story.ts';

const files = {
  ...FILES,
  'scenario.yaml': STORY.replace('on: { labels: { site: athens } }', 'on: { count: 30% }'),
};
const plan = makePlan(folderOf(files));
const facts = { version: '0.1.0', scenario: 'scenario.yaml', locate: (path: string) => path };
const written = writeReplay(
  plan,
  sampleResult({ outcome: 'failed', exitCode: 1, failure: 'because' }),
  facts,
);

const replan = (text: string) => {
  const recorded = readReplay('replay.yaml', text);
  const { replay } = recorded;
  return withRecordedFaults(
    makePlan(
      folderOfReplay(recorded, () => undefined),
      { seed: replay.seed },
    ),
    recorded,
  );
};

const edited = (change: (replay: { plan: { faults: { boards: string[] }[] } }) => void): string => {
  const replay = parse(written);
  change(replay);
  return stringify(replay);
};

describe('a replay', () => {
  test('holds all it needs: the plan made from it is the plan', () => {
    const again = replan(written);
    expect(again.boards).toEqual(plan.boards);
    expect(again.steps.map((step) => step.label)).toEqual(plan.steps.map((step) => step.label));
    expect(again.steps[1]).toMatchObject({
      order: plan.steps[1]?.verb === 'inject' ? plan.steps[1].order : {},
    });
  });

  test('can be edited by hand: boards and whole faults can be taken away', () => {
    const one = replan(edited(({ plan: { faults } }) => void faults[0]?.boards.splice(1)));
    expect(one.steps[1]?.verb === 'inject' && one.steps[1].order.boards).toHaveLength(1);
    const none = replan(edited((replay) => void replay.plan.faults.splice(0)));
    expect(none.steps.map((step) => step.verb)).toEqual(['apply', 'wait', 'expect']);
  });

  test('that names a board nobody has is refused at its place', () => {
    const text = edited(({ plan: { faults } }) => void faults[0]?.boards.push('greenhouse-099'));
    expect(() => replan(text)).toThrow(/^replay\.yaml:\d+:\d+: unknown board "greenhouse-099"; did you mean/);
  });

  test('is read strictly', () => {
    expect(() => readReplay('replay.yaml', written.replace('traceHash:', 'traceHsh:'))).toThrow(
      /unknown key "traceHsh" in recorded; did you mean "traceHash"\?$/,
    );
  });

  test('finds an image again by its digest, and refuses another one', () => {
    const replay = parse(written);
    replay.files.push({ path: 'a.bin', from: '/images/a.bin', sha256: 'ab' });
    const recorded = readReplay('replay.yaml', stringify(replay));
    expect(() => folderOfReplay(recorded, () => undefined)).toThrow(
      'the image /images/a.bin is not there any more',
    );
    expect(() => folderOfReplay(recorded, () => new Uint8Array(1))).toThrow('is another one by now');
  });
});
