import { describe, expect, test } from 'vitest';
import { ScenarioError } from '../../../src/scenario/language/problem.ts';
import { makePlan } from '../../../src/scenario/planning/make-plan.ts';
import { FILES, folderOf, ROLLOUT, STORY } from '../story.ts';

function refusalOf(files: Readonly<Record<string, string | Uint8Array>>): ScenarioError {
  try {
    makePlan(folderOf({ ...FILES, ...files }));
  } catch (error) {
    if (error instanceof ScenarioError) return error;
    throw error;
  }
  throw new Error('the scenario was accepted');
}

const spoilt = (right: string, wrong: string): string => {
  expect(STORY).toContain(right);
  return refusalOf({ 'scenario.yaml': STORY.replace(right, wrong) }).message;
};

test('the unspoilt story is accepted', () => {
  expect(() => makePlan(folderOf(FILES))).not.toThrow();
});

describe('every mistake is one line with its place and a way out', () => {
  test.each([
    [
      'an unknown key',
      'boards: 20',
      'bords: 20',
      '16:5: unknown key "bords" in fleet[0]; did you mean "boards"?',
    ],
    ['a misspelt verb', '- apply:', '- aply:', '22:5: unknown key "aply" in steps[0]; did you mean "apply"?'],
    [
      'a misspelt fault',
      'link-partition',
      'link-partiton',
      '24:22: unknown fault "link-partiton"; did you mean "link-partition"?',
    ],
    [
      'a misspelt property',
      '[every-board-bootable]',
      '[every-board-botable]',
      '28:12: unknown property "every-board-botable"; did you mean "every-board-bootable"?',
    ],
    [
      'a misspelt selector',
      'devices: { runs:',
      'devices: { run:',
      '26:26: unknown key "run" in steps[3].expect.devices; did you mean "runs"?',
    ],
    [
      'a misspelt chip',
      'esp32: 60%',
      'esp23: 60%',
      '17:14: unknown key "esp23" in fleet[0].chips; did you mean "esp32"?',
    ],
    [
      'a misspelt kind',
      'for: rollout/',
      'for: rolout/',
      '25:18: unknown kind "rolout"; did you mean "rollout"?',
    ],
    [
      'a unit-less duration',
      'for: 5m',
      'for: 5',
      '24:77: steps[1].inject.for: 5 has no unit; write a duration as 90s or 1h30m',
    ],
    [
      'a quoted unit-less duration',
      'within: 2h',
      'within: "2"',
      '25:64: steps[2].wait.within: 2 has no unit; write a duration as 90s or 1h30m',
    ],
    [
      'a unit-less size',
      'size: 900KiB',
      'size: 900',
      '8:46: firmware.thermo:1.0.0.size: 900 has no unit; write a size as 900KiB',
    ],
    [
      'a unit-less share',
      'loss: 1%',
      'loss: 0.01',
      '20:41: fleet[0].link.loss: 0.01 has no unit; write a percentage as 5%',
    ],
    [
      'a unit-less bandwidth',
      '256kbit/s',
      '256',
      '20:56: fleet[0].link.bandwidth: 256 has no unit; write a bandwidth as 256kbit/s',
    ],
    [
      'an unknown firmware',
      'runs: thermo:1.0.0\n',
      'runs: thermo:1.0.1\n',
      '18:11: unknown firmware "thermo:1.0.1"; did you mean "thermo:1.0.0"?',
    ],
    [
      'a delta from nowhere',
      'size: 900KiB',
      'size: 900KiB, delta-from: [thermo:0.9.0]',
      '8:67: unknown firmware "thermo:0.9.0"; did you mean "thermo:1.0.0"?',
    ],
    [
      'secure boot of what nobody signed',
      'runs: thermo:1.0.0\n',
      'runs: thermo:1.0.0\n    secure-boot: [release]\n',
      '19:19: unknown key "release"',
    ],
    [
      'signed updates of an app that nobody signed',
      'runs: thermo:1.0.0\n',
      'runs: thermo:1.0.0\n    signed-updates: true\n',
      '18:11: thermo:1.0.0 is signed by nobody; give it an image-signed-by',
    ],
    [
      'a label that nobody has',
      '{ site: athens } }',
      '{ site: athenz } }',
      '24:60: no board has the label site: athenz; did you mean "athens"?',
    ],
    ['chips that do not add up', 'esp32: 60%', 'esp32: 50%', '17:12: the chips add up to 90%, not to 100%'],
    [
      'a missing manifest',
      'apply: rollout.yaml',
      'apply: rolout.yaml',
      '22:12: there is no file rolout.yaml',
    ],
    ['a missing key', '    runs: thermo:1.0.0\n', '', '15:5: "runs" is missing in fleet[0]'],
    [
      'an empty value',
      'boards: 20',
      'boards:',
      '16:12: fleet[0].boards is empty; give it a value or leave it out',
    ],
    ['a text for a number', 'boards: 20', 'boards: many', '16:13: fleet[0].boards must be a number'],
    [
      'two behaviours in one',
      'crash: { after: 2s }',
      'crash: { after: 2s }, never-confirm: true',
      '13:9: one entry is one behaviour, not crash and never-confirm; make several entries',
    ],
    [
      'two deeds in one step',
      '  - apply: rollout.yaml',
      '  - heal: power-cut\n    apply: rollout.yaml',
      '22:5: one step is one deed, not apply and heal; make several steps',
    ],
    [
      'a step that does nothing',
      '  - apply: rollout.yaml',
      '  - name: nothing',
      '22:5: this step does nothing; give it one of apply, delete, inject, heal, wait, expect',
    ],
    [
      'a wait for nothing',
      'condition: Aborted, ',
      '',
      '25:11: say what to wait for: one of condition, phase, deleted',
    ],
    ['a missing number', ', count: 100%', '', '26:13: say how many: one of count, at-least, at-most'],
    [
      'an amount in words',
      'more-than: 10%',
      'more-than: ten',
      '30:49: properties.never[0].more-than: "ten" is not a whole number or a percentage; write 20 or 10%',
    ],
    [
      'devices by weight',
      'count: 100%',
      'count: 2MiB',
      '26:55: devices are counted, not weighed: write a whole number or a percentage, as 20 or 10%',
    ],
    [
      'bytes without a unit',
      'devices: { runs: thermo:1.0.0 }, count: 100%',
      'bytes-per-node: { content: image }, at-most: 2000000',
      '26:60: bytes are counted in bytes: write a size, as 2MiB',
    ],
    [
      'a misspelt content',
      'devices: { runs: thermo:1.0.0 }, count: 100%',
      'bytes-per-node: { content: imag }, at-most: 2MiB',
      '26:42: unknown content "imag"; did you mean "image"?',
    ],
    ['a key twice', 'seed: 7', 'seed: 7\nseed: 8', '6:1: Map keys must be unique'],
    [
      'another kind',
      'kind: Scenario',
      'kind: Senario',
      '2:7: unknown kind "Senario"; did you mean "Scenario"?',
    ],
  ])('%s', (_, right, wrong, told) => {
    expect(spoilt(right, wrong)).toBe(`scenario.yaml:${told}`);
  });

  test('all of them are told at once, in the order of the file', () => {
    const text = STORY.replace('boards: 20', 'bords: 20').replace('for: 5m', 'for: 5').replace('2h }', '2 }');
    const { problems } = refusalOf({ 'scenario.yaml': text });
    expect(problems.map((problem) => problem.line)).toEqual([16, 24, 25]);
  });

  test('broken YAML is told at the place where it breaks', () => {
    expect(spoilt('seed: 7', 'seed: [7')).toMatch(/^scenario\.yaml:6:1: /);
  });

  test.each([
    ['', 'scenario.yaml:1:1: the file is empty'],
    ['a: 1\n---\nb: 2\n', 'scenario.yaml:3:1: a file holds one scenario; make two files'],
  ])('the document %j', (text, told) => {
    expect(refusalOf({ 'scenario.yaml': text }).message).toBe(told);
  });
});

