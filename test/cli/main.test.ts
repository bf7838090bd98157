import { describe, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { FAULT_NAMES } from '../../src/scenario/fault.ts';
import { ScriptedConsole } from './scripted-console.ts';

async function call(...args: string[]) {
  const console = new ScriptedConsole();
  const exitCode = await main(args, console);
  return { exitCode, stdout: console.stdout, stderr: console.stderr };
}

describe('help', () => {
  test.each([
    [['--help']],
    [['run', '--help']],
    [['replay', '--help']],
    [['cluster', '--help']],
    [['schema', '--help']],
    [['faults', '--help']],
  ])('%s shows an example and succeeds', async (args) => {
    const { exitCode, stdout, stderr } = await call(...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: brickproof/);
    expect(stdout).toContain('Examples:\n  $ npx brickproof');
  });

  test('lists every exit code', async () => {
    const { stdout } = await call('run', '--help');
    for (const code of [0, 1, 2, 3, 4, 64, 69, 70, 130])
      expect(stdout).toMatch(new RegExp(`^ +${code}  `, 'm'));
  });

  test('the version is the package’s', async () => {
    expect((await call('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('bad usage is one line and exit code 64', () => {
  test.each([
    [['run'], "brickproof: missing required argument 'scenario'\n"],
    [['run', 'x', '--sed', '3'], "brickproof: unknown option '--sed' (Did you mean --seed?)\n"],
    [['rn'], "brickproof: unknown command 'rn' (Did you mean run?)\n"],
    [['run', 'no/such'], 'brickproof: there is no scenario no/such; give a folder or a YAML file\n'],
    [['run', 'src'], "brickproof: src holds no scenario.yaml; give a scenario's folder or its file\n"],
    [['replay', 'no/such'], 'brickproof: there is no replay file no/such\n'],
    [
      ['run', 'x', '--seed', '-1'],
      "brickproof: option '--seed <number>' argument '-1' is invalid. It must be a whole number from 0 to 4294967295.\n",
    ],
    [
      ['run', 'x', '--speed', '60'],
      "brickproof: option '--speed <factor>' argument '60' is invalid. Write it as 60x.\n",
    ],
    [
      ['run', 'x', '--on', 'moon'],
      "brickproof: option '--on <world>' argument 'moon' is invalid. Allowed choices are sim, live, bench.\n",
    ],
  ])('%s', async (args, stderr) => {
    expect(await call(...args)).toEqual({ exitCode: 64, stdout: '', stderr });
  });
});

test('the bench is refused by name with exit code 69', async () => {
  const { exitCode, stderr } = await call('run', 'scenarios/flashjob-legacy', '--on', 'bench', '--no-report');
  expect(exitCode).toBe(69);
  expect(stderr).toContain('the bench (real boards on USB) is not built yet');
});

test('schema prints a JSON Schema', async () => {
  const schema = JSON.parse((await call('schema')).stdout);
  expect(schema).toMatchObject({ title: 'brickproof scenario', type: 'object', additionalProperties: false });
});

test('faults lists all of them, in columns', async () => {
  const { stdout } = await call('faults');
  const column = stdout.indexOf('STRIKES');
  for (const name of FAULT_NAMES) {
    const line = stdout.split('\n').find((entry) => entry.startsWith(`${name} `));
    expect(line?.[column - 1]).toBe(' ');
    expect(line?.[column]).not.toBe(' ');
  }
});