describe('faults and their parameters', () => {
  test.each([
    ['latncy: 2s', '24:113: link-degrade has no parameter "latncy"; did you mean "latency"?'],
    ['latency: 2', '24:113: 2 is not a duration; write it with a unit, as 40ms'],
    ['loss: lots', '24:113: "lots" is not a percentage; write it as 10%'],
  ])('%s', (parameter, told) => {
    const inject = `fault: link-degrade, on: { labels: { site: athens } }, for: 5m, parameters: { ${parameter} } }`;
    const text = STORY.replace('fault: link-partition, on: { labels: { site: athens } }, for: 5m }', inject);
    const { message } = refusalOf({ 'scenario.yaml': text });
    expect(message.replace(/:24:\d+:/, ':24:')).toBe(`scenario.yaml:${told.replace(/24:\d+:/, '24:')}`);
  });

  test.each([
    ['code: 502', '502 is not one of 500, 503, 504'],
    ['kind: Devise', '"Devise" is not a kind; did you mean "device"?'],
    ['user: nobody', '"nobody" is not one of operator, agent, akri, kubelet'],
    ['name: 7', '7 is not a name; write it as text'],
    ['count: -1', '-1 is not a whole number from 0'],
    ['carried-out: maybe', '"maybe" is not one of no, yes'],
  ])('of the API: %s', (parameter, told) => {
    const inject = `fault: api-error, for: 5m, parameters: { ${parameter} } }`;
    const text = STORY.replace('fault: link-partition, on: { labels: { site: athens } }, for: 5m }', inject);
    expect(refusalOf({ 'scenario.yaml': text }).message).toBe(
      `scenario.yaml:24:${58 + parameter.indexOf(':')}: ${told}`,
    );
  });

  test('a fault that is not built is refused by name, and is no fault of the file', () => {
    const refusal = refusalOf({ 'scenario.yaml': STORY.replace('link-partition', 'clock-jump') });
    expect(refusal.message).toBe('scenario.yaml:24:22: the fault clock-jump is not built yet');
    expect(refusal.unbuilt).toBe(true);
  });

  test('a fault of the registry takes no boards', () => {
    expect(spoilt('link-partition', 'registry-unavailable')).toBe(
      'scenario.yaml:24:48: registry-unavailable strikes the registry, not boards; leave "on" out',
    );
  });

  test.each(['matrix', 'include', 'chaos'])('%s is refused by name', (key) => {
    const refusal = refusalOf({ 'scenario.yaml': STORY.replace('steps:', `${key}: 1\nsteps:`) });
    expect(refusal.message).toContain(`scenario.yaml:21:1: "${key}" (`);
    expect(refusal.unbuilt).toBe(true);
  });
});

describe('manifests', () => {
  const manifest = (text: string): string => refusalOf({ 'rollout.yaml': text }).message;

  test('a firmware that nobody pushed', () => {
    expect(manifest(ROLLOUT.replace('thermo:2.0.0', 'thermo:2.0.1'))).toBe(
      'rollout.yaml:6:13: the scenario pushes no firmware as "registry.local/thermo:2.0.1"; did you mean "registry.local/thermo:2.0.0"?',
    );
  });

  test('a kind that does not exist', () => {
    expect(manifest(ROLLOUT.replace('FirmwareRollout', 'FirmwareRolout'))).toMatch(
      /^rollout\.yaml:2:7: there is no kind .* did you mean "fleet\.brickproof\.dev\/v1alpha1 FirmwareRollout"\?$/,
    );
  });

  test('an empty list of devices', () => {
    const job =
      'apiVersion: application.flashjob.nbfc.io/v1alpha1\nkind: FlashJob\nmetadata: { name: j }\nspec: { uuid: [], firmware: x/y, version: "1" }\n';
    expect(manifest(job)).toBe(
      'rollout.yaml:4:15: uuid is empty: name at least one device, or fill it from the fleet',
    );
  });

  test('no object at all', () => {
    expect(manifest('# nothing\n')).toBe('scenario.yaml:22:12: rollout.yaml holds no object');
  });
});
